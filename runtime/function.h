/*
 * function: what the runtime must know to run a function.
 *
 * A plain description. The runtime copies it (mr_runtime_set_function), so its
 * slices need to live until that call returns. Zero means the usual.
 */
#ifndef MR_RUNTIME_FUNCTION_H
#define MR_RUNTIME_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum mr_function_network {
    MR_FUNCTION_NETWORK_NONE, /* loopback alone */
    MR_FUNCTION_NETWORK_HOST, /* may call out */
};

enum mr_function_log_format { MR_FUNCTION_LOG_TEXT, MR_FUNCTION_LOG_JSON };

enum mr_function_log_level {
    MR_FUNCTION_LOG_UNSET, /* INFO */
    MR_FUNCTION_LOG_TRACE,
    MR_FUNCTION_LOG_DEBUG,
    MR_FUNCTION_LOG_INFO,
    MR_FUNCTION_LOG_WARN,
    MR_FUNCTION_LOG_ERROR,
    MR_FUNCTION_LOG_FATAL,
};

struct mr_function {
    struct mr_slice name;
    struct mr_slice version; /* "$LATEST" when absent, or a number */
    struct mr_slice arn;     /* unqualified; absent: made of the runtime's region and account */
    struct mr_slice handler;
    struct mr_slice runtime;       /* "provided.al2023", "python3.12", "nodejs20.x", ... */
    struct mr_slice code_dir;      /* absolute; seen at /var/task */
    const struct mr_slice *layers; /* absolute directories, merged into /opt in order */
    size_t layer_count;
    const struct mr_slice *environment; /* NAME=value, the customer's own */
    size_t environment_count;
    struct mr_slice role_arn;
    uint32_t memory_mb;  /* 0: 128 */
    uint32_t tmp_mb;     /* 0: 512 */
    uint32_t timeout_ms; /* 0: 3000 */
    /* Environments at once; 0: as many as the runtime allows, see has_reserved. */
    uint32_t concurrency;
    bool has_reserved; /* `concurrency` is a reservation: 0 then means never run */
    /*
     * Invocations at once in one environment, 1 to 1600: many-at-a-time mode, for runtimes
     * that heed AWS_LAMBDA_MAX_CONCURRENCY. 0: one, and the classic state machine.
     */
    uint32_t max_concurrency;
    bool snap_start; /* the runtime finds the restore calls, answered at once */
    bool per_tenant; /* environments are not shared between tenants */
    enum mr_function_network network;
    /*
     * 0, or the loopback port on which a debugger finds it: its process is started under gdbserver
     * and waits, and no timeout ends it. Wants the host's network and `concurrency` 1.
     */
    uint16_t debug_port;
    bool strict_sandbox; /* the narrower profile of system calls */
    const struct mr_slice *allow_syscalls;
    size_t allow_syscall_count;
    enum mr_function_log_format log_format;
    enum mr_function_log_level application_log_level;
    enum mr_function_log_level system_log_level;
};

#endif
