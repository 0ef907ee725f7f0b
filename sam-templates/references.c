#include "sam-templates/resolve.h"

#include <stdio.h>

#include "sam-templates/suggestion.h"
#include "sam-templates/transform.h"

/* --- pseudo parameters --- */

static const struct mr_node *
pseudo(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at)
{
    const struct mr_template_options *options = &reading->options;
    const char *text;

    if (mr_slice_is(name, "AWS::NotificationARNs")) {
        return mr_node_new(&reading->arena, MR_NODE_LIST, at);
    }
    if (mr_slice_is(name, "AWS::AccountId")) {
        text = options->account_id;
    } else if (mr_slice_is(name, "AWS::Region")) {
        text = options->region;
    } else if (mr_slice_is(name, "AWS::Partition")) {
        text = "aws";
    } else if (mr_slice_is(name, "AWS::StackName")) {
        text = options->stack_name;
    } else if (mr_slice_is(name, "AWS::URLSuffix")) {
        text = "amazonaws.com";
    } else if (mr_slice_is(name, "AWS::StackId")) {
        text = mr_arena_printf(&reading->arena,
                               "arn:aws:cloudformation:%s:%s:stack/%s/"
                               "51af3dc0-da77-11e4-872e-1234567db123",
                               options->region, options->account_id, options->stack_name);
    } else {
        return NULL;
    }
    return mr_node_string(&reading->arena, mr_slice_str(text), at);
}

/* --- Ref --- */

static const struct mr_node *
visible(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at)
{
    const char *text = mr_arena_printf(&reading->arena, "${%.*s}", MR_SLICE_ARGS(name));
    return mr_node_string(&reading->arena, mr_slice_str(text), at);
}

static void
report_unknown(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at,
               const struct mr_path *path)
{
    struct mr_suggestion suggestion = mr_suggest(reading, name);
    char hint[160];

    for (size_t i = 0; i < reading->parameter_count && i < 1000; i++) {
        mr_suggestion_offer(&suggestion, reading->parameters[i].name);
    }
    for (size_t i = 0; i < reading->resource_count && i < 1000; i++) {
        mr_suggestion_offer(&suggestion, reading->resources[i].id);
    }
    mr_problem(reading, at, path, "there is no resource or parameter %.*s%s",
               MR_SLICE_ARGS(name), mr_suggestion_text(&suggestion, hint));
}

struct mr_resource *
mr_part_of(struct mr_reading *reading, struct mr_slice name, struct mr_slice *out_rest)
{
    static const char *const suffixes[][2] = {
        { "DestinationQueue", "EventInvokeConfigOnSuccessQueue" },
        { "DestinationQueue", "EventInvokeConfigOnFailureQueue" },
        { "DestinationTopic", "EventInvokeConfigOnSuccessTopic" },
        { "DestinationTopic", "EventInvokeConfigOnFailureTopic" },
    };
    struct mr_slice rest = name;
    struct mr_slice id = mr_slice_cut(&rest, '.');
    struct mr_slice part = mr_slice_cut(&rest, '.');
    const struct mr_resource *owner = mr_resource_find(reading, id);
    struct mr_resource *found = NULL;

    if (owner == NULL || !mr_slice_is(owner->type, "AWS::Serverless::Function")) {
        return NULL;
    }
    *out_rest = rest;
    if (mr_slice_is(part, "Alias")) {
        const struct mr_node *alias =
            mr_parameter_of(reading, mr_node_get(owner->properties, "AutoPublishAlias"));
        if (mr_node_is(alias, MR_NODE_STRING)) {
            found = mr_resource_find(reading, mr_alias_id(reading, id, alias->text));
        }
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (mr_slice_is(part, suffixes[i][0])) {
            const char *other =
                mr_arena_printf(&reading->arena, "%.*s%s", MR_SLICE_ARGS(id), suffixes[i][1]);
            struct mr_resource *candidate = mr_resource_find(reading, mr_slice_str(other));
            found = candidate != NULL ? candidate : found;
        }
    }
    return found;
}

