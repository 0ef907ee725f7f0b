/* tags: the operations on tags, old (of streams by name) and new (of any ARN). */
#include "stream/api/tags.h"

#include "stream/api/actions.h"
#include "stream/api/kinesis.h"
#include "stream/api/target.h"

/*
 * Letters and digits of any script, blanks, and _ . : / = + - % @. Of what is not ASCII,
 * punctuation and symbols are refused: U+00A1..U+00BF and U+2000..U+2BFF but for blanks.
 */
static bool
is_allowed(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (c < 0x80 && !word && !blank && strchr("_.:/=+-%@", c) == NULL) {
            return false;
        }
        if (c == 0xc2 && i + 1 < text.size && text.data[i + 1] != 0xa0 &&
            text.data[i + 1] != 0xaa && text.data[i + 1] != 0xb5 && text.data[i + 1] != 0xba) {
            return false;
        }
    }
    return true;
}

static bool
refuse_characters(struct mr_call *call)
{
    mr_call_fail(call, "InvalidArgumentException",
                 "Some tags contain invalid characters. Valid characters: Unicode letters, "
                 "digits, white space, _ . / = + - %% @ :.");
    return false;
}

static bool
has_key(const struct mr_tags *tags, struct mr_slice key)
{
    for (size_t i = 0; tags != NULL && i < tags->count; i++) {
        if (mr_slice_is(key, tags->items[i].key)) {
            return true;
        }
    }
    return false;
}

bool
mr_tags_check(struct mr_call *call, const struct mr_tags *tags, const char *name)
{
    const struct mr_value *map = mr_value_find(&call->input, "Tags");
    size_t count = tags == NULL ? 0 : tags->count;
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        if (!is_allowed(map->keys[i]) || !is_allowed(map->items[i].text)) {
            return refuse_characters(call);
        }
        count += !has_key(tags, map->keys[i]);
    }
    if (count <= MR_CATALOG_MAX_TAGS) {
        return true;
    }
    mr_call_fail(call, "InvalidArgumentException",
                 "Failed to add tags to stream %s under account %s because a given stream "
                 "cannot have more than %d tags associated with it.",
                 name, call->kinesis->options.account, MR_CATALOG_MAX_TAGS);
    return false;
}

void
mr_tags_take(struct mr_call *call, struct mr_tags *tags)
{
    const struct mr_value *map = mr_value_find(&call->input, "Tags");
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        struct mr_slice value = map->items[i].text;
        mr_tags_set(tags, map->keys[i], value.data == NULL ? MR_SLICE("") : value);
    }
}

static void
add(struct mr_call *call, struct mr_tags *tags, const char *name)
{
    if (mr_tags_check(call, tags, name)) {
        mr_tags_take(call, tags);
        mr_target_done(call);
    }
}

static void
drop(struct mr_call *call, struct mr_tags *tags)
{
    const struct mr_value *keys = mr_value_find(&call->input, "TagKeys");
    for (size_t i = 0; i < keys->count; i++) {
        if (!is_allowed(keys->items[i].text)) {
            refuse_characters(call);
            return;
        }
    }
    for (size_t i = 0; i < keys->count; i++) {
        mr_tags_remove(tags, keys->items[i].text);
    }
    mr_target_done(call);
}

static void
put_tag(struct mr_output *output, const struct mr_tag *tag)
{
    mr_output_begin(output);
    mr_output_put_str(output, "Key", tag->key);
    mr_output_put_str(output, "Value", tag->value);
    mr_output_end(output);
}

/* ---- of streams ---- */

void
mr_act_add_tags_to_stream(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    if (facts != NULL) {
        add(call, &facts->tags, facts->name);
    }
}

void
mr_act_remove_tags_from_stream(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    if (facts != NULL) {
        drop(call, &facts->tags);
    }
}

void
mr_act_list_tags_for_stream(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    struct mr_slice after = mr_value_text(&call->input, "ExclusiveStartTagKey");
    size_t limit = (size_t)mr_value_number(&call->input, "Limit", MR_CATALOG_MAX_TAGS);
    struct mr_output *output = &call->output;
    size_t at = 0, put = 0;
    if (facts == NULL) {
        return;
    }
    while (after.data != NULL && at < facts->tags.count &&
           mr_slice_compare(mr_slice_str(facts->tags.items[at].key), after) <= 0) {
        at++;
    }
    mr_output_begin(output);
    mr_output_key(output, "Tags");
    mr_output_begin_list(output);
    for (; at < facts->tags.count && put < limit; at++, put++) {
        put_tag(output, &facts->tags.items[at]);
    }
    mr_output_end_list(output);
    mr_output_put_boolean(output, "HasMoreTags", at < facts->tags.count);
    mr_output_end(output);
    mr_call_answer(call);
}

/* ---- of any resource ---- */

static struct mr_tags *
tags_of_resource(struct mr_call *call, const char **out_name)
{
    struct mr_consumer *consumer;
    struct mr_stream_facts *facts = mr_target_resource(call, "ResourceARN", &consumer);
    if (facts == NULL) {
        return NULL;
    }
    *out_name = facts->name;
    return consumer != NULL ? &consumer->tags : &facts->tags;
}

void
mr_act_tag_resource(struct mr_call *call)
{
    const char *name;
    struct mr_tags *tags = tags_of_resource(call, &name);
    if (tags != NULL) {
        add(call, tags, name);
    }
}

void
mr_act_untag_resource(struct mr_call *call)
{
    const char *name;
    struct mr_tags *tags = tags_of_resource(call, &name);
    if (tags != NULL) {
        drop(call, tags);
    }
}

void
mr_act_list_tags_for_resource(struct mr_call *call)
{
    const char *name;
    const struct mr_tags *tags = tags_of_resource(call, &name);
    struct mr_output *output = &call->output;
    if (tags == NULL) {
        return;
    }
    mr_output_begin(output);
    mr_output_key(output, "Tags");
    mr_output_begin_list(output);
    for (size_t i = 0; i < tags->count; i++) {
        put_tag(output, &tags->items[i]);
    }
    mr_output_end_list(output);
    mr_output_end(output);
    mr_call_answer(call);
}
