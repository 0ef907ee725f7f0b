#include "stream/api/constraint.h"

#include <ctype.h>

struct checker {
    struct mr_buf errors; /* joined with "; " */
    size_t count;
    struct mr_buf path;
};

size_t
mr_constraint_length(struct mr_slice text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        length += (text.data[i] & 0xC0) != 0x80;
        length += text.data[i] >= 0xF0;
    }
    return length;
}

/* ---- how AWS prints a value ---- */

static void
print_value(struct mr_buf *buf, const struct mr_value *value)
{
    bool is_map = value->shape->kind == MR_SHAPE_MAP;
    if (!value->present) {
        mr_buf_append_str(buf, "null");
        return;
    }
    switch (value->shape->kind) {
    case MR_SHAPE_STRING:
        mr_buf_append_slice(buf, value->text);
        break;
    case MR_SHAPE_INTEGER:
    case MR_SHAPE_LONG:
    case MR_SHAPE_TIMESTAMP:
        mr_buf_printf(buf, "%lld", (long long)value->number);
        break;
    case MR_SHAPE_BOOLEAN:
        mr_buf_append_str(buf, value->flag ? "true" : "false");
        break;
    case MR_SHAPE_BLOB:
        mr_buf_printf(buf, "java.nio.HeapByteBuffer[pos=0 lim=%zu cap=%zu]", value->text.size,
                      value->text.size);
        break;
    case MR_SHAPE_STRUCTURE:
        mr_buf_printf(buf, "%s@c965e310", value->shape->java_name);
        break;
    case MR_SHAPE_LIST:
    case MR_SHAPE_MAP:
        mr_buf_append_str(buf, is_map ? "{" : "[");
        for (size_t i = 0; i < value->count; i++) {
            mr_buf_append_str(buf, i == 0 ? "" : ", ");
            if (is_map) {
                mr_buf_append_slice(buf, value->keys[i]);
                mr_buf_append_byte(buf, '=');
            }
            print_value(buf, &value->items[i]);
        }
        mr_buf_append_str(buf, is_map ? "}" : "]");
        break;
    }
}

/* Begins the next mistake; false when ten have been told. */
static bool
begin_error(struct checker *checker, const struct mr_value *value)
{
    if (checker->count == MR_CONSTRAINT_MAX_ERRORS) {
        return false;
    }
    mr_buf_append_str(&checker->errors, checker->count++ == 0 ? "Value " : "; Value ");
    mr_buf_append_str(&checker->errors, value->present ? "'" : "");
    print_value(&checker->errors, value);
    mr_buf_append_str(&checker->errors, value->present ? "' at '" : " at '");
    mr_buf_append_slice(&checker->errors, mr_buf_slice(&checker->path));
    mr_buf_append_str(&checker->errors, "' failed to satisfy constraint: ");
    return true;
}

static void
enum_set(struct mr_buf *buf, const struct mr_shape *shape)
{
    mr_buf_append_str(buf, "Member must satisfy enum value set: [");
    for (size_t i = 0; shape->values[i] != NULL; i++) {
        mr_buf_printf(buf, "%s%s", i == 0 ? "" : ", ", shape->values[i]);
    }
    mr_buf_append_byte(buf, ']');
}

/* ---- one value against its own bounds ---- */

static bool
in_enum(const struct mr_shape *shape, struct mr_slice text)
{
    for (size_t i = 0; shape->values[i] != NULL; i++) {
        if (mr_slice_is(text, shape->values[i])) {
            return true;
        }
    }
    return false;
}

static void
check_bounds(struct checker *checker, const struct mr_value *value, int64_t measure,
             const char *what)
{
    const struct mr_shape *shape = value->shape;

    if (shape->has_min && measure < shape->min && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must have %s greater than or equal to %lld",
                      what, (long long)shape->min);
    }
    if (shape->has_max && measure > shape->max && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must have %s less than or equal to %lld", what,
                      (long long)shape->max);
    }
}

static void
check_text(struct checker *checker, const struct mr_value *value)
{
    const struct mr_shape *shape = value->shape;

    check_bounds(checker, value, (int64_t)mr_constraint_length(value->text), "length");
    if (shape->values != NULL && !in_enum(shape, value->text) && begin_error(checker, value)) {
        enum_set(&checker->errors, shape);
    }
    if (!mr_shape_pattern_matches(shape->pattern, value->text) && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must satisfy regular expression pattern: %s",
                      mr_shape_pattern_text(shape->pattern));
    }
}

/* Does a list's element or a map's key keep its own shape's bounds? */
static bool
keeps_shape(const struct mr_shape *shape, struct mr_slice text)
{
    int64_t length = (int64_t)mr_constraint_length(text);
    return (!shape->has_min || length >= shape->min) &&
           (!shape->has_max || length <= shape->max) &&
           (shape->values == NULL || in_enum(shape, text)) &&
           mr_shape_pattern_matches(shape->pattern, text);
}

