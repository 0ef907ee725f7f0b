/*
 * match_list: the entries of a clause's list: read from a pattern, and held against a value.
 *
 * The words of a refusal are the engine's own, as AWS shows them.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "poller/pattern_inside.h"

enum { SHOWN = 80 }; /* characters of a stranger's text in a sentence */

struct list {
    struct mr_json *json;
    struct mr_arena *arena;
    struct mr_error *err;
};

static int
refuse(struct list *list, const char *reason)
{
    if (list->json->bad) {
        return mr_pattern_syntax_error(list->json, list->err);
    }
    return mr_fail(list->err, -EINVAL, "%s", reason);
}

/* The current object ends here. */
static int
close_object(struct list *list, const char *reason)
{
    struct mr_slice key;
    bool more = mr_json_next_key(list->json, &key);
    return more || list->json->bad ? refuse(list, reason) : 0;
}

/* A string, kept; -EINVAL with `reason` when the next value is none. */
static int
take_string(struct list *list, const char *reason, struct mr_slice *out_text)
{
    if (mr_json_peek(list->json) != MR_JSON_STRING) {
        return refuse(list, reason);
    }
    if (!mr_json_string(list->json, list->arena, out_text)) {
        return refuse(list, reason);
    }
    *out_text = mr_arena_copy(list->arena, *out_text);
    return 0;
}

static int
take_key(struct list *list, const char *reason, struct mr_slice *out_key)
{
    struct mr_slice raw;
    if (!mr_json_next_key(list->json, &raw)) {
        return refuse(list, reason);
    }
    *out_key = mr_json_unescape(raw, list->arena);
    return 0;
}

static struct mr_match_item *
one_item(struct list *list, struct mr_match *match)
{
    match->items = mr_arena_zero(list->arena, sizeof(*match->items));
    match->count = 1;
    return match->items;
}

/* ---- numbers ---- */

/* The engine compares numbers between these; "numeric" with others is refused, as on AWS. */
static bool
is_comparable(const struct mr_exact_number *number)
{
    struct mr_exact_number low = mr_exact_number_of(MR_SLICE("-5e11"));
    struct mr_exact_number high = mr_exact_number_of(MR_SLICE("5e11"));
    return mr_exact_number_compare(number, &low) >= 0 &&
           mr_exact_number_compare(number, &high) <= 0;
}

static int
take_number(struct list *list, const char *reason, struct mr_exact_number *out_number)
{
    struct mr_slice raw;
    if (mr_json_peek(list->json) != MR_JSON_NUMBER || !mr_json_raw(list->json, &raw)) {
        return refuse(list, reason);
    }
    *out_number = mr_exact_number_of(mr_arena_copy(list->arena, raw));
    if (!is_comparable(out_number)) {
        return refuse(list, "Value must be between -5.0E11 and 5.0E11, inclusive");
    }
    return 0;
}

/* What the engine shows of an entry that is out of place. */
static struct mr_slice
show_next(struct list *list)
{
    struct mr_json at = *list->json;
    struct mr_slice raw = MR_SLICE("]");
    switch (mr_json_peek(&at)) {
    case MR_JSON_OBJECT:
        return MR_SLICE("{");
    case MR_JSON_ARRAY:
        return MR_SLICE("[");
    case MR_JSON_STRING:
        (void)mr_json_string(&at, list->arena, &raw);
        break;
    case MR_JSON_BAD:
        break;
    default:
        (void)mr_json_raw(&at, &raw);
    }
    return mr_slice_first(raw, SHOWN);
}

/* An operator; `complaint` is printed with what stood there instead. */
static int
take_operator(struct list *list, bool there, const char *complaint, struct mr_slice *out_text)
{
    if (list->json->bad) {
        return refuse(list, "");
    }
    if (!there || mr_json_peek(list->json) != MR_JSON_STRING) {
        struct mr_slice shown = there ? show_next(list) : MR_SLICE("]");
        return mr_fail(list->err, -EINVAL, "%s: %.*s", complaint, MR_SLICE_ARGS(shown));
    }
    return take_string(list, complaint, out_text);
}

