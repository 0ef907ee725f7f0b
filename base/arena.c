#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { BLOCK = 8192, ALIGNMENT = 16 };

struct mr_arena_block {
    struct mr_arena_block *next;
    size_t size;
    size_t used;
    size_t padding; /* keeps `bytes` aligned to 16 */
    uint8_t bytes[];
};

void
mr_arena_deinit(struct mr_arena *arena)
{
    while (arena->blocks != NULL) {
        struct mr_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->used = 0;
}

void
mr_arena_reset(struct mr_arena *arena)
{
    struct mr_arena_block *largest = NULL;
    while (arena->blocks != NULL) {
        struct mr_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (largest == NULL || block->size > largest->size) {
            free(largest);
            largest = block;
        } else {
            free(block);
        }
    }
    if (largest != NULL) {
        largest->next = NULL;
        largest->used = 0;
    }
    arena->blocks = largest;
    arena->used = 0;
}

static struct mr_arena_block *
add_block(struct mr_arena *arena, size_t size)
{
    size_t wanted = arena->blocks == NULL ? BLOCK : arena->blocks->size * 2;
    if (wanted < size) {
        wanted = size;
    }
    struct mr_arena_block *block = mr_alloc(sizeof(*block) + wanted);
    block->next = arena->blocks;
    block->size = wanted;
    block->used = 0;
    arena->blocks = block;
    return block;
}

void *
mr_arena_alloc(struct mr_arena *arena, size_t size)
{
    mr_assert(size <= SIZE_MAX / 4);
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct mr_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(arena, rounded);
    }
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memory;
}

void *
mr_arena_zero(struct mr_arena *arena, size_t size)
{
    return memset(mr_arena_alloc(arena, size), 0, size);
}

struct mr_slice
mr_arena_copy(struct mr_arena *arena, struct mr_slice slice)
{
    return mr_slice_of(mr_arena_cstr(arena, slice), slice.size);
}

char *
mr_arena_cstr(struct mr_arena *arena, struct mr_slice slice)
{
    char *copy = mr_arena_alloc(arena, slice.size + 1);
    if (slice.size > 0) {
        memcpy(copy, slice.data, slice.size);
    }
    copy[slice.size] = '\0';
    return copy;
}

char *
mr_arena_printf(struct mr_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    mr_assert(size >= 0);
    char *text = mr_arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}
