#include "stream/api/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <strings.h>

#include "base/alloc.h"

/* One or many texts: "x" or ["x", "y"]. */
struct texts {
    char **items;
    size_t count;
};

enum operator_kind { IP_ADDRESS, NOT_IP_ADDRESS, BOOL, STRING_EQUALS, STRING_LIKE };

struct condition {
    enum operator_kind operator;
    char *key;
    struct texts values;
};

struct statement {
    bool deny;
    bool not_action, not_resource;
    struct texts actions, resources;
    struct condition *conditions;
    size_t condition_count;
};

struct mr_policy {
    struct statement *statements;
    size_t count;
};

static const char *const operator_names[] = { "IpAddress", "NotIpAddress", "Bool",
                                              "StringEquals", "StringLike" };
static const char *const operator_keys[] = { "aws:SourceIp", "aws:SourceIp",
                                             "aws:SecureTransport", "millrace:Endpoint",
                                             "millrace:Endpoint" };

/* ---- reading ---- */

static void
texts_deinit(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
}

static int
read_texts(const json_t *value, struct texts *out_texts, const char *what, struct mr_error *err)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;

    if (value == NULL || count == 0) {
        return mr_fail(err, -EINVAL, "a statement needs %s: a text or a list of texts", what);
    }
    out_texts->items = mr_alloc_zero(count, sizeof(*out_texts->items));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(item)) {
            return mr_fail(err, -EINVAL, "%s of a statement: a text or a list of texts", what);
        }
        out_texts->items[out_texts->count++] = mr_strdup(json_string_value(item));
    }
    return 0;
}

static int
read_condition(struct statement *statement, const char *operator, const char * key,
               const json_t *values, struct mr_error *err)
{
    for (size_t kind = 0; kind < sizeof(operator_names) / sizeof(operator_names[0]); kind++) {
        if (strcmp(operator, operator_names[kind]) == 0 &&
            strcasecmp(key, operator_keys[kind]) == 0) {
            struct condition *condition = &statement->conditions[statement->condition_count++];
            condition->operator=(enum operator_kind) kind;
            condition->key = mr_strdup(key);
            return read_texts(values, &condition->values, key, err);
        }
    }
    return mr_fail(err, -EINVAL, "condition %s on %s is not one this server can keep", operator,
                   key);
}

static int
read_conditions(struct statement *statement, json_t *conditions, struct mr_error *err)
{
    const char *operator, * key;
    json_t *block, *values;
    size_t count = 0;

    json_object_foreach(conditions, operator, block)
    {
        count += json_object_size(block);
    }
    statement->conditions = mr_alloc_zero(count + 1, sizeof(*statement->conditions));
    json_object_foreach(conditions, operator, block)
    {
        json_object_foreach(block, key, values)
        {
            int code = read_condition(statement, operator, key, values, err);
            if (code < 0) {
                return code;
            }
        }
    }
    return 0;
}

static int
read_statement(struct statement *statement, const json_t *value, struct mr_error *err)
{
    const char *effect = json_string_value(json_object_get(value, "Effect"));

    if (effect == NULL || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0)) {
        return mr_fail(err, -EINVAL, "a statement's Effect is \"Allow\" or \"Deny\"");
    }
    statement->deny = strcmp(effect, "Deny") == 0;
    statement->not_action = json_object_get(value, "NotAction") != NULL;
    statement->not_resource = json_object_get(value, "NotResource") != NULL;
    int code =
        read_texts(json_object_get(value, statement->not_action ? "NotAction" : "Action"),
                   &statement->actions, "Action", err);
    if (code == 0) {
        code = read_texts(
            json_object_get(value, statement->not_resource ? "NotResource" : "Resource"),
            &statement->resources, "Resource", err);
    }
    json_t *conditions = json_object_get(value, "Condition");
    return code == 0 && conditions != NULL ? read_conditions(statement, conditions, err) : code;
}

