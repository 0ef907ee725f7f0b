#include "sam-templates/scalar.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool
one_of(struct mr_slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (mr_slice_is(text, *words)) {
            return true;
        }
    }
    return false;
}

bool
mr_scalar_is_null(struct mr_slice text)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };
    return one_of(text, words);
}

bool
mr_scalar_to_bool(struct mr_slice text, struct mr_node *node)
{
    static const char *const yes[] = { "yes",  "Yes", "YES", "true", "True",
                                       "TRUE", "on",  "On",  "ON",   NULL };
    static const char *const no[] = { "no",    "No",  "NO",  "false", "False",
                                      "FALSE", "off", "Off", "OFF",   NULL };
    bool is_yes = one_of(text, yes);
    if (!is_yes && !one_of(text, no)) {
        return false;
    }
    node->kind = MR_NODE_BOOL;
    node->boolean = is_yes;
    return true;
}

/* --- numbers --- */

/* How many of the first bytes are in `set`. */
static size_t
span(struct mr_slice text, size_t from, const char *set)
{
    size_t at = from;
    while (at < text.size && text.data[at] != '\0' && strchr(set, text.data[at]) != NULL) {
        at++;
    }
    return at - from;
}

static size_t
sign_of(struct mr_slice text, bool *out_negative)
{
    *out_negative = text.size > 0 && text.data[0] == '-';
    return text.size > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
}

/* Places after the first of a base 60 number: (:[0-5]?[0-9])+ up to `end`. */
static bool
is_sexagesimal_tail(struct mr_slice text, size_t at, size_t end)
{
    if (at == end) {
        return false;
    }
    while (at < end) {
        size_t digits = text.data[at] == ':' ? span(text, at + 1, "0123456789") : 0;
        if (digits == 0 || digits > 2 || (digits == 2 && text.data[at + 1] > '5')) {
            return false;
        }
        at += 1 + digits;
    }
    return at == end;
}