/* SAM makes roles, permissions, APIs and more, named after the resource they belong to. */
static bool
is_made_by_sam(struct mr_reading *reading, struct mr_slice name)
{
    static const char *const prefixes[] = { "ServerlessRestApi", "ServerlessHttpApi",
                                            "ServerlessWebSocketApi",
                                            "ServerlessDeploymentApplication",
                                            "CodeDeployServiceRole" };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (mr_slice_starts_with(name, mr_slice_str(prefixes[i]))) {
            return true;
        }
    }
    for (size_t size = 1; size < name.size && size < 256; size++) {
        const struct mr_resource *owner = mr_resource_find(reading, mr_slice_first(name, size));
        if (owner != NULL && mr_slice_starts_with(owner->type, MR_SLICE("AWS::Serverless::"))) {
            return true;
        }
    }
    return false;
}

const struct mr_node *
mr_ref(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at,
       const struct mr_path *path)
{
    struct mr_slice rest = { NULL, 0 };

    if (mr_slice_is(name, "AWS::NoValue")) {
        return NULL;
    }
    if (mr_slice_starts_with(name, MR_SLICE("AWS::"))) {
        const struct mr_node *value = pseudo(reading, name, at);
        if (value == NULL) {
            mr_problem(reading, at, path, "there is no pseudo parameter %.*s",
                       MR_SLICE_ARGS(name));
        }
        return value != NULL ? value : visible(reading, name, at);
    }
    const struct mr_parameter_value *parameter = mr_parameter_find(reading, name);
    if (parameter != NULL) {
        /* One without a value was reported with all others. */
        return parameter->value != NULL ? parameter->value : visible(reading, name, at);
    }
    struct mr_resource *resource = mr_resource_find(reading, name);
    if (resource == NULL && mr_slice_find(name, '.') >= 0) {
        resource = mr_part_of(reading, name, &rest);
    }
    if (resource == NULL) {
        if (is_made_by_sam(reading, name)) {
            const char *text = mr_arena_printf(
                &reading->arena, "%s-%.*s", reading->options.stack_name, MR_SLICE_ARGS(name));
            return mr_node_string(&reading->arena, mr_slice_str(text), at);
        }
        report_unknown(reading, name, at, path);
        return visible(reading, name, at);
    }
    return mr_node_string(&reading->arena, mr_ref_of(reading, resource), at);
}

const struct mr_node *
mr_intrinsic_ref(struct mr_reading *reading, const struct mr_node *arguments,
                 const struct mr_node *at, const struct mr_path *path)
{
    if (arguments->kind != MR_NODE_STRING) {
        mr_problem(reading, at, path, "Ref takes a name");
        return at;
    }
    return mr_ref(reading, arguments->text, at, path);
}

/* --- Fn::GetAtt --- */

/* Outputs are for reading: nothing runs on them. */
static bool
is_in_resources(const struct mr_path *path)
{
    while (path != NULL && path->up != NULL) {
        path = path->up;
    }
    return path != NULL && mr_slice_starts_with(path->name, MR_SLICE("Resources"));
}

const struct mr_node *
mr_get_att(struct mr_reading *reading, struct mr_slice id, struct mr_slice attribute,
           const struct mr_node *at, const struct mr_path *path)
{
    const char *whole = mr_arena_printf(&reading->arena, "%.*s.%.*s", MR_SLICE_ARGS(id),
                                        MR_SLICE_ARGS(attribute));
    struct mr_resource *resource = mr_resource_find(reading, id);
    struct mr_slice rest = attribute;
    struct mr_resource *part = mr_part_of(reading, mr_slice_str(whole), &rest);

    if (part != NULL) {
        resource = part;
        attribute = rest;
        whole = mr_arena_printf(&reading->arena, "%.*s.%.*s", MR_SLICE_ARGS(part->id),
                                MR_SLICE_ARGS(rest));
    }
    if (resource == NULL) {
        if (!is_made_by_sam(reading, id)) {
            report_unknown(reading, id, at, path);
        }
        return visible(reading, mr_slice_str(whole), at);
    }
    struct mr_slice value = mr_attribute_of(reading, resource, attribute);
    if (value.data != NULL) {
        return mr_node_string(&reading->arena, value, at);
    }
    if (!reading->lenient && is_in_resources(path)) {
        mr_warn(reading, at, path, "what %s is only AWS knows; the text ${%s} stands for it",
                whole, whole);
    }
    return visible(reading, mr_slice_str(whole), at);
}

