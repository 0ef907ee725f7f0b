/*
 * decimal: numbers of JSON text compared exactly, however many digits they have.
 *
 * 300, 300.0, 3e2 are one number; 9007199254740993 is not 9007199254740992. Views into the
 * text; nothing is allocated or rounded.
 */
#ifndef MR_POLLER_DECIMAL_H
#define MR_POLLER_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct mr_decimal {
    int sign;             /* -1, 0, 1 */
    int64_t exponent;     /* of the first digit: 300 has 2 */
    struct mr_slice text; /* from the first to the last digit that is not 0; may hold a '.' */
};

/* `text` is a number as JSON has it. */
struct mr_decimal mr_decimal_of(struct mr_slice text);

/* Below 0, 0, above 0. */
int mr_decimal_compare(const struct mr_decimal *a, const struct mr_decimal *b);

#endif
