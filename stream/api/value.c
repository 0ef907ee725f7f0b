#include "stream/api/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "aws/base64.h"
#include "base/limits.h"

/* How the types are called in AWS's sentences. */
static const char *const type_names[] = {
    [MR_SHAPE_STRING] = "an String",
    [MR_SHAPE_INTEGER] = "an Integer",
    [MR_SHAPE_LONG] = "an Long",
    [MR_SHAPE_BOOLEAN] = "an Boolean",
    [MR_SHAPE_TIMESTAMP] = "milliseconds since epoch",
    [MR_SHAPE_BLOB] = "a Blob",
};

static const char *const class_names[] = {
    [MR_INPUT_STRING] = "java.lang.String",
    [MR_INPUT_BYTES] = "java.nio.HeapByteBuffer",
    [MR_INPUT_NUMBER] = "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
    [MR_INPUT_BOOLEAN] = "java.lang.Boolean",
};

static int
complain(struct mr_slice *out_complaint, const char *sentence)
{
    *out_complaint = mr_slice_str(sentence);
    return -EINVAL;
}

/* A list or object where something else belongs, or the other way round. */
static int
wrong_nesting(enum mr_shape_kind want, enum mr_input_kind got, struct mr_slice *out_complaint)
{
    if (got == MR_INPUT_LIST) {
        return complain(out_complaint, "Start of list found where not expected");
    }
    if (got == MR_INPUT_OBJECT) {
        return complain(out_complaint, "Start of structure or map found where not expected.");
    }
    return complain(out_complaint, want == MR_SHAPE_LIST  ? "Expected list or null"
                                   : want == MR_SHAPE_MAP ? "Expected map or null"
                                                          : "Expected null");
}

static int
wrong_scalar(struct mr_input *input, enum mr_shape_kind want, enum mr_input_kind got,
             struct mr_slice *out_complaint)
{
    if (got == MR_INPUT_LIST || got == MR_INPUT_OBJECT) {
        return wrong_nesting(want, got, out_complaint);
    }
    return complain(out_complaint,
                    mr_arena_printf(input->arena, "class %s can not be converted to %s",
                                    class_names[got], type_names[want]));
}

/* AWS takes a handful of words for booleans and shouts the rest back. */
static int
boolean_word(struct mr_input *input, struct mr_value *value, struct mr_slice *out_complaint)
{
    static const char *const yes[] = { "TRUE", "YES", "1" }, *const no[] = { "FALSE", "NO",
                                                                             "0" };
    struct mr_slice text;

    if (!mr_input_string(input, &text)) {
        return -EPROTO;
    }
    char *upper = mr_arena_cstr(input->arena, text);
    for (char *c = upper; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(upper, yes[i]) == 0 || strcmp(upper, no[i]) == 0) {
            value->flag = strcmp(upper, yes[i]) == 0;
            return 0;
        }
    }
    return complain(
        out_complaint,
        mr_arena_printf(input->arena, "'%s' can not be converted to an Boolean", upper));
}

static int
blob_complaint(struct mr_input *input, struct mr_slice text,
               const struct mr_base64_error *error, struct mr_slice *out_complaint)
{
    char reason[96] = "Invalid last non-pad Base64 character dectected";

    if (error->fault == MR_BASE64_LENGTH) {
        (void)snprintf(reason, sizeof(reason),
                       "Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
                       text.size);
    } else if (error->fault == MR_BASE64_CHARACTER) {
        (void)snprintf(reason, sizeof(reason), "Invalid Base64 character: '%c'",
                       error->character);
    }
    return complain(out_complaint,
                    mr_arena_printf(input->arena, "'%.*s' can not be converted to a Blob: %s",
                                    MR_SLICE_ARGS(text), reason));
}

static int
read_blob(struct mr_input *input, enum mr_input_kind kind, struct mr_value *value,
          struct mr_slice *out_complaint)
{
    struct mr_base64_error error;
    struct mr_slice text;

