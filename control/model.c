#include "control/model.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { MAX_ERRORS = 10, MAX_PATTERNS = 128, MAX_MATCHED_BYTES = 5000 };

const struct mr_model_member *
mr_model_find(const struct mr_model_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (strcmp(shape->members[i].name, name) == 0) {
            return &shape->members[i];
        }
    }
    return NULL;
}

/* ---- patterns ---- */

/* Compiled when first asked for, kept for good: the model's patterns are few. */
static const regex_t *
compiled(const char *posix)
{
    static struct {
        const char *posix;
        regex_t regex;
    } cache[MAX_PATTERNS];
    size_t i = 0;

    for (; i < MAX_PATTERNS && cache[i].posix != NULL; i++) {
        if (strcmp(cache[i].posix, posix) == 0) {
            return &cache[i].regex;
        }
    }
    mr_assert(i < MAX_PATTERNS);
    mr_assert(regcomp(&cache[i].regex, posix, REG_EXTENDED | REG_NOSUB) == 0);
    cache[i].posix = posix;
    return &cache[i].regex;
}

bool
mr_model_matches(const struct mr_model_shape *shape, const char *text)
{
    if (shape->posix == NULL) {
        return true;
    }
    if (strlen(text) > MAX_MATCHED_BYTES ||
        (shape->not_number && text[strspn(text, "0123456789")] == '\0')) {
        return false;
    }
    return regexec(compiled(shape->posix), text, 0, NULL, 0) == 0;
}

/* ---- types ---- */

static const char *const kind_names[] = {
    [MR_MODEL_STRING] = "a String",     [MR_MODEL_INTEGER] = "an Integer",
    [MR_MODEL_DOUBLE] = "a Double",     [MR_MODEL_BOOLEAN] = "a Boolean",
    [MR_MODEL_TIMESTAMP] = "a Date",    [MR_MODEL_BLOB] = "a Blob",
    [MR_MODEL_LIST] = "a List",         [MR_MODEL_MAP] = "a Map",
    [MR_MODEL_STRUCTURE] = "an Object",
};

static const char *
json_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "START_OBJECT";
    case JSON_ARRAY:
        return "START_ARRAY";
    case JSON_STRING:
        return "STRING_VALUE";
    case JSON_INTEGER:
    case JSON_REAL:
        return "NUMBER_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    case JSON_FALSE:
        return "FALSE_VALUE";
    default:
        return "NULL_VALUE";
    }
}

static bool
has_kind(enum mr_model_kind kind, const json_t *value)
{
    switch (kind) {
    case MR_MODEL_STRING:
    case MR_MODEL_BLOB:
        return json_is_string(value);
    case MR_MODEL_INTEGER:
        return json_is_integer(value);
    case MR_MODEL_DOUBLE:
    case MR_MODEL_TIMESTAMP:
        return json_is_number(value);
    case MR_MODEL_BOOLEAN:
        return json_is_boolean(value);
    case MR_MODEL_LIST:
        return json_is_array(value);
    case MR_MODEL_MAP:
    case MR_MODEL_STRUCTURE:
        return json_is_object(value);
    }
    return false;
}

static bool
check_members_types(const struct mr_model_shape *shape, json_t *value,
                    struct mr_buf *out_complaint)
{
    const char *name;
    json_t *member;
    void *next;

    json_object_foreach_safe(value, next, name, member)
    {
        const struct mr_model_shape *inner = shape->element;
        if (shape->kind == MR_MODEL_STRUCTURE) {
            const struct mr_model_member *known = mr_model_find(shape, name);
            if (known == NULL) {
                json_object_del(value, name);
                continue;
            }
            inner = known->shape;
        }
        if (json_is_null(member)) {
            json_object_del(value, name);
        } else if (!mr_model_check_types(inner, member, out_complaint)) {
            return false;
        }
    }
    return true;
}

bool
mr_model_check_types(const struct mr_model_shape *shape, json_t *value,
                     struct mr_buf *out_complaint)
{
    if (!has_kind(shape->kind, value)) {
        mr_buf_printf(out_complaint, "%s can not be converted to %s", json_name(value),
                      kind_names[shape->kind]);
        return false;
    }
    if (json_is_array(value)) {
        size_t index;
        json_t *element;
        json_array_foreach(value, index, element)
        {
            if (!mr_model_check_types(shape->element, element, out_complaint)) {
                return false;
            }
        }
        return true;
    }
    return !json_is_object(value) || check_members_types(shape, value, out_complaint);
}

/* ---- constraints ---- */

struct checker {
    struct mr_buf errors; /* joined with "; " */
    size_t count;
    struct mr_buf path;
    bool doubles; /* the value at hand holds such */
};

/* Characters as Java counts them: UTF-16 units. */
static int64_t
length_of(const char *text)
{
    int64_t length = 0;

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        length += (byte & 0xC0) != 0x80;
        length += byte >= 0xF0;
    }
    return length;
}

