/*
 * arena: everything that dies together.
 *
 * One request, one invocation, one parsed document: allocate as you go, release
 * once. Blocks are kept on reset, so a warm arena allocates nothing. Allocation
 * cannot fail (base/alloc.h); sizes a peer chose are bounded before.
 */
#ifndef MR_BASE_ARENA_H
#define MR_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct mr_arena {
    struct mr_arena_block *blocks; /* newest first */
    size_t used;                   /* bytes handed out since the last reset */
};

/* A zeroed struct is an empty arena. */
void mr_arena_deinit(struct mr_arena *arena);
#define mr_auto_arena __attribute__((cleanup(mr_arena_deinit)))

/* Forget everything handed out; keeps the largest block for the next round. */
void mr_arena_reset(struct mr_arena *arena);

/* 16-byte aligned, undefined contents, valid until reset or deinit. Never NULL. */
void *mr_arena_alloc(struct mr_arena *arena, size_t size) __attribute__((returns_nonnull));
void *mr_arena_zero(struct mr_arena *arena, size_t size) __attribute__((returns_nonnull));

/* A copy in the arena, with a NUL behind it that does not count. */
struct mr_slice mr_arena_copy(struct mr_arena *arena, struct mr_slice slice);
char *mr_arena_cstr(struct mr_arena *arena, struct mr_slice slice);
char *mr_arena_printf(struct mr_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
