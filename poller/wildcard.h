/*
 * wildcard: text with '*' for any run of characters, none included.
 *
 * "\*" and "\\" are the characters themselves. Matching is linear in the text: the pieces
 * between the stars are found one behind the other.
 *
 * Thread: any; read-only once made.
 */
#ifndef MR_POLLER_WILDCARD_H
#define MR_POLLER_WILDCARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct mr_wildcard {
    const struct mr_slice *pieces; /* with a star between each and the next */
    size_t count;                  /* 1: no star */
};

/* In the arena. -EINVAL in AWS's words for "**" and for a '\' before anything else. */
int mr_wildcard_parse(struct mr_slice text, struct mr_arena *arena,
                      struct mr_wildcard *out_wildcard, struct mr_error *err);

bool mr_wildcard_match(const struct mr_wildcard *wildcard, struct mr_slice text);

/*
 * AWS refuses wildcards of one field that together are too complex: where some text would be at
 * more than ten places of them at once. `group` says which belong to one matcher: equal
 * beginnings within a group are one place.
 */
bool mr_wildcard_too_complex(const struct mr_wildcard *const *wildcards, const unsigned *groups,
                             size_t count);

#endif