struct mr_policy *
mr_policy_new(const struct json_t *document, struct mr_error *err)
{
    const json_t *list = json_object_get(document, "Statement");
    size_t count = json_is_array(list) ? json_array_size(list) : list != NULL;
    struct mr_policy *policy = mr_alloc_zero(1, sizeof(*policy));

    policy->statements = mr_alloc_zero(count + 1, sizeof(*policy->statements));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_is_array(list) ? json_array_get(list, i) : list;
        policy->count++;
        if (read_statement(&policy->statements[i], value, err) < 0) {
            mr_policy_free(policy);
            return NULL;
        }
    }
    if (count == 0) {
        (void)mr_fail(err, -EINVAL,
                      "a policy has a list \"Statement\" with at least one statement");
        mr_policy_free(policy);
        return NULL;
    }
    return policy;
}

void
mr_policy_free(struct mr_policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < policy->count; i++) {
        struct statement *statement = &policy->statements[i];
        texts_deinit(&statement->actions);
        texts_deinit(&statement->resources);
        for (size_t k = 0; k < statement->condition_count; k++) {
            free(statement->conditions[k].key);
            texts_deinit(&statement->conditions[k].values);
        }
        free(statement->conditions);
    }
    free(policy->statements);
    free(policy);
}

/* ---- deciding ---- */

bool
mr_policy_like(struct mr_slice pattern, struct mr_slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size &&
                   (pattern.data[p] == '?' || pattern.data[p] == text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.size;
}

/* Is `text` (an address) within `range` ("10.0.0.0/8", "::1")? */
static bool
in_range(const char *range, struct mr_slice text)
{
    uint8_t wanted[16], got[16];
    char address[64], network[64];
    struct mr_slice bits = mr_slice_str(range);
    struct mr_slice base = mr_slice_cut(&bits, '/');

    if (text.size >= sizeof(address) || base.size >= sizeof(network)) {
        return false;
    }
    memcpy(address, text.data, text.size);
    address[text.size] = '\0';
    memcpy(network, base.data, base.size);
    network[base.size] = '\0';
    int family = strchr(network, ':') != NULL ? AF_INET6 : AF_INET;
    uint64_t length = family == AF_INET ? 32 : 128;
    if (inet_pton(family, network, wanted) != 1 || inet_pton(family, address, got) != 1 ||
        (bits.data != NULL && (!mr_slice_to_u64(bits, &length) || length > 128))) {
        return false;
    }
    for (uint64_t bit = 0; bit < length; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> (bit & 7));
        if ((wanted[bit / 8] & mask) != (got[bit / 8] & mask)) {
            return false;
        }
    }
    return true;
}

static bool
value_matches(const struct condition *condition, const char *value,
              const struct mr_policy_question *question)
{
    bool secure = strcmp(question->endpoint, "tls") == 0;

    switch (condition->operator) {
    case IP_ADDRESS:
    case NOT_IP_ADDRESS:
        return question->source_ip.size > 0 && in_range(value, question->source_ip);
    case BOOL:
        return strcasecmp(value, secure ? "true" : "false") == 0;
    case STRING_EQUALS:
        return strcmp(value, question->endpoint) == 0;
    case STRING_LIKE:
        return mr_policy_like(mr_slice_str(value), mr_slice_str(question->endpoint));
    }
    return false;
}

static bool
condition_holds(const struct condition *condition, const struct mr_policy_question *question)
{
    bool any = false;
    for (size_t i = 0; i < condition->values.count; i++) {
        any |= value_matches(condition, condition->values.items[i], question);
    }
    return any != (condition->operator== NOT_IP_ADDRESS);
}

static bool
any_like(const struct texts *patterns, struct mr_slice text)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (mr_policy_like(mr_slice_str(patterns->items[i]), text)) {
            return true;
        }
    }
    return false;
}

static bool
applies(const struct statement *statement, const struct mr_policy_question *question)
{
    if (any_like(&statement->actions, question->action) == statement->not_action ||
        any_like(&statement->resources, question->resource) == statement->not_resource) {
        return false;
    }
    for (size_t i = 0; i < statement->condition_count; i++) {
        if (!condition_holds(&statement->conditions[i], question)) {
            return false;
        }
    }
    return true;
}

bool
mr_policy_allows(const struct mr_policy *policy, const struct mr_policy_question *question)
{
    bool allowed = false;

    for (size_t i = 0; i < policy->count; i++) {
        if (!applies(&policy->statements[i], question)) {
            continue;
        }
        if (policy->statements[i].deny) {
            return false;
        }
        allowed = true;
    }
    return allowed;
}
