/* What a request means by FunctionName and Qualifier. */
#include <ctype.h>
#include <string.h>

#include "aws/arn.h"
#include "control/inside.h"

bool
is_version(const char *qualifier)
{
    return qualifier[0] != '\0' && qualifier[strspn(qualifier, "0123456789")] == '\0';
}

bool
is_alias(const char *qualifier)
{
    return !is_version(qualifier) && qualifier[0] != '$';
}

static const char *
arn_of(struct mr_control *control, struct mr_arena *arena, const char *name)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_arn_append(&buf, "lambda", control->options.region, control->options.account,
                  "function:%s", name);
    return mr_arena_cstr(arena, mr_buf_slice(&buf));
}

static bool
is_account(struct mr_slice text)
{
    uint64_t number;
    return text.size == 12 && mr_slice_to_u64(text, &number);
}

static bool
is_region(struct mr_slice text)
{
    return text.size > 5 && mr_slice_find(text, '-') == 2 && isdigit(text.data[text.size - 1]);
}

/* The parts in front of a function's name, each of them optional. */
struct place {
    struct mr_slice region, account;
};

static struct mr_slice
strip_place(struct mr_slice rest, struct place *out)
{
    *out = (struct place){ 0 };
    if (mr_slice_starts_with(rest, MR_SLICE("arn:"))) {
        for (int i = 0; i < 3; i++) { /* arn, the partition, lambda */
            mr_slice_cut(&rest, ':');
        }
    }
    struct mr_slice after = rest, part = mr_slice_cut(&after, ':');
    if (after.data != NULL && is_region(part)) {
        out->region = part;
        rest = after;
        part = mr_slice_cut(&after, ':');
    }
    if (after.data != NULL && is_account(part)) {
        out->account = part;
        rest = after;
        part = mr_slice_cut(&after, ':');
    }
    return after.data != NULL && mr_slice_is(part, "function") ? after : rest;
}

static bool
is_here(const struct mr_control *control, const struct place *place)
{
    return (place->region.size == 0 || mr_slice_is(place->region, control->options.region)) &&
           (place->account.size == 0 || mr_slice_is(place->account, control->options.account));
}

static void
resolve(struct mr_control *control, struct target *target)
{
    json_t *versions;

    target->function = mr_state_get(control->state, MR_STATE_FUNCTION, target->name);
    target->version_name = target->qualifier != NULL ? target->qualifier : "$LATEST";
    target->alias =
        json_object_get(json_object_get(target->function, "aliases"), target->version_name);
    if (target->alias != NULL) {
        target->version_name = json_text_of(target->alias, "FunctionVersion");
    }
    versions = json_object_get(target->function, "versions");
    target->version = json_object_get(versions, target->version_name);
}

bool
target_parse(struct mr_control *control, struct mr_arena *arena, const char *text,
             const char *qualifier, struct target *out)
{
    struct place place;
    struct mr_slice rest = strip_place(mr_slice_str(text), &place);
    struct mr_slice name = mr_slice_cut(&rest, ':');

    *out = (struct target){ .name = mr_arena_cstr(arena, name) };
    if (rest.data != NULL) {
        out->qualifier = mr_arena_cstr(arena, rest);
    }
    if (qualifier != NULL && qualifier[0] != '\0') {
        if (out->qualifier != NULL && strcmp(out->qualifier, qualifier) != 0) {
            return false;
        }
        out->qualifier = mr_arena_cstr(arena, mr_slice_str(qualifier));
    }
    out->arn = arn_of(control, arena, out->name);
    out->named_arn = out->qualifier == NULL
                         ? out->arn
                         : mr_arena_printf(arena, "%s:%s", out->arn, out->qualifier);
    if (is_here(control, &place)) {
        resolve(control, out);
    }
    return true;
}

bool
call_target(struct call *call, struct target *out)
{
    const char *text = call_text(call, "FunctionName");
    const char *region = call->control->options.region;
    struct place place;

    strip_place(mr_slice_str(text), &place);
    if (place.region.size > 0 && !mr_slice_is(place.region, region)) {
        call_fail(call, "ResourceNotFoundException",
                  "Functions from '%.*s' are not reachable in this region ('%s')",
                  MR_SLICE_ARGS(place.region), region);
        return false;
    }
    if (place.account.size > 0 && !mr_slice_is(place.account, call->control->options.account) &&
        call->route->operation != NULL &&
        strcmp(call->route->operation, "CreateFunction") == 0) {
        call_fail(call, "AccessDeniedException", "%s is not this account (%s)",
                  mr_arena_cstr(call->arena, place.account), call->control->options.account);
        return false;
    }
    if (!target_parse(call->control, call->arena, text, call_text(call, "Qualifier"), out)) {
        call_fail(call, "InvalidParameterValueException",
                  "The derived qualifier from the function name does not match the specified "
                  "qualifier.");
        return false;
    }
    return true;
}

bool
call_version(struct call *call, struct target *out)
{
    if (!call_target(call, out)) {
        return false;
    }
    if (out->version == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s", out->named_arn);
        return false;
    }
    return true;
}

bool
call_function(struct call *call, struct target *out)
{
    if (!call_target(call, out)) {
        return false;
    }
    if (out->function == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s", out->arn);
        return false;
    }
    return true;
}

bool
call_save_function(struct call *call, const struct target *target)
{
    struct mr_error err = { 0 };

    if (mr_state_put(call->control->state, MR_STATE_FUNCTION, target->name, target->function,
                     &err) < 0) {
        call_fail(call, "ServiceException", "%s", err.text);
        return false;
    }
    return true;
}

bool
call_revision_fits(struct call *call, const json_t *holder)
{
    const char *given = call_text(call, "RevisionId");

    if (given == NULL || strcmp(given, json_text_of(holder, "RevisionId")) == 0) {
        return true;
    }
    call_fail(call, "PreconditionFailedException",
              "The Revision Id provided does not match the latest Revision Id. Call the "
              "GetFunction/GetAlias API to retrieve the latest Revision Id");
    return false;
}