    if (kind == MR_INPUT_BYTES) {
        return mr_input_bytes(input, &value->text) ? 0 : -EPROTO;
    }
    if (!mr_input_string(input, &text)) {
        return -EPROTO;
    }
    uint8_t *bytes = mr_arena_alloc(input->arena, mr_base64_decoded_max(text.size) + 1);
    ssize_t size = mr_base64_decode(text, bytes, &error);
    if (size < 0) {
        return blob_complaint(input, text, &error, out_complaint);
    }
    value->text = mr_slice_of(bytes, (size_t)size);
    return 0;
}

static int
read_scalar(struct mr_input *input, enum mr_input_kind kind, struct mr_value *value,
            struct mr_slice *out_complaint)
{
    enum mr_shape_kind want = value->shape->kind;
    struct mr_slice text;

    if (want == MR_SHAPE_STRING && kind == MR_INPUT_STRING) {
        return mr_input_string(input, &value->text) ? 0 : -EPROTO;
    }
    if (want == MR_SHAPE_BLOB && (kind == MR_INPUT_STRING || kind == MR_INPUT_BYTES)) {
        return read_blob(input, kind, value, out_complaint);
    }
    if (want == MR_SHAPE_BOOLEAN && kind == MR_INPUT_BOOLEAN) {
        return mr_input_boolean(input, &value->flag) ? 0 : -EPROTO;
    }
    if (want == MR_SHAPE_BOOLEAN && kind == MR_INPUT_STRING) {
        return boolean_word(input, value, out_complaint);
    }
    if (want == MR_SHAPE_TIMESTAMP && kind == MR_INPUT_NUMBER) {
        return mr_input_timestamp(input, &value->number) ? 0 : -EPROTO;
    }
    if (want == MR_SHAPE_TIMESTAMP && kind == MR_INPUT_STRING &&
        input->format == MR_FORMAT_CBOR && mr_input_string(input, &text) &&
        mr_slice_to_i64(text, &value->number)) {
        return 0; /* milliseconds as text, from clients that have no tag for time */
    }
    if ((want == MR_SHAPE_INTEGER || want == MR_SHAPE_LONG) && kind == MR_INPUT_NUMBER) {
        if (!mr_input_integer(input, &value->number)) {
            return -EPROTO;
        }
        if (want == MR_SHAPE_INTEGER) {
            value->number = value->number > INT32_MAX   ? INT32_MAX
                            : value->number < INT32_MIN ? INT32_MIN
                                                        : value->number;
        }
        return 0;
    }
    return wrong_scalar(input, want, kind, out_complaint);
}

/* Room for one more element; doubling in the arena wastes at most as much again. */
static void
grow(struct mr_input *input, struct mr_value *value)
{
    if (value->count != 0 && (value->count < 8 || (value->count & (value->count - 1)) != 0)) {
        return;
    }
    size_t capacity = value->count == 0 ? 8 : value->count * 2;
    struct mr_value *items = mr_arena_zero(input->arena, capacity * sizeof(*items));
    if (value->count > 0) {
        memcpy(items, value->items, value->count * sizeof(*items));
    }
    value->items = items;
    if (value->shape->kind == MR_SHAPE_MAP) {
        struct mr_slice *keys = mr_arena_alloc(input->arena, capacity * sizeof(*keys));
        if (value->count > 0) {
            memcpy(keys, value->keys, value->count * sizeof(*keys));
        }
        value->keys = keys;
    }
}

static int
read_list(struct mr_input *input, struct mr_value *value, struct mr_slice *out_complaint)
{
    if (!mr_input_enter(input)) {
        return -EPROTO;
    }
    while (mr_input_next_element(input)) {
        grow(input, value);
        int code = mr_value_read(input, value->shape->element, &value->items[value->count],
                                 out_complaint);
        if (code < 0) {
            return code;
        }
        value->count++;
    }
    return 0;
}

