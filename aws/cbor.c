#include "aws/cbor.h"

#include <math.h>

enum { INDEFINITE = 31 };
enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

/* Containers of indefinite length; of a map it matters whose turn it is. */
#define UNTIL_BREAK  UINT64_MAX
#define KEY_OR_BREAK (UINT64_MAX - 1)
#define VALUE_NEXT   (UINT64_MAX - 2)

struct head {
    enum major major;
    uint8_t info;
    uint64_t value;
    const uint8_t *after;
};

struct mr_cbor
mr_cbor_of(struct mr_slice bytes)
{
    return (struct mr_cbor){ .start = bytes.data,
                             .cursor = bytes.data,
                             .end = bytes.data + bytes.size };
}

static bool
spoil(struct mr_cbor *cbor)
{
    cbor->bad = true;
    return false;
}

/* The head at `at`. Reserved lengths and cut-off ones are no heads. */
static bool
head_at(const struct mr_cbor *cbor, const uint8_t *at, struct head *out_head)
{
    if (cbor->bad || at >= cbor->end) {
        return false;
    }
    struct head head = { .major = (enum major)(*at >> 5), .info = *at & 31, .after = at + 1 };
    if (head.info < 24) {
        head.value = head.info;
    } else if (head.info <= 27) {
        size_t size = (size_t)1 << (head.info - 24);
        if ((size_t)(cbor->end - head.after) < size) {
            return false;
        }
        for (size_t i = 0; i < size; i++) {
            head.value = head.value << 8 | head.after[i];
        }
        head.after += size;
    } else if (head.info != INDEFINITE || head.major < BYTES || head.major == TAG) {
        return false;
    }
    *out_head = head;
    return true;
}

/* The head of the next item, behind its tags; the last tag's number, or -1, to `out_tag`. */
static bool
next_head(const struct mr_cbor *cbor, struct head *out_head, int64_t *out_tag)
{
    const uint8_t *at = cbor->cursor;
    int64_t tag = -1;

    for (unsigned tags = 0; tags < 16; tags++) {
        if (!head_at(cbor, at, out_head)) {
            return false;
        }
        if (out_head->major != TAG) {
            if (out_tag != NULL) {
                *out_tag = tag;
            }
            /* A break is no item. */
            return out_head->major != SIMPLE || out_head->info != INDEFINITE;
        }
        tag = out_head->value > INT32_MAX ? INT32_MAX : (int64_t)out_head->value;
        at = out_head->after;
    }
    return false;
}

static enum mr_cbor_kind
kind_of(const struct head *head)
{
    static const enum mr_cbor_kind kinds[] = { MR_CBOR_UINT, MR_CBOR_NEGATIVE, MR_CBOR_BYTES,
                                               MR_CBOR_TEXT, MR_CBOR_ARRAY,    MR_CBOR_MAP };
    if (head->major < TAG) {
        return kinds[head->major];
    }
    switch (head->info) {
    case 20:
        return MR_CBOR_FALSE;
    case 21:
        return MR_CBOR_TRUE;
    case 22:
    case 23:
        return MR_CBOR_NULL;
    case 25:
    case 26:
    case 27:
        return MR_CBOR_FLOAT;
    default:
        return MR_CBOR_BAD;
    }
}

enum mr_cbor_kind
mr_cbor_peek(struct mr_cbor *cbor)
{
    struct head head;
    return next_head(cbor, &head, NULL) ? kind_of(&head) : MR_CBOR_BAD;
}

/* One item of the innermost container has been taken. */
static bool
take(struct mr_cbor *cbor, const uint8_t *after)
{
    cbor->cursor = after;
    if (cbor->depth == 0) {
        return true;
    }
    uint64_t *left = &cbor->left[cbor->depth - 1];
    if (*left == 0) {
        return spoil(cbor);
    }
    if (*left >= VALUE_NEXT) {
        *left = *left == UNTIL_BREAK  ? UNTIL_BREAK
                : *left == VALUE_NEXT ? KEY_OR_BREAK
                                      : VALUE_NEXT;
    } else {
        (*left)--;
    }
    return true;
}