static int
take_bound(struct list *list, struct mr_slice operator, struct mr_exact_number * out_number)
{
    bool equals = mr_slice_is(operator, "=");
    const char *reason = mr_arena_printf(
        list->arena, "Value of %.*s must be numeric",
        MR_SLICE_ARGS(equals ? MR_SLICE("equals") : mr_slice_first(operator, 2)));
    if (!mr_json_next_element(list->json)) {
        return refuse(list, reason);
    }
    return take_number(list, reason, out_number);
}

/* Behind "> 0": the upper end of the range, if there is one. */
static int
take_high(struct list *list, struct mr_match_range *range)
{
    struct mr_slice operator;
    if (!mr_json_next_element(list->json)) {
        return list->json->bad ? refuse(list, "") : 0;
    }
    if (take_operator(list, true, "Bad value in numeric range", &operator) < 0) {
        return -EINVAL;
    }
    if (!mr_slice_is(operator, "<") && !mr_slice_is(operator, "<=")) {
        return mr_fail(list->err, -EINVAL, "Bad numeric range operator: %.*s",
                       MR_SLICE_ARGS(mr_slice_first(operator, SHOWN)));
    }
    range->has_high = true;
    range->high_open = operator.size == 1;
    if (take_bound(list, operator, & range->high) < 0) {
        return -EINVAL;
    }
    if (mr_json_next_element(list->json) || list->json->bad) {
        return refuse(list, "Too many terms in numeric range expression");
    }
    return mr_exact_number_compare(&range->low, &range->high) < 0
               ? 0
               : refuse(list, "Bottom must be less than top");
}

static int
take_range(struct list *list, struct mr_match_range *range)
{
    struct mr_slice operator;
    bool there = mr_json_enter(list->json) && mr_json_next_element(list->json);

    if (take_operator(list, there, "Invalid member in numeric match", &operator) < 0) {
        return -EINVAL;
    }
    bool more = mr_slice_is(operator, ">") || mr_slice_is(operator, ">=");
    bool less = mr_slice_is(operator, "<") || mr_slice_is(operator, "<=");
    bool equals = mr_slice_is(operator, "=");
    if (!more && !less && !equals) {
        return mr_fail(list->err, -EINVAL, "Unrecognized numeric range operator: %.*s",
                       MR_SLICE_ARGS(mr_slice_first(operator, SHOWN)));
    }
    if (take_bound(list, operator, less ? &range->high : & range->low) < 0) {
        return -EINVAL;
    }
    range->has_low = more || equals;
    range->has_high = less || equals;
    range->low_open = more && operator.size == 1;
    range->high_open = less && operator.size == 1;
    if (equals) {
        range->high = range->low;
    }
    if (more) {
        return take_high(list, range);
    }
    return mr_json_next_element(list->json) || list->json->bad
               ? refuse(list, "Too many elements in numeric expression")
               : 0;
}

static int
parse_numeric(struct list *list, struct mr_match *match)
{
    match->kind = MATCH_RANGE;
    if (mr_json_peek(list->json) != MR_JSON_ARRAY) {
        return refuse(list, "Value of numeric must be an array.");
    }
    return take_range(list, &one_item(list, match)->range);
}

/* ---- strings ---- */

static int
parse_exactly(struct list *list, struct mr_match *match)
{
    match->kind = MATCH_STRING;
    return take_string(list, "exact match pattern must be a string",
                       &one_item(list, match)->text);
}

static int
take_letters(struct list *list, struct mr_match *match, enum mr_match_kind kind)
{
    struct mr_match_item *item = one_item(list, match);
    match->kind = kind;
    if (take_string(list, "equals-ignore-case match pattern must be a string", &item->text) <
        0) {
        return -EINVAL;
    }
    item->letters = mr_letters_of(item->text, list->arena);
    return 0;
}