static int
read_map(struct mr_input *input, struct mr_value *value, struct mr_slice *out_complaint)
{
    struct mr_slice key;

    if (!mr_input_enter(input)) {
        return -EPROTO;
    }
    while (mr_input_next_key(input, &key)) {
        grow(input, value);
        int code = mr_value_read(input, value->shape->element, &value->items[value->count],
                                 out_complaint);
        if (code < 0) {
            return code;
        }
        value->keys[value->count++] = key;
    }
    return 0;
}

static struct mr_value *
member_named(struct mr_value *value, struct mr_slice key)
{
    for (size_t i = 0; i < value->shape->member_count; i++) {
        if (mr_slice_is(key, value->shape->members[i].name)) {
            return &value->items[i];
        }
    }
    return NULL;
}

static int
read_structure(struct mr_input *input, struct mr_value *value, struct mr_slice *out_complaint)
{
    const struct mr_shape *shape = value->shape;
    struct mr_slice key;

    value->count = shape->member_count;
    value->items = mr_arena_zero(input->arena, (value->count + 1) * sizeof(*value->items));
    for (size_t i = 0; i < value->count; i++) {
        value->items[i].shape = shape->members[i].shape;
    }
    if (!mr_input_enter(input)) {
        return -EPROTO;
    }
    while (mr_input_next_key(input, &key)) {
        struct mr_value *member = member_named(value, key);
        if (member == NULL) {
            if (!mr_input_skip(input)) {
                return -EPROTO;
            }
            continue;
        }
        int code = mr_value_read(input, member->shape, member, out_complaint);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

int
mr_value_read(struct mr_input *input, const struct mr_shape *shape, struct mr_value *out_value,
              struct mr_slice *out_complaint)
{
    enum mr_input_kind kind = mr_input_peek(input);

    *out_value = (struct mr_value){ .shape = shape };
    if (kind == MR_INPUT_BAD) {
        return -EPROTO;
    }
    if (kind == MR_INPUT_NULL) {
        return mr_input_skip(input) ? 0 : -EPROTO;
    }
    out_value->present = true;
    switch (shape->kind) {
    case MR_SHAPE_LIST:
        return kind == MR_INPUT_LIST ? read_list(input, out_value, out_complaint)
                                     : wrong_nesting(shape->kind, kind, out_complaint);
    case MR_SHAPE_MAP:
        return kind == MR_INPUT_OBJECT ? read_map(input, out_value, out_complaint)
                                       : wrong_nesting(shape->kind, kind, out_complaint);
    case MR_SHAPE_STRUCTURE:
        return kind == MR_INPUT_OBJECT ? read_structure(input, out_value, out_complaint)
                                       : wrong_nesting(shape->kind, kind, out_complaint);
    default:
        return read_scalar(input, kind, out_value, out_complaint);
    }
}

const struct mr_value *
mr_value_find(const struct mr_value *structure, const char *name)
{
    for (size_t i = 0; i < structure->count; i++) {
        if (strcmp(structure->shape->members[i].name, name) == 0) {
            return structure->items[i].present ? &structure->items[i] : NULL;
        }
    }
    return NULL;
}

struct mr_slice
mr_value_text(const struct mr_value *structure, const char *name)
{
    const struct mr_value *value = mr_value_find(structure, name);
    return value == NULL ? (struct mr_slice){ NULL, 0 } : value->text;
}

int64_t
mr_value_number(const struct mr_value *structure, const char *name, int64_t otherwise)
{
    const struct mr_value *value = mr_value_find(structure, name);
    return value == NULL ? otherwise : value->number;
}

bool
mr_value_flag(const struct mr_value *structure, const char *name)
{
    const struct mr_value *value = mr_value_find(structure, name);
    return value != NULL && value->flag;
}

size_t
mr_value_limit(const struct mr_value *structure, const char *name, size_t most)
{
    int64_t limit = mr_value_number(structure, name, (int64_t)most);
    return (uint64_t)limit < most ? (size_t)limit : most;
}
