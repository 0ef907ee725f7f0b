/*
 * doctor: what this host can isolate, and what to install or set to get more.
 * `millrace doctor` prints it.
 */
#ifndef MR_HARNESS_DOCTOR_H
#define MR_HARNESS_DOCTOR_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends the level in force, each mechanism, and the programs a stream
 * function's workday wants. The level, 1..3 (0: no sandbox); negative with
 * `err` when sandboxd does not run here at all.
 */
int mr_doctor_write(struct mr_buf *buf, struct mr_error *err);

#endif