static int
parse_letters(struct list *list, struct mr_match *match)
{
    return take_letters(list, match, MATCH_LETTERS);
}

/* {"prefix": {"equals-ignore-case": "x"}} */
static int
take_inner_letters(struct list *list, struct mr_match *match, const char *outer,
                   enum mr_match_kind kind)
{
    struct mr_slice name;
    (void)mr_json_enter(list->json);
    const char *nameless = mr_arena_printf(list->arena, "%c%s expression name not found",
                                           outer[0] - 32, outer + 1);
    if (take_key(list, nameless, &name) < 0) {
        return -EINVAL;
    }
    if (!mr_slice_is(name, "equals-ignore-case")) {
        return mr_fail(list->err, -EINVAL, "Unsupported %s pattern: %.*s", outer,
                       MR_SLICE_ARGS(mr_slice_first(name, SHOWN)));
    }
    if (take_letters(list, match, kind) < 0) {
        return -EINVAL;
    }
    return close_object(list, "Only one key allowed in match expression");
}

static int
parse_prefix(struct list *list, struct mr_match *match)
{
    if (mr_json_peek(list->json) == MR_JSON_OBJECT) {
        return take_inner_letters(list, match, "prefix", MATCH_LETTERS_PREFIX);
    }
    match->kind = MATCH_PREFIX;
    return take_string(list, "prefix match pattern must be a string",
                       &one_item(list, match)->text);
}

static int
parse_suffix(struct list *list, struct mr_match *match)
{
    if (mr_json_peek(list->json) == MR_JSON_OBJECT) {
        return take_inner_letters(list, match, "suffix", MATCH_LETTERS_SUFFIX);
    }
    match->kind = MATCH_SUFFIX;
    return take_string(list, "suffix match pattern must be a string",
                       &one_item(list, match)->text);
}

static int
take_wildcard(struct list *list, struct mr_match_item *item)
{
    if (take_string(list, "wildcard match pattern must be a string", &item->text) < 0) {
        return -EINVAL;
    }
    return mr_wildcard_parse(item->text, list->arena, &item->wildcard, list->err);
}

static int
parse_wildcard(struct list *list, struct mr_match *match)
{
    match->kind = MATCH_WILDCARD;
    return take_wildcard(list, one_item(list, match));
}

static int
parse_cidr(struct list *list, struct mr_match *match)
{
    struct mr_match_item *item = one_item(list, match);
    match->kind = MATCH_CIDR;
    /* The engine says "prefix" here too. */
    if (take_string(list, "prefix match pattern must be a string", &item->text) < 0) {
        return -EINVAL;
    }
    return mr_ip_block_parse(item->text, &item->block, list->err);
}

static int
parse_exists(struct list *list, struct mr_match *match)
{
    bool value;
    if (!mr_json_bool(list->json, &value)) {
        return refuse(list, "exists match pattern must be either true or false.");
    }
    match->kind = value ? MATCH_EXISTS : MATCH_ABSENT;
    return 0;
}

/* ---- anything-but ---- */

/* One value of anything-but itself: a string or a number, as the others. */
static int
take_plain(struct list *list, struct mr_match *match, struct mr_match_item *item, bool is_first)
{
    enum mr_json_kind kind = mr_json_peek(list->json);
    if (kind != MR_JSON_STRING && kind != MR_JSON_NUMBER) {
        return refuse(list, "Inside anything but list, start|null|boolean is not supported.");
    }
    enum mr_match_kind found = kind == MR_JSON_STRING ? MATCH_STRING : MATCH_NUMBER;
    int result = found == MATCH_STRING ? take_string(list, "", &item->text)
                                       : take_number(list, "", &item->number);
    if (result < 0) {
        return result;
    }
    /* A mistake in a later value is named before the mixture, as the engine does it. */
    match->kind = is_first || match->kind == found ? found : MATCH_TOKEN;
    return 0;
}

