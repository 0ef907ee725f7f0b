/*
 * duration: "2s" as people write it.
 *
 * Thread: any.
 */
#ifndef MR_BASE_DURATION_H
#define MR_BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* "250ms", "2s", "1.5m", "24h", "7d"; a bare number is seconds. False when it is none. */
bool mr_duration_parse(struct mr_slice text, uint64_t *out_ms);

#endif
