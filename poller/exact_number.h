/*
 * exact_number: numbers of JSON text compared exactly, however many digits they have.
 *
 * 300, 300.0, 3e2 are one number; 9007199254740993 is not 9007199254740992. Views into the
 * text; nothing is allocated or rounded.
 */
#ifndef MR_POLLER_EXACT_NUMBER_H
#define MR_POLLER_EXACT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct mr_exact_number {
    int sign;             /* -1, 0, 1 */
    int64_t exponent;     /* of the first digit: 300 has 2 */
    struct mr_slice text; /* from the first to the last digit that is not 0; may hold a '.' */
};

/* `text` is a number as JSON has it. */
struct mr_exact_number mr_exact_number_of(struct mr_slice text);

/* Below 0, 0, above 0. */
int mr_exact_number_compare(const struct mr_exact_number *a, const struct mr_exact_number *b);

#endif
