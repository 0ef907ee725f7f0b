#include "poller/letter_case.h"

#include "poller/letter_case_table.h"

/* The character `text` begins with, and its size; a byte that is no UTF-8 stands for itself. */
static uint32_t
decode(struct mr_slice text, size_t *out_size)
{
    const uint8_t *at = text.data;
    size_t size = at[0] < 0xc0 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (size > text.size || size == 1) {
        *out_size = 1;
        return at[0];
    }
    uint32_t code = at[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | (at[i] & 0x3f);
    }
    *out_size = size;
    return code;
}

static struct mr_slice
encode(uint32_t code, struct mr_arena *arena)
{
    uint8_t *out = mr_arena_alloc(arena, 4);
    size_t size = 0;
    if (code < 0x80) {
        out[size++] = (uint8_t)code;
    } else if (code < 0x800) {
        out[size++] = (uint8_t)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        out[size++] = (uint8_t)(0xe0 | code >> 12);
        out[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    } else {
        out[size++] = (uint8_t)(0xf0 | code >> 18);
        out[size++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        out[size++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80) {
        out[size++] = (uint8_t)(0x80 | (code & 0x3f));
    }
    return mr_slice_of(out, size);
}

static uint32_t
map(const struct case_range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count && ranges[i].first <= code; i++) {
        if (code <= ranges[i].last && (code - ranges[i].first) % ranges[i].step == 0) {
            return (uint32_t)((int32_t)code + ranges[i].delta);
        }
    }
    return code;
}

static struct mr_letter
letter_of(struct mr_slice form, uint32_t code, struct mr_arena *arena)
{
    struct mr_letter letter = { .forms = { form } };
    uint32_t lower = code, upper = code;

    if (code < 0x80) {
        lower = code >= 'A' && code <= 'Z' ? code + 32 : code;
        upper = code >= 'a' && code <= 'z' ? code - 32 : code;
    } else if (form.size > 1) {
        for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
            if (specials[i].code == code) {
                letter.forms[1] = mr_slice_str(specials[i].lower);
                letter.forms[2] = mr_slice_str(specials[i].upper);
                return letter;
            }
        }
        lower = map(to_lower, sizeof(to_lower) / sizeof(to_lower[0]), code);
        upper = map(to_upper, sizeof(to_upper) / sizeof(to_upper[0]), code);
    }
    if (lower != code) {
        letter.forms[1] = encode(lower, arena);
    }
    if (upper != code) {
        letter.forms[2] = encode(upper, arena);
    }
    return letter;
}

struct mr_letters
mr_letters_of(struct mr_slice text, struct mr_arena *arena)
{
    struct mr_letter *letters = mr_arena_alloc(arena, (text.size + 1) * sizeof(*letters));
    size_t count = 0, size;
    for (size_t at = 0; at < text.size; at += size) {
        struct mr_slice rest = mr_slice_from(text, at);
        uint32_t code = decode(rest, &size);
        letters[count++] = letter_of(mr_slice_first(rest, size), code, arena);
    }
    return (struct mr_letters){ letters, count };
}

/* Which form does `text` begin (or end) with? Its size, or 0. */
static size_t
take(const struct mr_letter *letter, struct mr_slice text, bool at_end)
{
    for (int i = 0; i < 3; i++) {
        struct mr_slice form = letter->forms[i];
        if (form.size > 0 &&
            (at_end ? mr_slice_ends_with(text, form) : mr_slice_starts_with(text, form))) {
            return form.size;
        }
    }
    return 0;
}

/* Takes all letters off the front; false when they are not there. */
static bool
take_all(const struct mr_letters *letters, struct mr_slice *text)
{
    for (size_t i = 0; i < letters->count; i++) {
        size_t size = take(&letters->letters[i], *text, false);
        if (size == 0) {
            return false;
        }
        *text = mr_slice_from(*text, size);
    }
    return true;
}

bool
mr_letters_begin(const struct mr_letters *letters, struct mr_slice text)
{
    return take_all(letters, &text);
}

bool
mr_letters_equal(const struct mr_letters *letters, struct mr_slice text)
{
    return take_all(letters, &text) && text.size == 0;
}

bool
mr_letters_end(const struct mr_letters *letters, struct mr_slice text)
{
    for (size_t i = letters->count; i > 0; i--) {
        size_t size = take(&letters->letters[i - 1], text, true);
        if (size == 0) {
            return false;
        }
        text.size -= size;
    }
    return true;
}
