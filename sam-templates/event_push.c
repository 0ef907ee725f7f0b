#include "sam-templates/transform.h"

/*
 * Events that call a function without a mapping mean nothing here, but a template in
 * which they are wrong will not deploy: these are the rules between their properties.
 */

static void
refuse(const struct mr_event *event, const struct mr_node *at, const char *text)
{
    mr_reject(event->reading, at != NULL ? at : event->key, event->path,
              "%s (event %.*s of %.*s)", text, MR_SLICE_ARGS(event->name),
              MR_SLICE_ARGS(event->function_id));
}

/* The API an event names must be in the template; without a name SAM makes one. */
static void
check_api(const struct mr_event *event, const char *property, bool http)
{
    const struct mr_node *given = mr_node_get(event->properties, property);
    const struct mr_node *ref = mr_node_get(given, "Ref");
    const struct mr_node *id = ref != NULL ? ref : given;

    if (given == NULL) {
        return;
    }
    const struct mr_resource *api = mr_resource_find(event->reading, mr_node_text(id));
    if (!mr_node_is(id, MR_NODE_STRING)) {
        refuse(event, given, "an API is named by a string or a Ref");
    } else if (!mr_slice_starts_with(id->text, MR_SLICE("Serverless")) &&
               (api == NULL || (!http && mr_slice_is(api->type, "AWS::Serverless::HttpApi")))) {
        refuse(event, given, "the API of an event is a resource of the same template");
    }
}

static void
check_http_api(const struct mr_event *event)
{
    const struct mr_node *path = mr_node_get(event->properties, "Path");
    const struct mr_node *method = mr_node_get(event->properties, "Method");

    if ((mr_node_truthy(path) || mr_node_truthy(method)) &&
        (!mr_node_is(path, MR_NODE_STRING) || !mr_node_is(method, MR_NODE_STRING))) {
        refuse(event, NULL, "Path and Method are given together, two strings");
    }
    check_api(event, "ApiId", true);
}

void
mr_add_dead_letter_queue(struct mr_reading *reading, const struct mr_resource *owner,
                         const struct mr_node *properties, struct mr_slice usual_id)
{
    const struct mr_node *config = mr_node_get(properties, "DeadLetterConfig");
    struct mr_slice id = mr_node_text(mr_node_get(config, "QueueLogicalId"));

    if (mr_node_is_text(mr_node_get(config, "Type"), "SQS") &&
        mr_node_get(config, "Arn") == NULL) {
        mr_resource_add(reading, id.size > 0 ? id : usual_id, "AWS::SQS::Queue",
                        mr_node_new(&reading->arena, MR_NODE_MAP, config), owner);
    }
}

static void
check_dead_letter(const struct mr_event *event)
{
    const struct mr_node *config = mr_node_get(event->properties, "DeadLetterConfig");
    const struct mr_node *type = mr_node_get(config, "Type");
    const struct mr_node *queue = mr_node_get(config, "QueueLogicalId");
    bool has_arn = mr_node_get(config, "Arn") != NULL;

    if (!mr_node_truthy(config)) {
        return;
    }
    if (has_arn == (type != NULL)) {
        refuse(event, config, "DeadLetterConfig has either Arn or Type");
    } else if (type != NULL && !mr_node_is_text(type, "SQS")) {
        refuse(event, type, "DeadLetterConfig.Type is SQS");
    } else if (!has_arn && queue != NULL && queue->kind != MR_NODE_NULL &&
               queue->kind != MR_NODE_STRING) {
        refuse(event, queue, "DeadLetterConfig.QueueLogicalId must be a string");
    } else {
        mr_add_dead_letter_queue(event->reading, event->function, event->properties,
                                 mr_event_id(event, "Queue"));
    }
}

static void
check_bucket(const struct mr_event *event)
{
    const struct mr_node *bucket = mr_node_get(event->properties, "Bucket");
    const struct mr_resource *resource =
        mr_resource_find(event->reading, mr_node_text(mr_node_get(bucket, "Ref")));
    if (resource == NULL || !mr_slice_is(resource->type, "AWS::S3::Bucket")) {
        refuse(event, bucket, "an S3 event refers to a bucket of the same template");
    }
}

static void
check_user_pool(const struct mr_event *event)
{
    const struct mr_node *pool = mr_node_get(event->properties, "UserPool");
    if (mr_resource_find(event->reading, mr_node_text(mr_node_get(pool, "Ref"))) == NULL) {
        refuse(event, pool, "a Cognito event refers to a user pool of the same template");
    }
}

void
mr_check_push_event(const struct mr_event *event)
{
    struct mr_slice type = mr_slice_str(event->rule->type);
    bool scheduled = mr_slice_is(type, "Schedule") || mr_slice_is(type, "CloudWatchEvent") ||
                     mr_slice_is(type, "EventBridgeRule");

    if (scheduled) {
        if (mr_node_truthy(mr_node_get(event->properties, "State")) &&
            mr_node_get(event->properties, "Enabled") != NULL) {
            refuse(event, NULL, "State and Enabled say the same: give one");
        }
        check_dead_letter(event);
    } else if (mr_slice_is(type, "Api")) {
        check_api(event, "RestApiId", false);
    } else if (mr_slice_is(type, "HttpApi")) {
        check_http_api(event);
    } else if (mr_slice_is(type, "S3")) {
        check_bucket(event);
    } else if (mr_slice_is(type, "Cognito")) {
        check_user_pool(event);
    }
}
