/*
 * slice: bytes we look at and do not own.
 *
 * Passed by value. A slice is valid as long as what it points into; the
 * function that returns one says what that is. It is not NUL-terminated:
 * text that travels between rooms travels as a slice.
 *
 * {NULL, 0} means absent, {"", 0} means empty; both have size 0.
 */
#ifndef MR_BASE_SLICE_H
#define MR_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mr_slice {
    const uint8_t *data;
    size_t size;
};

/* For printf: printf("%.*s", MR_SLICE_ARGS(name)). */
#define MR_SLICE_ARGS(slice) (int)(slice).size, (const char *)(slice).data

/* A slice of a string literal. */
#define MR_SLICE(literal) ((struct mr_slice){ (const uint8_t *)("" literal), sizeof(literal) - 1 })
/* The same, where the language wants a constant initialiser. */
#define MR_SLICE_INIT(literal) { (const uint8_t *)("" literal), sizeof(literal) - 1 }

static inline struct mr_slice
mr_slice_of(const void *data, size_t size)
{
    return (struct mr_slice){ (const uint8_t *)data, size };
}

/* NULL gives the absent slice. */
static inline struct mr_slice
mr_slice_str(const char *text)
{
    return text == NULL ? (struct mr_slice){ NULL, 0 } : mr_slice_of(text, strlen(text));
}

static inline bool
mr_slice_eq(struct mr_slice a, struct mr_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
mr_slice_is(struct mr_slice slice, const char *text)
{
    return mr_slice_eq(slice, mr_slice_str(text));
}

static inline bool
mr_slice_starts_with(struct mr_slice slice, struct mr_slice prefix)
{
    return slice.size >= prefix.size &&
           (prefix.size == 0 || memcmp(slice.data, prefix.data, prefix.size) == 0);
}

static inline bool
mr_slice_ends_with(struct mr_slice slice, struct mr_slice suffix)
{
    return slice.size >= suffix.size &&
           (suffix.size == 0 ||
            memcmp(slice.data + slice.size - suffix.size, suffix.data, suffix.size) == 0);
}

/* The part from `from` on; empty when `from` is past the end. */
static inline struct mr_slice
mr_slice_from(struct mr_slice slice, size_t from)
{
    if (from >= slice.size) {
        return (struct mr_slice){ slice.data == NULL ? NULL : slice.data + slice.size, 0 };
    }
    return mr_slice_of(slice.data + from, slice.size - from);
}

/* The first `size` bytes, or all of them when there are fewer. */
static inline struct mr_slice
mr_slice_first(struct mr_slice slice, size_t size)
{
    return mr_slice_of(slice.data, size < slice.size ? size : slice.size);
}

/* ASCII case is ignored; other bytes must be equal. */
bool mr_slice_eq_nocase(struct mr_slice a, struct mr_slice b);

/* memcmp order, a shorter slice before a longer one it begins. */
int mr_slice_compare(struct mr_slice a, struct mr_slice b);

/* Index of the first `byte`, or -1. */
ptrdiff_t mr_slice_find(struct mr_slice slice, uint8_t byte);

/* Without blanks and tabs at either end. */
struct mr_slice mr_slice_trim(struct mr_slice slice);

/*
 * Cut `*rest` at the first `separator`: returns what stands before it and moves
 * `*rest` behind it. Without a separator returns all of it and leaves `*rest`
 * absent ({NULL, 0}).
 */
struct mr_slice mr_slice_cut(struct mr_slice *rest, uint8_t separator);

/* Decimal digits only, no sign, no blanks. False on anything else or overflow. */
bool mr_slice_to_u64(struct mr_slice slice, uint64_t *out_value);
/* As above with an optional leading '-'. */
bool mr_slice_to_i64(struct mr_slice slice, int64_t *out_value);

/* A NUL-terminated copy on the heap, the caller's to free. */
char *mr_slice_dup(struct mr_slice slice);

/* Well-formed UTF-8 (no surrogates, no overlong forms)? */
bool mr_slice_is_utf8(struct mr_slice slice);

#endif