bool
mr_cbor_enter(struct mr_cbor *cbor)
{
    struct head head;

    if (!next_head(cbor, &head, NULL) || (head.major != ARRAY && head.major != MAP) ||
        cbor->depth == MR_CBOR_MAX_DEPTH) {
        return spoil(cbor);
    }
    uint64_t items = head.major == MAP ? KEY_OR_BREAK : UNTIL_BREAK;
    if (head.info != INDEFINITE) {
        /* An item is a byte at least: a count the rest cannot hold is a lie. */
        uint64_t room = (uint64_t)(cbor->end - head.after);
        if (head.value > room || (head.major == MAP && head.value > room / 2)) {
            return spoil(cbor);
        }
        items = head.major == MAP ? head.value * 2 : head.value;
    }
    if (!take(cbor, head.after)) {
        return false;
    }
    cbor->left[cbor->depth++] = items;
    return true;
}

/* At the end of the innermost container? Then it is left. */
static bool
leave_at_end(struct mr_cbor *cbor)
{
    if (cbor->bad || cbor->depth == 0) {
        (void)spoil(cbor);
        return true;
    }
    if (cbor->left[cbor->depth - 1] == 0) {
        cbor->depth--;
        return true;
    }
    if (cbor->left[cbor->depth - 1] >= KEY_OR_BREAK && cbor->cursor < cbor->end &&
        *cbor->cursor == 0xff) {
        cbor->cursor++;
        cbor->depth--;
        return true;
    }
    return false;
}

bool
mr_cbor_next_key(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_key)
{
    if (leave_at_end(cbor)) {
        return false;
    }
    return mr_cbor_text(cbor, arena, out_key) || spoil(cbor);
}

bool
mr_cbor_next_element(struct mr_cbor *cbor)
{
    if (leave_at_end(cbor)) {
        return false;
    }
    return mr_cbor_peek(cbor) != MR_CBOR_BAD || spoil(cbor);
}

/* Chunks of an indefinite string, each of definite length; `out` NULL: only find the end. */
static bool
walk_chunks(const struct mr_cbor *cbor, enum major major, const uint8_t *at, uint8_t *out,
            size_t *out_size, const uint8_t **out_after)
{
    size_t size = 0;

    for (;;) {
        struct head head;
        if (at < cbor->end && *at == 0xff) {
            *out_size = size;
            *out_after = at + 1;
            return true;
        }
        if (!head_at(cbor, at, &head) || head.major != major || head.info == INDEFINITE ||
            head.value > (uint64_t)(cbor->end - head.after)) {
            return false;
        }
        if (out != NULL && head.value > 0) {
            memcpy(out + size, head.after, head.value);
        }
        size += head.value;
        at = head.after + head.value;
    }
}

static bool
string(struct mr_cbor *cbor, enum major major, struct mr_arena *arena, struct mr_slice *out)
{
    struct head head;
    const uint8_t *after;

    if (!next_head(cbor, &head, NULL)) {
        return spoil(cbor);
    }
    if (head.major != major) {
        return false;
    }
    if (head.info != INDEFINITE) {
        if (head.value > (uint64_t)(cbor->end - head.after)) {
            return spoil(cbor);
        }
        *out = mr_slice_of(head.after, head.value);
        return take(cbor, head.after + head.value);
    }
    size_t size;
    if (!walk_chunks(cbor, major, head.after, NULL, &size, &after)) {
        return spoil(cbor);
    }
    uint8_t *bytes = mr_arena_alloc(arena, size + 1);
    (void)walk_chunks(cbor, major, head.after, bytes, &size, &after);
    *out = mr_slice_of(bytes, size);
    return take(cbor, after);
}

