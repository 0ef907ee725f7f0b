/*
 * policy: which system calls a handler may make, and what a refused one is told.
 *
 * Two lists of our own making. `default` runs what people run in functions:
 * Python, Node, shells, compilers, git. `strict` takes away what a service
 * seldom needs. Everything that is not named is refused; a number nobody has
 * named yet gets ENOSYS, so that a libc falls back to what it knows.
 */
#ifndef MR_SANDBOX_POLICY_H
#define MR_SANDBOX_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/protocol.h"

/* The calls allowed whatever their arguments; `*out_count` of them. */
const char *const *mr_policy_default(size_t *out_count);
/* Of these, what `strict` takes away again. */
bool mr_policy_strict_denies(const char *name);

/* Numbers above this did not exist when the lists were written. */
enum { MR_POLICY_LAST_KNOWN_CALL = 456 };

/*
 * The errno a refused call gets. `name` is NULL for a number nobody knows;
 * `first_argument` is its first.
 */
int mr_policy_errno(int number, const char *name, uint64_t first_argument,
                    enum mr_sandbox_profile profile);

/* Refused so routinely by careful programs that naming it would be noise (clone3,
 * io_uring_setup). */
bool mr_policy_is_quiet(const char *name);

#endif
