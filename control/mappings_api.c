/* CreateEventSourceMapping to DeleteEventSourceMapping. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "control/mapping_creation.h"
#include "control/mapping_rules.h"
#include "control/mappings.h"

#define IPVE "InvalidParameterValueException"

/* ---- what a mapping is made of ---- */

static void
take_members(struct call *call, json_t *document)
{
    static const char *const not_shown[] = { "FunctionName", "Enabled", "Tags", "UUID" };
    json_t *value;
    const char *name;

    json_object_foreach(call->input, name, value)
    {
        bool shown = true;
        for (size_t i = 0; i < sizeof(not_shown) / sizeof(not_shown[0]); i++) {
            shown = shown && strcmp(name, not_shown[i]) != 0;
        }
        if (shown) {
            json_object_set_new(document, name, json_deep_copy(value));
        }
    }
}

/* The function a mapping is for, its ARN as it was named. */
static bool
take_function(struct call *call, json_t *document)
{
    struct target target;

    if (!target_parse(call->control, call->arena, call_text(call, "FunctionName"), NULL,
                      &target) ||
        target.version == NULL) {
        call_fail(call, IPVE, "Function does not exist");
        return false;
    }
    json_object_set_new(document, "FunctionArn", json_string(target.named_arn));
    json_object_set_new(document, "_function", json_string(target.name));
    return true;
}

static const char *
reason_of(enum mapping_kind kind)
{
    return mapping_is_stream(kind) ? "User action" : "USER_INITIATED";
}

static void
begin_transition(struct mr_control *control, json_t *document, const char *transition)
{
    uint64_t now_ms = control_now_ms(control);

    json_object_set_new(document, "_transition", json_string(transition));
    json_object_set_new(document, "_since_ms", json_integer((json_int_t)now_ms));
    json_object_set_new(document, "LastModified", json_real((double)now_ms / 1000));
    json_object_set_new(document, "StateTransitionReason",
                        json_string(reason_of(mapping_kind_of(document))));
}

/* ---- create ---- */

static bool
is_duplicate(struct call *call, const json_t *document)
{
    mr_auto_buf struct mr_buf text = { 0 };

    if (!mapping_is_duplicate(call->control, document, &text)) {
        return false;
    }
    call_fail(call, "ResourceConflictException", "%s", mr_buf_cstr(&text));
    return true;
}

static json_t *
document_new(struct call *call)
{
    char uuid[MR_UUID_SIZE];
    json_t *document = json_object(), *tags = call_member(call, "Tags");

    mr_random_uuid(&call->control->random, uuid);
    take_members(call, document);
    json_object_set_new(document, "UUID", json_string(uuid));
    json_object_set_new(document, "EventSourceMappingArn",
                        json_printf("arn:aws:lambda:%s:%s:event-source-mapping:%s",
                                    call->control->options.region,
                                    call->control->options.account, uuid));
    json_object_set_new(document, "State",
                        json_string(call_flag(call, "Enabled", true) ? "Enabled" : "Disabled"));
    json_object_set_new(document, "tags", tags != NULL ? json_incref(tags) : json_object());
    return document;
}

void
act_create_mapping(struct call *call)
{
    json_t *document = document_new(call);
    enum mapping_kind kind = mapping_kind_of(document);

    if (!mapping_rules_check(call, document, kind, true) || !take_function(call, document) ||
        is_duplicate(call, document)) {
        json_decref(document);
        return;
    }
    mapping_rules_fill(document, kind);
    begin_transition(call->control, document, "Creating");
    if (mapping_is_stream(kind) || kind == MAPPING_KAFKA || kind == MAPPING_MSK) {
        json_object_set_new(document, "LastProcessingResult",
                            json_string("No records processed"));
    }
    mapping_create(call, document);
    json_decref(document);
}

/* ---- get, list ---- */

static json_t *
find(struct call *call)
{
    json_t *document =
        mr_state_get(call->control->state, MR_STATE_MAPPING, call_text(call, "UUID"));

    if (document == NULL) {
        call_fail(call, "ResourceNotFoundException",
                  "The resource you requested does not exist.");
    }
    return document;
}

