/*
 * supervisor: what runtime and the supervisor inside a sandbox say to each other.
 *
 * An environment with external extensions has several processes. Its program is
 * then the supervisor (runtime/supervisor/main.c), started as
 *
 *     supervisor EXTENSION... -- PROGRAM ARGUMENT...
 *
 * It starts the extensions at once and the function's runtime when told to,
 * each in a process group of its own, signals them, says how they end, carries
 * what extensions print, and connects to the telemetry receivers that only can
 * be reached from inside. When it dies, they do.
 *
 * Commands come on its standard input, reports go to its standard error: a
 * head of 8 bytes, native order, and `size` bytes behind it.
 */
#ifndef MR_RUNTIME_SUPERVISOR_H
#define MR_RUNTIME_SUPERVISOR_H

#include <stdint.h>

enum {
    MR_SUPERVISOR_MAX_EXTENSIONS = 10,
    MR_SUPERVISOR_MAX_DELIVERY = 2 * 1024 * 1024, /* bytes of one delivery */
    MR_SUPERVISOR_MAX_OUTPUT = 4096,              /* of one output report */
    MR_SUPERVISOR_DELIVERY_MS = 2000,             /* a receiver has so long to take one */
};

/* `who` is 0 for the runtime, 1... for extensions in the order of the arguments. */
struct mr_supervisor_head {
    uint8_t kind;
    uint8_t who;
    uint16_t value;
    uint32_t size; /* of what follows */
};

enum mr_supervisor_command {
    MR_SUPERVISOR_START = 'r',     /* the runtime */
    MR_SUPERVISOR_TERMINATE = 't', /* SIGTERM to the group of `who` */
    MR_SUPERVISOR_KILL = 'k',      /* SIGKILL to it */
    /*
     * To 127.0.0.1:`value`, on a new connection that is read to its end (a whole HTTP
     * request) or on one that is kept (lines). `who` is the number of the subscription.
     */
    MR_SUPERVISOR_DELIVER_HTTP = 'h',
    MR_SUPERVISOR_DELIVER_TCP = 'l',
};

enum mr_supervisor_report {
    MR_SUPERVISOR_STARTED = 's',
    MR_SUPERVISOR_FAILED = 'f',    /* not started; value: errno */
    MR_SUPERVISOR_EXITED = 'x',    /* value: exit status, or 256 + signal */
    MR_SUPERVISOR_OUTPUT = 'o',    /* bytes an extension printed */
    MR_SUPERVISOR_DELIVERED = 'd', /* value: HTTP status, 200 for lines, 0 when it failed */
};

#endif