/* The digits of `base` in text, underscores left out. False when it does not fit. */
static bool
whole(struct mr_slice text, size_t from, unsigned base, uint64_t *out_value)
{
    uint64_t value = 0;
    for (size_t i = from; i < text.size; i++) {
        if (text.data[i] == '_') {
            continue;
        }
        unsigned char c = (unsigned char)tolower(text.data[i]);
        unsigned digit = c >= 'a' ? c - 'a' + 10u : c - '0' + 0u;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

static bool
sexagesimal(struct mr_slice text, size_t from, uint64_t *out_value)
{
    uint64_t value = 0, part = 0;
    for (size_t i = from; i <= text.size; i++) {
        if (i == text.size || text.data[i] == ':') {
            if (__builtin_mul_overflow(value, 60u, &value) ||
                __builtin_add_overflow(value, part, &value)) {
                return false;
            }
            part = 0;
        } else if (text.data[i] != '_' &&
                   (__builtin_mul_overflow(part, 10u, &part) ||
                    __builtin_add_overflow(part, text.data[i] - '0' + 0u, &part))) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

static bool
set_int(struct mr_node *node, uint64_t value, bool negative)
{
    if (value > (uint64_t)INT64_MAX) {
        return false;
    }
    node->kind = MR_NODE_INT;
    node->integer = negative ? -(int64_t)value : (int64_t)value;
    node->text = (struct mr_slice){ NULL, 0 };
    return true;
}

/* Decimal digits beyond 64 bits are kept as they are written. */
static void
set_large(struct mr_arena *arena, struct mr_slice text, size_t from, bool negative,
          struct mr_node *node)
{
    char *digits = mr_arena_alloc(arena, text.size + 2);
    size_t size = 0;
    if (negative) {
        digits[size++] = '-';
    }
    for (size_t i = from; i < text.size; i++) {
        if (text.data[i] != '_') {
            digits[size++] = (char)text.data[i];
        }
    }
    node->kind = MR_NODE_INT;
    node->text = mr_slice_of(digits, size);
}

bool
mr_scalar_to_int(struct mr_arena *arena, struct mr_slice text, struct mr_node *node)
{
    bool negative;
    size_t at = sign_of(text, &negative);
    size_t left = text.size - at;
    const char *p = (const char *)text.data + at;
    uint64_t value;

    if (left == 0) {
        return false;
    }
    if (left > 2 && p[0] == '0' && p[1] == 'b') {
        return span(text, at + 2, "01_") == left - 2 && whole(text, at + 2, 2, &value) &&
               set_int(node, value, negative);
    }
    if (left > 2 && p[0] == '0' && p[1] == 'x') {
        return span(text, at + 2, "0123456789abcdefABCDEF_") == left - 2 &&
               whole(text, at + 2, 16, &value) && set_int(node, value, negative);
    }
    if (p[0] == '0') {
        return span(text, at + 1, "01234567_") == left - 1 && whole(text, at, 8, &value) &&
               set_int(node, value, negative);
    }
    if (p[0] < '1' || p[0] > '9') {
        return false;
    }
    size_t digits = span(text, at, "0123456789_");
    if (digits == left) {
        if (!whole(text, at, 10, &value) || !set_int(node, value, negative)) {
            set_large(arena, text, at, negative, node);
        }
        return true;
    }
    return is_sexagesimal_tail(text, at + digits, text.size) && sexagesimal(text, at, &value) &&
           set_int(node, value, negative);
}

/* ([eE][-+][0-9]+)? up to the end. */
static bool
is_exponent_tail(struct mr_slice text, size_t at)
{
    if (at == text.size) {
        return true;
    }
    if ((text.data[at] != 'e' && text.data[at] != 'E') || at + 2 >= text.size ||
        (text.data[at + 1] != '-' && text.data[at + 1] != '+')) {
        return false;
    }
    size_t digits = span(text, at + 2, "0123456789");
    return digits > 0 && at + 2 + digits == text.size;
}

static double
real_of(struct mr_arena *arena, struct mr_slice text)
{
    char *copy = mr_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '_') {
            copy[size++] = (char)text.data[i];
        }
    }
    copy[size] = '\0';
    return strtod(copy, NULL);
}

static bool
set_real(struct mr_node *node, double value)
{
    node->kind = MR_NODE_FLOAT;
    node->real = value;
    return true;
}

static bool
base_60_real(struct mr_arena *arena, struct mr_slice text, size_t at, size_t digits,
             bool negative, struct mr_node *node)
{
    ptrdiff_t point = mr_slice_find(text, '.');
    if (point < 0 || !is_sexagesimal_tail(text, at + digits, (size_t)point) ||
        span(text, (size_t)point + 1, "0123456789_") != text.size - (size_t)point - 1) {
        return false;
    }
    double value = 0;
    struct mr_slice rest = mr_slice_from(text, at);
    while (rest.data != NULL) {
        value = value * 60 + real_of(arena, mr_slice_cut(&rest, ':'));
    }
    return set_real(node, negative ? -value : value);
}

bool
mr_scalar_to_float(struct mr_arena *arena, struct mr_slice text, struct mr_node *node)
{
    static const char *const infinities[] = { ".inf", ".Inf", ".INF", NULL };
    static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
    bool negative;
    size_t at = sign_of(text, &negative);

    if (one_of(mr_slice_from(text, at), infinities)) {
        return set_real(node, negative ? -INFINITY : INFINITY);
    }
    if (one_of(text, nans)) {
        return set_real(node, NAN);
    }
    if (at == 0 && text.size > 1 && text.data[0] == '.' && isdigit(text.data[1])) {
        size_t digits = span(text, 1, "0123456789_");
        return is_exponent_tail(text, 1 + digits) && set_real(node, real_of(arena, text));
    }
    if (at >= text.size || !isdigit(text.data[at])) {
        return false;
    }
    size_t digits = span(text, at, "0123456789_");
    if (at + digits < text.size && text.data[at + digits] == ':') {
        return base_60_real(arena, text, at, digits, negative, node);
    }
    if (at + digits >= text.size || text.data[at + digits] != '.') {
        return false;
    }
    size_t fraction = span(text, at + digits + 1, "0123456789_");
    return is_exponent_tail(text, at + digits + 1 + fraction) &&
           set_real(node, real_of(arena, text));
}

void
mr_scalar_resolve(struct mr_arena *arena, struct mr_slice text, struct mr_node *node)
{
    if (mr_scalar_is_null(text)) {
        node->kind = MR_NODE_NULL;
        return;
    }
    /* Beyond that it is nobody's number. */
    bool may_be_number = text.size <= 64 && strchr("+-.0123456789", text.data[0]) != NULL;
    if (mr_scalar_to_bool(text, node) ||
        (may_be_number &&
         (mr_scalar_to_int(arena, text, node) || mr_scalar_to_float(arena, text, node)))) {
        return;
    }
    node->kind = MR_NODE_STRING;
    node->text = text;
}
