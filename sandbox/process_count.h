/* process_count: how many processes a user has, as RLIMIT_NPROC counts them. */
#ifndef MR_SANDBOX_PROCESS_COUNT_H
#define MR_SANDBOX_PROCESS_COUNT_H

#include <stdint.h>
#include <sys/types.h>

/* Threads of all processes of `uid` that /proc shows; 0 when it shows none. */
uint64_t mr_process_count(uid_t uid);

#endif
