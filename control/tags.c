/* Tags of functions and of mappings. */
#include <string.h>

#include "control/inside.h"

enum { MAX_TAGS = 50 };

/* What an ARN names, to be tagged. */
struct tagged {
    enum mr_state_table table;
    const char *key;
    json_t *document;
};

static bool
find_tagged(struct call *call, struct tagged *out)
{
    static const char mapping[] = ":event-source-mapping:";
    const char *arn = call_text(call, "Resource");
    const char *behind = strstr(arn, mapping);
    struct target target;

    if (behind != NULL) {
        out->table = MR_STATE_MAPPING;
        out->key = behind + sizeof(mapping) - 1;
        out->document = mr_state_get(call->control->state, out->table, out->key);
        if (out->document == NULL) {
            call_fail(call, "ResourceNotFoundException", "Event source mapping not found: %s",
                      arn);
        }
        return out->document != NULL;
    }
    if (!target_parse(call->control, call->arena, arn, NULL, &target) ||
        target.qualifier != NULL) {
        call_fail(call, "InvalidParameterValueException",
                  "Tags on function aliases and versions are not supported. Please specify a "
                  "function ARN.");
        return false;
    }
    *out = (struct tagged){ MR_STATE_FUNCTION, target.name, target.function };
    if (target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s", arn);
        return false;
    }
    return true;
}

static json_t *
tags_of(const struct tagged *tagged)
{
    json_t *tags = json_object_get(tagged->document, "tags");

    if (tags == NULL) {
        tags = json_object();
        json_object_set_new(tagged->document, "tags", tags);
    }
    return tags;
}

static void
save(struct call *call, const struct tagged *tagged)
{
    struct mr_error err = { 0 };

    if (mr_state_put(call->control->state, tagged->table, tagged->key, tagged->document, &err) <
        0) {
        call_fail(call, "ServiceException", "%s", err.text);
        return;
    }
    call_reply(call, 204, NULL);
}

void
act_tag(struct call *call)
{
    json_t *given = call_member(call, "Tags");
    struct tagged tagged;

    if (!find_tagged(call, &tagged)) {
        return;
    }
    if (json_object_size(given) == 0) {
        call_fail(call, "InvalidParameterValueException",
                  "An error occurred and the request "
                  "cannot be processed.");
        return;
    }
    json_t *merged = json_copy(tags_of(&tagged));
    json_object_update(merged, given);
    if (json_object_size(merged) > MAX_TAGS) {
        json_decref(merged);
        call_fail(call, "InvalidParameterValueException",
                  "Number of tags exceeds resource tag limit.");
        return;
    }
    json_object_set_new(tagged.document, "tags", merged);
    save(call, &tagged);
}

void
act_untag(struct call *call)
{
    json_t *keys = call_member(call, "TagKeys"), *key;
    struct tagged tagged;
    size_t index;

    if (!find_tagged(call, &tagged)) {
        return;
    }
    json_array_foreach(keys, index, key)
    {
        json_object_del(tags_of(&tagged), json_string_value(key));
    }
    save(call, &tagged);
}

void
act_list_tags(struct call *call)
{
    struct tagged tagged;

    if (find_tagged(call, &tagged)) {
        call_reply(call, 200, json_pack("{s:O}", "Tags", tags_of(&tagged)));
    }
}