static int
take_listed(struct list *list, struct mr_match *match, struct mr_match_item *item)
{
    const char *reason =
        match->kind == MATCH_LETTERS    ? "Inside anything-but/equals-ignore-case list, "
                                          "number|start|null|boolean is not supported."
        : match->kind == MATCH_WILDCARD ? "wildcard match pattern must be a string"
                                        : "prefix/suffix match pattern must be a string";
    bool may_be_empty = match->kind == MATCH_LETTERS || match->kind == MATCH_WILDCARD;

    if (match->kind == MATCH_WILDCARD) {
        return take_wildcard(list, item);
    }
    if (take_string(list, reason, &item->text) < 0) {
        return -EINVAL;
    }
    if (item->text.size == 0 && !may_be_empty) {
        return refuse(list, "Null prefix/suffix not allowed");
    }
    if (match->kind == MATCH_LETTERS) {
        item->letters = mr_letters_of(item->text, list->arena);
    }
    return 0;
}

/* How many elements has the array that comes next? 0 also when it is broken. */
static size_t
count_elements(const struct mr_json *json)
{
    struct mr_json at = *json;
    size_t count = 0;
    (void)mr_json_enter(&at);
    while (mr_json_next_element(&at) && mr_json_skip(&at)) {
        count++;
    }
    return count;
}

static int
take_values(struct list *list, struct mr_match *match, bool plain)
{
    bool many = mr_json_peek(list->json) == MR_JSON_ARRAY;
    size_t room = many ? count_elements(list->json) : 1;
    bool is_mixed = false;

    match->items = mr_arena_zero(list->arena, (room + 1) * sizeof(*match->items));
    (void)(many && mr_json_enter(list->json));
    for (match->count = 0; many ? mr_json_next_element(list->json) : match->count == 0;
         match->count++) {
        struct mr_match_item *item = &match->items[match->count];
        int result = match->count == room ? refuse(list, "")
                     : plain              ? take_plain(list, match, item, match->count == 0)
                                          : take_listed(list, match, item);
        if (result < 0) {
            return result;
        }
        is_mixed |= match->kind == MATCH_TOKEN;
    }
    if (list->json->bad) {
        return refuse(list, "");
    }
    if (plain && (is_mixed || match->count == 0)) {
        return refuse(list, "Inside anything but list, either all values are number or string, "
                            "mixed type is not supported");
    }
    return match->count == 0 ? refuse(list, "Empty arrays are not allowed") : 0;
}

static int
parse_anything_but(struct list *list, struct mr_match *match)
{
    static const struct {
        const char *name;
        enum mr_match_kind kind;
    } inner[] = { { "equals-ignore-case", MATCH_LETTERS },
                  { "prefix", MATCH_PREFIX },
                  { "suffix", MATCH_SUFFIX },
                  { "wildcard", MATCH_WILDCARD } };
    bool plain = mr_json_peek(list->json) != MR_JSON_OBJECT;
    struct mr_slice name;

    match->but = true;
    match->kind = MATCH_ABSENT; /* none yet */
    if (!plain) {
        (void)mr_json_enter(list->json);
        if (take_key(list, "Anything-But expression name not found", &name) < 0) {
            return -EINVAL;
        }
        for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
            match->kind = mr_slice_is(name, inner[i].name) ? inner[i].kind : match->kind;
        }
        if (match->kind == MATCH_ABSENT) {
            return mr_fail(list->err, -EINVAL, "Unsupported anything-but pattern: %.*s",
                           MR_SLICE_ARGS(mr_slice_first(name, SHOWN)));
        }
    }
    enum mr_json_kind kind = mr_json_peek(list->json);
    if (kind != MR_JSON_ARRAY && kind != MR_JSON_STRING && kind != MR_JSON_NUMBER) {
        return refuse(list, "Value of anything-but must be an array or single string/number "
                            "value.");
    }
    if (take_values(list, match, plain) < 0) {
        return -EINVAL;
    }
    return plain ? 0 : close_object(list, "Too many elements in numeric expression");
}