/* As few digits as say it, and a point: 0.2, 2.0. */
static void
print_double(struct mr_buf *buf, double number)
{
    char text[40];
    int digits = 1;

    do {
        snprintf(text, sizeof(text), "%.*g", digits, number);
    } while (strtod(text, NULL) != number && digits++ < 17);
    mr_buf_append_str(buf, text);
    mr_buf_append_str(buf, strpbrk(text, ".en") == NULL ? ".0" : "");
}

/* How Java prints it; `doubles`: the numbers in it are such, however they were written. */
static void
print_value(struct mr_buf *buf, const json_t *value, bool doubles)
{
    const char *name;
    size_t index;
    json_t *element;

    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING:
        mr_buf_append_str(buf, json_string_value(value));
        break;
    case JSON_INTEGER:
        if (!doubles) {
            mr_buf_printf(buf, "%lld", (long long)json_integer_value(value));
            break;
        }
        /* fallthrough */
    case JSON_REAL:
        print_double(buf, json_number_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mr_buf_append_str(buf, json_is_true(value) ? "true" : "false");
        break;
    case JSON_ARRAY:
        mr_buf_append_byte(buf, '[');
        json_array_foreach(value, index, element)
        {
            mr_buf_append_str(buf, index == 0 ? "" : ", ");
            print_value(buf, element, doubles);
        }
        mr_buf_append_byte(buf, ']');
        break;
    case JSON_OBJECT:
        mr_buf_append_byte(buf, '{');
        index = 0;
        json_object_foreach((json_t *)(uintptr_t)value, name, element)
        {
            mr_buf_printf(buf, "%s%s=", index++ == 0 ? "" : ", ", name);
            print_value(buf, element, doubles);
        }
        mr_buf_append_byte(buf, '}');
        break;
    case JSON_NULL:
        mr_buf_append_str(buf, "null");
        break;
    }
}

/* Begins the next mistake; false when enough have been told. */
static bool
begin_error(struct checker *checker, const json_t *value)
{
    if (checker->count == MAX_ERRORS) {
        return false;
    }
    mr_buf_append_str(&checker->errors, checker->count++ == 0 ? "Value " : "; Value ");
    mr_buf_append_str(&checker->errors, value != NULL ? "'" : "");
    print_value(&checker->errors, value, checker->doubles);
    mr_buf_append_str(&checker->errors, value != NULL ? "' at '" : " at '");
    mr_buf_append_slice(&checker->errors, mr_buf_slice(&checker->path));
    mr_buf_append_str(&checker->errors, "' failed to satisfy constraint: ");
    return true;
}

static void
enum_set(struct mr_buf *buf, const struct mr_model_shape *shape)
{
    mr_buf_append_str(buf, "Member must satisfy enum value set: [");
    for (size_t i = 0; shape->values[i] != NULL; i++) {
        mr_buf_printf(buf, "%s%s", i == 0 ? "" : ", ", shape->values[i]);
    }
    mr_buf_append_byte(buf, ']');
}