bool
mr_cbor_text(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_text)
{
    struct mr_slice text;

    if (!string(cbor, TEXT, arena, &text)) {
        return false;
    }
    if (!mr_slice_is_utf8(text)) {
        return spoil(cbor);
    }
    *out_text = text;
    return true;
}

bool
mr_cbor_bytes(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_bytes)
{
    return string(cbor, BYTES, arena, out_bytes);
}

bool
mr_cbor_skip(struct mr_cbor *cbor)
{
    unsigned depth = cbor->depth;

    do {
        struct head head;
        const uint8_t *after;
        size_t size;
        if (cbor->depth > depth && leave_at_end(cbor)) {
            continue;
        }
        if (!next_head(cbor, &head, NULL)) {
            return spoil(cbor);
        }
        if (head.major == ARRAY || head.major == MAP) {
            if (!mr_cbor_enter(cbor)) {
                return false;
            }
            continue;
        }
        after = head.after;
        if (head.major == BYTES || head.major == TEXT) {
            if (head.info == INDEFINITE) {
                if (!walk_chunks(cbor, head.major, head.after, NULL, &size, &after)) {
                    return spoil(cbor);
                }
            } else if (head.value > (uint64_t)(cbor->end - head.after)) {
                return spoil(cbor);
            } else {
                after += head.value;
            }
        } else if (kind_of(&head) == MR_CBOR_BAD) {
            return spoil(cbor);
        }
        if (!take(cbor, after)) {
            return false;
        }
    } while (cbor->depth > depth && !cbor->bad);
    return !cbor->bad;
}

static double
half_to_double(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023;
    double value = exponent == 0    ? ldexp(fraction, -24)
                   : exponent != 31 ? ldexp(fraction + 1024, exponent - 25)
                   : fraction == 0  ? INFINITY
                                    : NAN;
    return bits & 0x8000 ? -value : value;
}

static double
float_of(const struct head *head)
{
    if (head->info == 25) {
        return half_to_double((uint16_t)head->value);
    }
    if (head->info == 26) {
        uint32_t bits = (uint32_t)head->value;
        float value;
        memcpy(&value, &bits, sizeof(value));
        return (double)value;
    }
    double value;
    memcpy(&value, &head->value, sizeof(value));
    return value;
}

bool
mr_cbor_i64(struct mr_cbor *cbor, int64_t *out_value)
{
    struct head head;

    if (!next_head(cbor, &head, NULL) || head.major > NEGATIVE || head.value > INT64_MAX) {
        return false;
    }
    *out_value = head.major == UNSIGNED ? (int64_t)head.value : -1 - (int64_t)head.value;
    return take(cbor, head.after);
}

bool
mr_cbor_f64(struct mr_cbor *cbor, double *out_value)
{
    struct head head;

    if (!next_head(cbor, &head, NULL)) {
        return false;
    }
    if (head.major <= NEGATIVE) {
        *out_value = head.major == UNSIGNED ? (double)head.value : -1.0 - (double)head.value;
    } else if (kind_of(&head) == MR_CBOR_FLOAT) {
        *out_value = float_of(&head);
    } else {
        return false;
    }
    return take(cbor, head.after);
}

bool
mr_cbor_bool(struct mr_cbor *cbor, bool *out_value)
{
    struct head head;

    if (!next_head(cbor, &head, NULL) || head.major != SIMPLE ||
        (head.info != 20 && head.info != 21)) {
        return false;
    }
    *out_value = head.info == 21;
    return take(cbor, head.after);
}

bool
mr_cbor_null(struct mr_cbor *cbor)
{
    struct head head;

    if (!next_head(cbor, &head, NULL) || kind_of(&head) != MR_CBOR_NULL) {
        return false;
    }
    return take(cbor, head.after);
}

