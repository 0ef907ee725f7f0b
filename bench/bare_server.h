/*
 * bare_server: the least a Runtime API server can do, to compare ours with.
 *
 * One handler process, one blocking connection at a time, canned answers, no states, no limits,
 * no timers, no log.
 */
#ifndef MR_BENCH_BARE_SERVER_H
#define MR_BENCH_BARE_SERVER_H

#include <stdint.h>

/*
 * Runs CODE_DIR/bootstrap for `count` invocations; times_us[i] is from the event's first byte
 * to the response's last. Returns the microseconds all of them took, 0 when it did not work.
 */
uint64_t bare_server_measure(const char *code_dir, uint64_t *times_us, int count);

#endif
