/* Resource policies: kept and shown; nobody is refused by them here. */
#include <string.h>

#include "aws/arn.h"
#include "control/inside.h"

static json_t *
principal_of(const char *principal)
{
    struct mr_slice text = mr_slice_str(principal);
    struct mr_arn arn;
    uint64_t number;

    if (mr_slice_ends_with(text, MR_SLICE(".amazonaws.com"))) {
        return json_pack("{s:s}", "Service", principal);
    }
    if (text.size == 12 && mr_slice_to_u64(text, &number)) {
        return json_pack("{s:o}", "AWS", json_printf("arn:aws:iam::%s:root", principal));
    }
    if (mr_arn_parse(text, &arn) && mr_slice_is(arn.service, "iam")) {
        return json_pack("{s:s}", "AWS", principal);
    }
    return mr_slice_is(text, "*") ? json_string("*") : NULL;
}

static void
add_condition(json_t *statement, const char *test, const char *key, const char *value)
{
    json_t *conditions = json_object_get(statement, "Condition"), *rows;

    if (value == NULL) {
        return;
    }
    if (conditions == NULL) {
        conditions = json_object();
        json_object_set_new(statement, "Condition", conditions);
    }
    rows = json_object_get(conditions, test);
    if (rows == NULL) {
        rows = json_object();
        json_object_set_new(conditions, test, rows);
    }
    json_object_set_new(rows, key, json_string(value));
}

static json_t *
make_statement(struct call *call, const char *arn)
{
    json_t *principal = principal_of(call_text(call, "Principal"));

    if (principal == NULL) {
        call_fail(call, "InvalidParameterValueException",
                  "The provided principal was invalid. Please check the principal and try "
                  "again.");
        return NULL;
    }
    json_t *statement = json_pack(
        "{s:s, s:s, s:o, s:s, s:s}", "Sid", call_text(call, "StatementId"), "Effect", "Allow",
        "Principal", principal, "Action", call_text(call, "Action"), "Resource", arn);
    add_condition(statement, "StringEquals", "lambda:FunctionUrlAuthType",
                  call_text(call, "FunctionUrlAuthType"));
    add_condition(statement, "StringEquals", "aws:PrincipalOrgID",
                  call_text(call, "PrincipalOrgID"));
    add_condition(statement, "StringEquals", "AWS:SourceAccount",
                  call_text(call, "SourceAccount"));
    add_condition(statement, "StringEquals", "lambda:EventSourceToken",
                  call_text(call, "EventSourceToken"));
    add_condition(statement, "ArnLike", "AWS:SourceArn", call_text(call, "SourceArn"));
    return statement;
}

/* The function, and that what the qualifier names is there. */
static bool
find_policed(struct call *call, struct target *target)
{
    if (!call_function(call, target)) {
        return false;
    }
    if (target->qualifier == NULL || target->version != NULL) {
        return true;
    }
    if (is_alias(target->qualifier) && strchr(target->qualifier, '$') == NULL) {
        call_fail(call, "ResourceNotFoundException", "Cannot find alias arn: %s",
                  target->named_arn);
    } else {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s",
                  target->named_arn);
    }
    return false;
}

static json_t *
holder_of(const struct target *target)
{
    return target->alias != NULL ? target->alias : target->version;
}

static const char *
key_of(const struct target *target)
{
    return target->qualifier != NULL ? target->qualifier : "$LATEST";
}

static json_t *
statements_of(const struct target *target)
{
    return json_object_get(json_object_get(target->function, "policies"), key_of(target));
}

static bool
find_statement(const json_t *statements, const char *sid, size_t *out_index)
{
    for (size_t i = 0; i < json_array_size(statements); i++) {
        if (strcmp(json_text_of(json_array_get(statements, i), "Sid"), sid) == 0) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

void
act_add_permission(struct call *call)
{
    const char *sid = call_text(call, "StatementId");
    struct target target;
    size_t index;

    if (!find_policed(call, &target)) {
        return;
    }
    if (target.qualifier != NULL && target.qualifier[0] == '$') {
        call_fail(call, "InvalidParameterValueException",
                  "We currently do not support adding policies for $LATEST.");
        return;
    }
    if (!call_revision_fits(call, holder_of(&target))) {
        return;
    }
    json_t *statements = statements_of(&target);
    if (find_statement(statements, sid, &index)) {
        call_fail(
            call, "ResourceConflictException",
            "The statement id (%s) provided already exists. Please provide a new statement "
            "id, or remove the existing statement.",
            sid);
        return;
    }
    json_t *statement = make_statement(call, target.named_arn);
    if (statement == NULL) {
        return;
    }
    if (statements == NULL) {
        json_t *policies = json_object_get(target.function, "policies");
        if (policies == NULL) {
            policies = json_object();
            json_object_set_new(target.function, "policies", policies);
        }
        statements = json_array();
        json_object_set_new(policies, key_of(&target), statements);
    }
    json_array_append(statements, statement);
    json_object_set_new(holder_of(&target), "RevisionId", control_uuid(call->control));
    if (call_save_function(call, &target)) {
        char *text = json_dumps(statement, JSON_COMPACT);
        call_reply(call, 201, json_pack("{s:s}", "Statement", text));
        free(text);
    }
    json_decref(statement);
}

void
act_get_policy(struct call *call)
{
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    json_t *statements = statements_of(&target);
    if (json_array_size(statements) == 0 || holder_of(&target) == NULL) {
        call_fail(call, "ResourceNotFoundException",
                  "The resource you requested does not exist.");
        return;
    }
    json_t *policy = json_pack("{s:s, s:s, s:O}", "Version", "2012-10-17", "Id", "default",
                               "Statement", statements);
    char *text = json_dumps(policy, JSON_COMPACT);
    call_reply(call, 200,
               json_pack("{s:s, s:O}", "Policy", text, "RevisionId",
                         json_object_get(holder_of(&target), "RevisionId")));
    free(text);
    json_decref(policy);
}

void
act_remove_permission(struct call *call)
{
    const char *sid = call_text(call, "StatementId");
    struct target target;
    size_t index;

    if (!call_target(call, &target)) {
        return;
    }
    if (target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "No policy found for: %s", target.arn);
        return;
    }
    if (!find_policed(call, &target)) {
        return;
    }
    json_t *statements = statements_of(&target);
    if (json_array_size(statements) == 0) {
        call_fail(call, "ResourceNotFoundException",
                  "No policy is associated with the given resource.");
    } else if (!find_statement(statements, sid, &index)) {
        call_fail(call, "ResourceNotFoundException",
                  "Statement %s is not found in resource policy.", sid);
    } else if (call_revision_fits(call, holder_of(&target))) {
        json_array_remove(statements, index);
        json_object_set_new(holder_of(&target), "RevisionId", control_uuid(call->control));
        if (call_save_function(call, &target)) {
            call_reply(call, 204, NULL);
        }
    }
}
