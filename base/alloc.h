/*
 * alloc: memory of our own, and memory a stranger asked for.
 *
 * Running out while making our own small things ends the program here, in one
 * place. A size that comes from a peer is first checked against a limit of
 * base/limits.h and then allocated with mr_try_alloc, which can fail.
 *
 * Thread: any.
 */
#ifndef MR_BASE_ALLOC_H
#define MR_BASE_ALLOC_H

#include <stddef.h>

/* Never NULL. Contents undefined. Released with free(). */
void *mr_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Never NULL. Zeroed; `count * size` may not overflow. */
void *mr_alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* As realloc, never NULL. */
void *mr_realloc(void *memory, size_t size) __attribute__((returns_nonnull));

/* NULL when there is not enough memory. */
void *mr_try_alloc(size_t size) __attribute__((malloc));

/* A copy of a C string; NULL gives NULL. */
char *mr_strdup(const char *text);

/* printf onto the heap. */
char *mr_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