/* ---- one entry ---- */

static int
parse_expression(struct list *list, struct mr_match *match)
{
    static const char only_one[] = "Only one key allowed in match expression";
    static const char too_many[] = "Too many elements in numeric expression";
    static const struct {
        const char *name;
        int (*parse)(struct list *, struct mr_match *);
        const char *at_end;
    } operators[] = {
        { "exactly", parse_exactly, only_one },
        { "prefix", parse_prefix, only_one },
        { "suffix", parse_suffix, only_one },
        { "numeric", parse_numeric, too_many },
        { "anything-but", parse_anything_but, too_many },
        { "exists", parse_exists, only_one },
        { "cidr", parse_cidr, only_one },
        { "equals-ignore-case", parse_letters, only_one },
        { "wildcard", parse_wildcard, only_one },
    };
    struct mr_slice name;

    (void)mr_json_enter(list->json);
    if (take_key(list, "Match expression name not found", &name) < 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (mr_slice_is(name, operators[i].name)) {
            int result = operators[i].parse(list, match);
            return result < 0 ? result : close_object(list, operators[i].at_end);
        }
    }
    return mr_fail(list->err, -EINVAL, "Unrecognized match type %.*s",
                   MR_SLICE_ARGS(mr_slice_first(name, SHOWN)));
}

/* A string that is an address means that address, however the event spells it. */
static int
parse_text(struct list *list, struct mr_match *match)
{
    struct mr_match_item *item = one_item(list, match);
    struct mr_ip ip;
    if (take_string(list, "", &item->text) < 0) {
        return -EINVAL;
    }
    match->kind = MATCH_STRING;
    if (mr_ip_parse(item->text, &ip)) {
        match->kind = MATCH_IP;
        item->block = (struct mr_ip_block){ ip, ip };
    }
    return 0;
}

static int
parse_token(struct list *list, struct mr_match *match, enum mr_json_kind kind)
{
    struct mr_match_item *item = one_item(list, match);
    struct mr_slice raw;
    if (!mr_json_raw(list->json, &raw)) {
        return refuse(list, "");
    }
    item->text = mr_arena_copy(list->arena, raw);
    match->kind = kind == MR_JSON_NUMBER ? MATCH_NUMBER : MATCH_TOKEN;
    if (kind == MR_JSON_NUMBER) {
        item->number = mr_exact_number_of(item->text);
    }
    return 0;
}

static int
parse_entry(struct list *list, struct mr_match *match)
{
    enum mr_json_kind kind = mr_json_peek(list->json);
    switch (kind) {
    case MR_JSON_OBJECT:
        return parse_expression(list, match);
    case MR_JSON_STRING:
        return parse_text(list, match);
    case MR_JSON_ARRAY:
        return refuse(list, "Match value must be String, number, true, false, or null");
    case MR_JSON_BAD:
        list->json->bad = true;
        return refuse(list, "");
    default:
        return parse_token(list, match, kind);
    }
}

/* Are its wildcards, taken together, more than AWS allows? */
static bool
is_too_complex(const struct mr_clause *clause)
{
    size_t count = 0;
    for (size_t i = 0; i < clause->match_count; i++) {
        count += clause->matches[i].kind == MATCH_WILDCARD ? clause->matches[i].count : 0;
    }
    mr_auto_free const struct mr_wildcard **all = mr_alloc_zero(count + 1, sizeof(*all));
    mr_auto_free unsigned *groups = mr_alloc_zero(count + 1, sizeof(*groups));
    count = 0;
    for (size_t i = 0; i < clause->match_count; i++) {
        const struct mr_match *match = &clause->matches[i];
        for (size_t j = 0; match->kind == MATCH_WILDCARD && j < match->count; j++) {
            all[count] = &match->items[j].wildcard;
            groups[count++] = (unsigned)i;
        }
    }
    return mr_wildcard_too_complex(all, groups, count);
}