void
act_get_mapping(struct call *call)
{
    json_t *document = find(call);

    if (document != NULL) {
        call_reply(call, 200, mapping_out(call->control, document, NULL));
    }
}

void
act_list_mappings(struct call *call)
{
    const char *source = call_text(call, "EventSourceArn");
    const char *name = call_text(call, "FunctionName"), *uuid;
    json_t *list = json_array(), *document;
    struct target target;

    if (name != NULL) {
        target_parse(call->control, call->arena, name, NULL, &target);
    }
    json_object_foreach(mr_state_all(call->control->state, MR_STATE_MAPPING), uuid, document)
    {
        const char *arn = json_text_of(document, "EventSourceArn");
        if ((source == NULL || (arn != NULL && strcmp(source, arn) == 0)) &&
            (name == NULL ||
             strcmp(target.named_arn, json_text_of(document, "FunctionArn")) == 0)) {
            json_array_append_new(list, mapping_out(call->control, document, NULL));
        }
    }
    if (call_member(call, "MaxItems") == NULL) {
        json_object_set_new(call->input, "MaxItems", json_integer(100));
    }
    call_reply_page(call, "EventSourceMappings", list);
}

/* ---- update, delete ---- */

/* The state it should have, and what the change is called. */
static const char *
take_enabled(struct call *call, json_t *document)
{
    bool was = strcmp(json_text_of(document, "State"), "Enabled") == 0;
    bool is = call_flag(call, "Enabled", was);

    json_object_set_new(document, "State", json_string(is ? "Enabled" : "Disabled"));
    return is == was ? "Updating" : is ? "Enabling" : "Disabling";
}

static bool
check_free(struct call *call, const json_t *document)
{
    if (call->control->options.settle_ms > 0 && mapping_is_settling(call->control, document)) {
        call_fail(call, "ResourceInUseException",
                  "Cannot update the event source mapping because it is in use.");
        return false;
    }
    return true;
}

static void
update(struct call *call, json_t *before, json_t *document)
{
    struct mr_control *control = call->control;
    const char *uuid = json_text_of(document, "UUID");
    enum mapping_kind kind = mapping_kind_of(document);
    struct mr_error err = { 0 };

    take_members(call, document);
    if (!mapping_rules_check(call, document, kind, false) ||
        (call_text(call, "FunctionName") != NULL && !take_function(call, document)) ||
        is_duplicate(call, document)) {
        return;
    }
    mapping_rules_fill(document, kind);
    const char *transition = take_enabled(call, document);
    begin_transition(control, document, transition);
    if (mr_state_put(control->state, MR_STATE_MAPPING, uuid, document, &err) < 0) {
        call_fail(call, "ServiceException", "%s", err.text);
    } else if (mappings_follow(control->mappings, uuid, &err) < 0) {
        if (mr_state_put(control->state, MR_STATE_MAPPING, uuid, before, NULL) < 0) {
            err.code = -EIO;
        }
        call_fail(call, IPVE, "%s", err.text);
    } else {
        call_reply(call, 202, mapping_out(control, document, transition));
    }
}

void
act_update_mapping(struct call *call)
{
    json_t *before = find(call);

    if (before == NULL || !check_free(call, before)) {
        return;
    }
    json_incref(before);
    json_t *document = json_deep_copy(before);
    update(call, before, document);
    json_decref(document);
    json_decref(before);
}

void
act_delete_mapping(struct call *call)
{
    struct mr_control *control = call->control;
    json_t *document = find(call);
    struct mr_error err = { 0 };

    if (document == NULL || !check_free(call, document)) {
        return;
    }
    json_t *body = mapping_out(control, document, "Deleting");
    char *uuid = mr_arena_cstr(call->arena, mr_slice_str(json_text_of(document, "UUID")));
    if (mr_state_delete(control->state, MR_STATE_MAPPING, uuid, &err) < 0) {
        json_decref(body);
        call_fail(call, "ServiceException", "%s", err.text);
        return;
    }
    mappings_remove(control->mappings, uuid);
    call_reply(call, 202, body);
}