bool
mr_cbor_timestamp(struct mr_cbor *cbor, int64_t *out_unix_ms)
{
    if (mr_cbor_i64(cbor, out_unix_ms)) {
        return true;
    }
    struct head head;
    if (!next_head(cbor, &head, NULL) || kind_of(&head) != MR_CBOR_FLOAT) {
        return false;
    }
    double ms = float_of(&head) * 1000;
    if (!(ms > -9e18 && ms < 9e18)) {
        return false;
    }
    *out_unix_ms = (int64_t)floor(ms);
    return take(cbor, head.after);
}

bool
mr_cbor_done(struct mr_cbor *cbor)
{
    return !cbor->bad && cbor->depth == 0 && cbor->cursor == cbor->end;
}

/* ---- writing ---- */

static void
put_head(struct mr_buf *buf, enum major major, uint64_t value)
{
    uint8_t *out = mr_buf_reserve(buf, 9);
    uint8_t first = (uint8_t)(major << 5);
    unsigned bytes;

    if (value < 24) {
        out[0] = (uint8_t)(first | value);
        buf->size += 1;
        return;
    }
    if (value <= UINT8_MAX) {
        first |= 24;
        bytes = 1;
    } else if (value <= UINT16_MAX) {
        first |= 25;
        bytes = 2;
    } else if (value <= UINT32_MAX) {
        first |= 26;
        bytes = 4;
    } else {
        first |= 27;
        bytes = 8;
    }
    out[0] = first;
    for (unsigned i = 0; i < bytes; i++) {
        out[1 + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    buf->size += 1 + bytes;
}

void
mr_cbor_put_map(struct mr_buf *buf, uint64_t pairs)
{
    put_head(buf, MAP, pairs);
}

void
mr_cbor_put_array(struct mr_buf *buf, uint64_t items)
{
    put_head(buf, ARRAY, items);
}

void
mr_cbor_begin_map(struct mr_buf *buf)
{
    mr_buf_append_byte(buf, 0xbf);
}

void
mr_cbor_begin_array(struct mr_buf *buf)
{
    mr_buf_append_byte(buf, 0x9f);
}

void
mr_cbor_end(struct mr_buf *buf)
{
    mr_buf_append_byte(buf, 0xff);
}

void
mr_cbor_put_text(struct mr_buf *buf, struct mr_slice text)
{
    put_head(buf, TEXT, text.size);
    mr_buf_append_slice(buf, text);
}

void
mr_cbor_put_str(struct mr_buf *buf, const char *text)
{
    mr_cbor_put_text(buf, mr_slice_str(text));
}

void
mr_cbor_put_bytes(struct mr_buf *buf, struct mr_slice bytes)
{
    put_head(buf, BYTES, bytes.size);
    mr_buf_append_slice(buf, bytes);
}

void
mr_cbor_put_i64(struct mr_buf *buf, int64_t value)
{
    if (value >= 0) {
        put_head(buf, UNSIGNED, (uint64_t)value);
    } else {
        put_head(buf, NEGATIVE, (uint64_t)(-1 - value));
    }
}

void
mr_cbor_put_u64(struct mr_buf *buf, uint64_t value)
{
    put_head(buf, UNSIGNED, value);
}

void
mr_cbor_put_f64(struct mr_buf *buf, double value)
{
    uint64_t bits;
    uint8_t out[9] = { 0xfb };

    memcpy(&bits, &value, sizeof(bits));
    for (unsigned i = 0; i < 8; i++) {
        out[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    mr_buf_append(buf, out, sizeof(out));
}

void
mr_cbor_put_bool(struct mr_buf *buf, bool value)
{
    mr_buf_append_byte(buf, value ? 0xf5 : 0xf4);
}

void
mr_cbor_put_null(struct mr_buf *buf)
{
    mr_buf_append_byte(buf, 0xf6);
}

void
mr_cbor_put_timestamp(struct mr_buf *buf, uint64_t unix_ms)
{
    put_head(buf, TAG, 1);
    put_head(buf, UNSIGNED, unix_ms);
}