int
mr_match_list_parse(struct mr_json *json, struct mr_arena *arena, struct mr_clause *clause,
                    struct mr_error *err)
{
    struct list list = { json, arena, err };
    size_t room = count_elements(json);

    clause->matches = mr_arena_zero(arena, (room + 1) * sizeof(*clause->matches));
    (void)mr_json_enter(json);
    while (mr_json_next_element(json)) {
        struct mr_match *match = &clause->matches[clause->match_count];
        if (clause->match_count == room) {
            json->bad = true; /* broken further on: not all of it was counted */
            return refuse(&list, "");
        }
        if (parse_entry(&list, match) < 0) {
            return -EINVAL;
        }
        clause->absent_will_do |= match->kind == MATCH_ABSENT;
        clause->match_count++;
    }
    if (json->bad || clause->match_count == 0) {
        return refuse(&list, "Empty arrays are not allowed");
    }
    return is_too_complex(clause)
               ? refuse(&list, "Rule is too complex - try using fewer wildcard characters or "
                               "fewer repeating character sequences after a wildcard character")
               : 0;
}

/* ---- matching ---- */

static bool
is_in_range(const struct mr_match_range *range, const struct mr_exact_number *number)
{
    if (range->has_low) {
        int order = mr_exact_number_compare(number, &range->low);
        if (order < 0 || (order == 0 && range->low_open)) {
            return false;
        }
    }
    if (range->has_high) {
        int order = mr_exact_number_compare(number, &range->high);
        if (order > 0 || (order == 0 && range->high_open)) {
            return false;
        }
    }
    return true;
}

static bool
number_has(const struct mr_match *match, const struct mr_match_item *item, struct mr_slice text)
{
    struct mr_exact_number number = mr_exact_number_of(text);
    if (match->kind == MATCH_RANGE) {
        return is_in_range(&item->range, &number);
    }
    return match->kind == MATCH_NUMBER && mr_exact_number_compare(&item->number, &number) == 0;
}

static bool
string_has(const struct mr_match *match, const struct mr_match_item *item, struct mr_slice text)
{
    struct mr_ip ip;
    switch (match->kind) {
    case MATCH_STRING:
        return mr_slice_eq(item->text, text);
    case MATCH_IP:
    case MATCH_CIDR:
        return mr_ip_parse(text, &ip) && mr_ip_block_has(&item->block, &ip);
    case MATCH_PREFIX:
        return mr_slice_starts_with(text, item->text);
    case MATCH_SUFFIX:
        return mr_slice_ends_with(text, item->text);
    case MATCH_LETTERS:
        return mr_letters_equal(&item->letters, text);
    case MATCH_LETTERS_PREFIX:
        return mr_letters_begin(&item->letters, text);
    case MATCH_LETTERS_SUFFIX:
        return mr_letters_end(&item->letters, text);
    case MATCH_WILDCARD:
        return mr_wildcard_match(&item->wildcard, text);
    default:
        return false;
    }
}

static bool
item_has(const struct mr_match *match, const struct mr_match_item *item,
         const struct mr_pattern_value *value)
{
    switch (value->kind) {
    case VALUE_STRING:
        return string_has(match, item, value->text);
    case VALUE_NUMBER:
        return number_has(match, item, value->text);
    default:
        return match->kind == MATCH_TOKEN && mr_slice_eq(item->text, value->text);
    }
}

static bool
match_has(const struct mr_match *match, const struct mr_pattern_value *value)
{
    if (match->kind == MATCH_EXISTS || match->kind == MATCH_ABSENT) {
        return match->kind == MATCH_EXISTS;
    }
    for (size_t i = 0; i < match->count; i++) {
        if (item_has(match, &match->items[i], value)) {
            return !match->but;
        }
    }
    return match->but;
}

bool
mr_match_list_has(const struct mr_clause *clause, const struct mr_pattern_value *value)
{
    for (size_t i = 0; i < clause->match_count; i++) {
        if (match_has(&clause->matches[i], value)) {
            return true;
        }
    }
    return false;
}