static void
check_inner(struct checker *checker, const struct mr_value *value, const struct mr_shape *inner,
            bool keys, const char *prefix)
{
    bool kept = true;

    if (inner->kind != MR_SHAPE_STRING) {
        return;
    }
    for (size_t i = 0; i < value->count && kept; i++) {
        kept = keys ? keeps_shape(inner, value->keys[i])
                    : !value->items[i].present || keeps_shape(inner, value->items[i].text);
    }
    if (kept || !begin_error(checker, value)) {
        return;
    }
    mr_buf_printf(&checker->errors, "%s must satisfy constraint: [", prefix);
    if (inner->values != NULL) {
        enum_set(&checker->errors, inner);
    } else {
        mr_buf_printf(
            &checker->errors,
            "Member must have length less than or equal to %lld, Member must have length "
            "greater than or equal to %lld",
            (long long)inner->max, (long long)inner->min);
    }
    mr_buf_append_byte(&checker->errors, ']');
}

/* ---- the tree ---- */

static void check_members(struct checker *checker, const struct mr_value *structure);

static void
check_list(struct checker *checker, const struct mr_value *value)
{
    check_bounds(checker, value, (int64_t)value->count, "length");
    check_inner(checker, value, value->shape->element, false, "Member");
    if (value->shape->element->kind != MR_SHAPE_STRUCTURE) {
        return;
    }
    size_t length = checker->path.size;
    for (size_t i = 0; i < value->count && checker->count < MR_CONSTRAINT_MAX_ERRORS; i++) {
        mr_buf_printf(&checker->path, ".%zu.member", i + 1);
        if (value->items[i].present) {
            check_members(checker, &value->items[i]);
        } else if (begin_error(checker, &value->items[i])) {
            mr_buf_append_str(&checker->errors, "Member must not be null");
        }
        checker->path.size = length;
    }
}

static void
check_value(struct checker *checker, const struct mr_value *value)
{
    switch (value->shape->kind) {
    case MR_SHAPE_STRING:
        check_text(checker, value);
        break;
    case MR_SHAPE_INTEGER:
    case MR_SHAPE_LONG:
        check_bounds(checker, value, value->number, "value");
        break;
    case MR_SHAPE_BLOB:
        check_bounds(checker, value, (int64_t)value->text.size, "length");
        break;
    case MR_SHAPE_LIST:
        check_list(checker, value);
        break;
    case MR_SHAPE_MAP:
        check_bounds(checker, value, (int64_t)value->count, "length");
        check_inner(checker, value, value->shape->key, true, "Map keys");
        check_inner(checker, value, value->shape->element, false, "Map value");
        break;
    case MR_SHAPE_STRUCTURE:
        check_members(checker, value);
        break;
    case MR_SHAPE_BOOLEAN:
    case MR_SHAPE_TIMESTAMP:
        break;
    }
}

/* Where a stream may be named by StreamName or by StreamARN and is not named at all, AWS says
 * that the name is missing. (With a NextToken there are other rules.) */
static bool
is_unnamed(const struct mr_value *structure)
{
    unsigned ways = 0;
    for (size_t i = 0; i < structure->count; i++) {
        const char *name = structure->shape->members[i].name;
        bool names = strcmp(name, "StreamName") == 0 || strcmp(name, "StreamARN") == 0;
        if ((names && structure->items[i].present) || strcmp(name, "NextToken") == 0) {
            return false;
        }
        ways += names;
    }
    return ways == 2;
}

static void
check_members(struct checker *checker, const struct mr_value *structure)
{
    size_t length = checker->path.size;
    bool unnamed = is_unnamed(structure);

    for (size_t i = 0; i < structure->count; i++) {
        const struct mr_shape_member *member = &structure->shape->members[i];
        const struct mr_value *value = &structure->items[i];
        mr_buf_append_str(&checker->path, length == 0 ? "" : ".");
        mr_buf_append_byte(&checker->path, (uint8_t)tolower((unsigned char)member->name[0]));
        mr_buf_append_str(&checker->path, member->name + 1);
        if (value->present) {
            check_value(checker, value);
        } else if ((member->required || (unnamed && strcmp(member->name, "StreamName") == 0)) &&
                   begin_error(checker, value)) {
            mr_buf_append_str(&checker->errors, "Member must not be null");
        }
        checker->path.size = length;
    }
}

size_t
mr_constraint_check(const struct mr_value *input, struct mr_arena *arena,
                    struct mr_slice *out_message)
{
    struct checker checker = { .count = 0 };

    check_members(&checker, input);
    if (checker.count > 0) {
        *out_message = mr_slice_str(mr_arena_printf(
            arena, "%zu validation error%s detected: %.*s", checker.count,
            checker.count == 1 ? "" : "s", MR_SLICE_ARGS(mr_buf_slice(&checker.errors))));
    }
    mr_buf_deinit(&checker.errors);
    mr_buf_deinit(&checker.path);
    return checker.count;
}