static bool
in_enum(const struct mr_model_shape *shape, const char *text)
{
    for (size_t i = 0; shape->values[i] != NULL; i++) {
        if (strcmp(text, shape->values[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
check_bounds(struct checker *checker, const struct mr_model_shape *shape, const json_t *value,
             double measure, const char *what)
{
    if (shape->has_min && measure < (double)shape->min && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must have %s greater than or equal to %lld",
                      what, (long long)shape->min);
    }
    if (shape->has_max && measure > (double)shape->max && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must have %s less than or equal to %lld", what,
                      (long long)shape->max);
    }
}

static void
check_text(struct checker *checker, const struct mr_model_shape *shape, const json_t *value)
{
    const char *text = json_string_value(value);

    check_bounds(checker, shape, value, (double)length_of(text), "length");
    if (shape->values != NULL && !in_enum(shape, text) && begin_error(checker, value)) {
        enum_set(&checker->errors, shape);
    }
    if (!mr_model_matches(shape, text) && begin_error(checker, value)) {
        mr_buf_printf(&checker->errors, "Member must satisfy regular expression pattern: %s",
                      shape->pattern);
    }
}

/* ---- elements of lists, keys and values of maps: told together, of the whole ---- */

static bool
keeps_shape(const struct mr_model_shape *shape, const json_t *value)
{
    double measure = json_is_string(value) ? (double)length_of(json_string_value(value))
                                           : json_number_value(value);

    if (!json_is_string(value) && !json_is_number(value)) {
        return true;
    }
    return (!shape->has_min || measure >= (double)shape->min) &&
           (!shape->has_max || measure <= (double)shape->max) &&
           (!json_is_string(value) ||
            ((shape->values == NULL || in_enum(shape, json_string_value(value))) &&
             mr_model_matches(shape, json_string_value(value))));
}

static void
tell_inner(struct checker *checker, const struct mr_model_shape *inner, const char *prefix)
{
    struct mr_buf *errors = &checker->errors;
    const char *what = inner->kind == MR_MODEL_STRING ? "length" : "value";
    const char *point = inner->kind == MR_MODEL_DOUBLE ? ".0" : "";

    mr_buf_printf(errors, "%s must satisfy constraint: [", prefix);
    if (inner->has_max) {
        mr_buf_printf(errors, "Member must have %s less than or equal to %lld%s, ", what,
                      (long long)inner->max, point);
    }
    if (inner->has_min) {
        mr_buf_printf(errors, "Member must have %s greater than or equal to %lld%s, ", what,
                      (long long)inner->min, point);
    }
    if (inner->pattern != NULL) {
        mr_buf_printf(errors, "Member must satisfy regular expression pattern: %s, ",
                      inner->pattern);
    }
    if (inner->values != NULL) {
        enum_set(errors, inner);
        mr_buf_append_str(errors, ", ");
    }
    mr_buf_append_str(errors, "Member must not be null]");
}

static void check_members(struct checker *checker, const struct mr_model_shape *shape,
                          const json_t *value);

static void
check_list(struct checker *checker, const struct mr_model_shape *shape, const json_t *value)
{
    size_t length = checker->path.size;
    bool kept = true;

    check_bounds(checker, shape, value, (double)json_array_size(value), "length");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        if (shape->element->kind == MR_MODEL_STRUCTURE) {
            mr_buf_printf(&checker->path, ".%zu.member", i + 1);
            check_members(checker, shape->element, element);
            checker->path.size = length;
        }
        kept = kept && keeps_shape(shape->element, element);
    }
    if (!kept && begin_error(checker, value)) {
        tell_inner(checker, shape->element, "Member");
    }
}

static void
check_map(struct checker *checker, const struct mr_model_shape *shape, const json_t *value)
{
    bool keys = true, values = true;
    const char *name;
    json_t *element;

    check_bounds(checker, shape, value, (double)json_object_size(value), "length");
    json_object_foreach((json_t *)(uintptr_t)value, name, element)
    {
        json_t *key = json_string(name);
        keys = keys && keeps_shape(shape->key, key);
        values = values && keeps_shape(shape->element, element);
        json_decref(key);
    }
    if (!keys && begin_error(checker, value)) {
        tell_inner(checker, shape->key, "Map keys");
    }
    checker->doubles = shape->element->kind == MR_MODEL_DOUBLE;
    if (!values && begin_error(checker, value)) {
        tell_inner(checker, shape->element, "Map value");
    }
    checker->doubles = false;
}

static void
check_value(struct checker *checker, const struct mr_model_shape *shape, const json_t *value)
{
    switch (shape->kind) {
    case MR_MODEL_STRING:
        check_text(checker, shape, value);
        break;
    case MR_MODEL_INTEGER:
    case MR_MODEL_DOUBLE:
        check_bounds(checker, shape, value, json_number_value(value), "value");
        break;
    case MR_MODEL_LIST:
        check_list(checker, shape, value);
        break;
    case MR_MODEL_MAP:
        check_map(checker, shape, value);
        break;
    case MR_MODEL_STRUCTURE:
        check_members(checker, shape, value);
        break;
    case MR_MODEL_BLOB:
    case MR_MODEL_BOOLEAN:
    case MR_MODEL_TIMESTAMP:
        break;
    }
}

/* "FunctionName" is functionName, "KMSKeyArn" is kMSKeyArn, "UUID" is uUID: as AWS has them. */
static void
check_members(struct checker *checker, const struct mr_model_shape *shape, const json_t *value)
{
    size_t length = checker->path.size;

    for (size_t i = 0; i < shape->member_count; i++) {
        const struct mr_model_member *member = &shape->members[i];
        const json_t *inner = json_object_get(value, member->name);
        mr_buf_append_str(&checker->path, length == 0 ? "" : ".");
        mr_buf_append_byte(&checker->path, (uint8_t)tolower((unsigned char)member->name[0]));
        mr_buf_append_str(&checker->path, member->name + 1);
        if (inner != NULL) {
            check_value(checker, member->shape, inner);
        } else if (member->required && member->where != MR_MODEL_PAYLOAD &&
                   begin_error(checker, NULL)) {
            mr_buf_append_str(&checker->errors, "Member must not be null");
        }
        checker->path.size = length;
    }
}

size_t
mr_model_check(const struct mr_model_shape *input, const json_t *value,
               struct mr_buf *out_message)
{
    struct checker checker = { .count = 0 };

    check_members(&checker, input, value);
    if (checker.count > 0) {
        mr_buf_printf(out_message, "%zu validation error%s detected: ", checker.count,
                      checker.count == 1 ? "" : "s");
        mr_buf_append_slice(out_message, mr_buf_slice(&checker.errors));
    }
    mr_buf_deinit(&checker.errors);
    mr_buf_deinit(&checker.path);
    return checker.count;
}