const struct mr_node *
mr_intrinsic_get_att(struct mr_reading *reading, const struct mr_node *arguments,
                     const struct mr_node *at, const struct mr_path *path)
{
    mr_auto_buf struct mr_buf joined = { 0 };
    if (arguments->kind == MR_NODE_STRING) {
        mr_buf_append_slice(&joined, arguments->text);
    }
    for (size_t i = 0; arguments->kind == MR_NODE_LIST && i < arguments->count; i++) {
        mr_buf_append_str(&joined, i > 0 ? "." : "");
        mr_buf_append_slice(&joined, mr_resolve_text(reading, arguments->items[i], path));
    }
    struct mr_slice attribute = mr_arena_copy(&reading->arena, mr_buf_slice(&joined));
    struct mr_slice id = mr_slice_cut(&attribute, '.');
    if (id.size == 0 || attribute.size == 0) {
        mr_problem(reading, at, path, "Fn::GetAtt takes a resource and an attribute");
        return at;
    }
    return mr_get_att(reading, id, attribute, at, path);
}

/* --- Fn::Sub --- */

enum { LONGEST_NAME = 1024 }; /* between ${ and } */

struct sub {
    struct mr_reading *reading;
    const struct mr_node *variables; /* resolved, or NULL */
    const struct mr_node *at;
    const struct mr_path *path;
};

static const struct mr_node *
sub_value(const struct sub *sub, struct mr_slice name)
{
    const struct mr_node *variable = mr_node_find(sub->variables, name);
    ptrdiff_t dot = mr_slice_find(name, '.');

    if (variable != NULL) {
        return mr_resolve(sub->reading, variable, sub->path);
    }
    if (dot > 0 && mr_parameter_find(sub->reading, name) == NULL) {
        return mr_get_att(sub->reading, mr_slice_first(name, (size_t)dot),
                          mr_slice_from(name, (size_t)dot + 1), sub->at, sub->path);
    }
    return mr_ref(sub->reading, name, sub->at, sub->path);
}

static void
append_value(const struct sub *sub, struct mr_buf *out, struct mr_slice name)
{
    const struct mr_node *value = sub_value(sub, name);
    if (mr_node_is_scalar(value)) {
        mr_buf_append_slice(out, mr_node_as_text(&sub->reading->arena, value));
        return;
    }
    if (!mr_node_is(value, MR_NODE_LIST)) {
        mr_problem(sub->reading, sub->at, sub->path, "Fn::Sub: ${%.*s} is no string",
                   MR_SLICE_ARGS(name));
        return;
    }
    mr_problem(sub->reading, sub->at, sub->path, "Fn::Sub: ${%.*s} is a list; join it first",
               MR_SLICE_ARGS(name));
    for (size_t i = 0; i < value->count; i++) {
        mr_buf_append_str(out, i > 0 ? "," : "");
        mr_buf_append_slice(out, mr_node_as_text(&sub->reading->arena, value->items[i]));
    }
}

static const struct mr_node *
substitute(const struct sub *sub, struct mr_slice text)
{
    mr_auto_buf struct mr_buf out = { 0 };
    for (size_t i = 0; i < text.size && !mr_over_budget(sub->reading); i++) {
        bool opens = text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '{';
        struct mr_slice rest = mr_slice_from(text, i + 2);
        ptrdiff_t close = opens ? mr_slice_find(mr_slice_first(rest, LONGEST_NAME), '}') : -1;
        if (close < 0) {
            mr_buf_append_byte(&out, text.data[i]);
            continue;
        }
        struct mr_slice name = mr_slice_trim(mr_slice_first(rest, (size_t)close));
        if (name.size > 0 && name.data[0] == '!') {
            mr_buf_append_str(&out, "${");
            mr_buf_append_slice(&out, mr_slice_from(name, 1));
            mr_buf_append_str(&out, "}");
        } else {
            append_value(sub, &out, name);
        }
        i += (size_t)close + 2;
        if (out.size > MR_TEMPLATE_MAX_BYTES) {
            mr_problem(sub->reading, sub->at, sub->path, "Fn::Sub makes too long a text");
            break;
        }
    }
    return mr_node_string(&sub->reading->arena,
                          mr_arena_copy(&sub->reading->arena, mr_buf_slice(&out)), sub->at);
}

