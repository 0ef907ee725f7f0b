/*
 * landlock: a fence of files, ports and signals that needs no privilege.
 *
 * Around handlers, where it repeats what namespaces say already and stands
 * alone without them (sandbox), and around our own daemons (base/harden.h).
 * Rights are masked by the ABI the kernel speaks.
 */
#ifndef MR_BASE_LANDLOCK_H
#define MR_BASE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_landlock_path_rule {
    const char *path;
    bool writable;
};

struct mr_landlock_rules {
    int abi;
    const struct mr_landlock_path_rule
        *paths;        /* ends with a NULL path; a missing one is skipped */
    bool restrict_tcp; /* connect to `ports` only, and bind to none */
    const uint16_t *ports;
    size_t port_count;
};

/* The kernel's ABI; 0 when it has no Landlock. */
int mr_landlock_abi(void);

/* Restricts the caller for good. Needs no_new_privs. 0 or a negative errno. Async-signal-safe.
 */
int mr_landlock_enter(const struct mr_landlock_rules *rules);

/* The same for files alone: other processes' signals and sockets stay within reach. */
int mr_landlock_enter_files(const struct mr_landlock_rules *rules);

#endif
