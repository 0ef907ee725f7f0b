#include "poller/wildcard.h"

#include <errno.h>
#include <string.h>

int
mr_wildcard_parse(struct mr_slice text, struct mr_arena *arena,
                  struct mr_wildcard *out_wildcard, struct mr_error *err)
{
    uint8_t *plain = mr_arena_alloc(arena, text.size + 1);
    struct mr_slice *pieces = mr_arena_alloc(arena, (text.size + 1) * sizeof(*pieces));
    size_t count = 0, begin = 0, size = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        uint8_t next = i + 1 < text.size ? text.data[i + 1] : 0;
        if (c == '*') {
            if (next == '*') {
                /* AWS counts from the quote before the text. */
                return mr_fail(err, -EINVAL, "Consecutive wildcard characters at pos %zu",
                               i + 1);
            }
            pieces[count++] = mr_slice_of(plain + begin, size - begin);
            begin = size;
            continue;
        }
        if (c == '\\') {
            if (next != '*' && next != '\\') {
                return mr_fail(err, -EINVAL, "Invalid escape character at pos %zu", i + 1);
            }
            c = next;
            i++;
        }
        plain[size++] = c;
    }
    pieces[count++] = mr_slice_of(plain + begin, size - begin);
    *out_wildcard = (struct mr_wildcard){ pieces, count };
    return 0;
}

bool
mr_wildcard_match(const struct mr_wildcard *wildcard, struct mr_slice text)
{
    struct mr_slice first = wildcard->pieces[0], last = wildcard->pieces[wildcard->count - 1];

    if (wildcard->count == 1) {
        return mr_slice_eq(first, text);
    }
    if (text.size < first.size + last.size || !mr_slice_starts_with(text, first) ||
        !mr_slice_ends_with(text, last)) {
        return false;
    }
    text = mr_slice_of(text.data + first.size, text.size - first.size - last.size);
    for (size_t i = 1; i + 1 < wildcard->count; i++) {
        struct mr_slice piece = wildcard->pieces[i];
        const uint8_t *found = piece.size > text.size
                                   ? NULL
                                   : memmem(text.data, text.size, piece.data, piece.size);
        if (found == NULL) {
            return false;
        }
        text = mr_slice_from(text, (size_t)(found - text.data) + piece.size);
    }
    return true;
}