const struct mr_node *
mr_intrinsic_sub(struct mr_reading *reading, const struct mr_node *arguments,
                 const struct mr_node *at, const struct mr_path *path)
{
    struct sub sub = { reading, NULL, at, path };
    const struct mr_node *text = arguments;

    if (arguments->kind == MR_NODE_LIST && arguments->count >= 1) {
        text = arguments->items[0];
        sub.variables = arguments->count == 2 ? arguments->items[1] : NULL;
    }
    if (!mr_node_is_scalar(text) || (arguments->kind == MR_NODE_LIST && arguments->count > 2)) {
        mr_problem(reading, at, path, "Fn::Sub takes a string, or a string and a map");
        return at;
    }
    return substitute(&sub, mr_node_as_text(&reading->arena, text));
}

/* --- Fn::Base64, Fn::Cidr --- */

const struct mr_node *
mr_intrinsic_base64(struct mr_reading *reading, const struct mr_node *arguments,
                    const struct mr_node *at, const struct mr_path *path)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct mr_slice text = mr_resolve_text(reading, arguments, path);
    mr_auto_buf struct mr_buf out = { 0 };

    for (size_t i = 0; i < text.size; i += 3) {
        size_t left = text.size - i;
        uint32_t bits = (uint32_t)text.data[i] << 16 |
                        (left > 1 ? (uint32_t)text.data[i + 1] << 8 : 0) |
                        (left > 2 ? text.data[i + 2] : 0);
        mr_buf_append_byte(&out, (uint8_t)letters[bits >> 18]);
        mr_buf_append_byte(&out, (uint8_t)letters[bits >> 12 & 63]);
        mr_buf_append_byte(&out, left > 1 ? (uint8_t)letters[bits >> 6 & 63] : '=');
        mr_buf_append_byte(&out, left > 2 ? (uint8_t)letters[bits & 63] : '=');
    }
    return mr_node_string(&reading->arena, mr_arena_copy(&reading->arena, mr_buf_slice(&out)),
                          at);
}

static bool
cidr_block(struct mr_reading *reading, struct mr_slice text, uint32_t *out_address,
           unsigned *out_prefix)
{
    unsigned a, b, c, d, prefix;
    char rest;
    if (sscanf(mr_arena_cstr(&reading->arena, text), "%3u.%3u.%3u.%3u/%2u%c", &a, &b, &c, &d,
               &prefix, &rest) != 5 ||
        a > 255 || b > 255 || c > 255 || d > 255 || prefix > 32) {
        return false;
    }
    *out_address = a << 24 | b << 16 | c << 8 | d;
    *out_prefix = prefix;
    return true;
}

/* IPv4 blocks: [block, count, bits]. */
const struct mr_node *
mr_intrinsic_cidr(struct mr_reading *reading, const struct mr_node *arguments,
                  const struct mr_node *at, const struct mr_path *path)
{
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, at);
    uint32_t address;
    unsigned prefix;
    int64_t count, bits = 8;

    if (!mr_node_is(arguments, MR_NODE_LIST) || arguments->count < 2 ||
        !cidr_block(reading, mr_resolve_text(reading, arguments->items[0], path), &address,
                    &prefix) ||
        !mr_node_as_i64(mr_resolve(reading, arguments->items[1], path), &count) ||
        (arguments->count > 2 &&
         !mr_node_as_i64(mr_resolve(reading, arguments->items[2], path), &bits)) ||
        count < 1 || count > 256 || bits < 1 || bits > 31) {
        mr_problem(reading, at, path,
                   "Fn::Cidr takes an IPv4 block, a count and a number of bits");
        return at;
    }
    for (int64_t i = 0; i < count; i++) {
        uint32_t one = address + (uint32_t)((uint64_t)i << bits);
        const char *text =
            mr_arena_printf(&reading->arena, "%u.%u.%u.%u/%d", one >> 24, one >> 16 & 255,
                            one >> 8 & 255, one & 255, 32 - (int)bits);
        mr_node_push(&reading->arena, list,
                     mr_node_string(&reading->arena, mr_slice_str(text), at));
    }
    return list;
}
