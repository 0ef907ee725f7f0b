#include "sam-templates/transform.h"

/* A FIFO topic needs a FIFO queue. */
static bool
is_fifo_topic(const struct mr_event *event, const struct mr_node *topic)
{
    const struct mr_resource *resource =
        mr_resource_find(event->reading, mr_referred_id(topic));
    if (resource == NULL) {
        return false;
    }
    const struct mr_node *fifo =
        mr_parameter_of(event->reading, mr_node_get(resource->properties, "FifoTopic"));
    bool value = false;
    return mr_node_as_bool(fifo, &value) && value;
}

static const struct mr_node *
get_att(struct mr_reading *reading, struct mr_slice id, const char *attribute)
{
    struct mr_arena *arena = &reading->arena;
    struct mr_node *list = mr_node_new(arena, MR_NODE_LIST, NULL);
    mr_node_push(arena, list, mr_node_string(arena, id, NULL));
    mr_node_push(arena, list, mr_node_string(arena, mr_slice_str(attribute), NULL));
    return mr_node_wrap(arena, "Fn::GetAtt", list);
}

/* The subscription itself, so that the model knows who hears the topic. */
static bool
add_subscription(const struct mr_event *event, const struct mr_node *topic,
                 const struct mr_node *queue_arn)
{
    struct mr_arena *arena = &event->reading->arena;
    struct mr_node *properties = mr_node_new(arena, MR_NODE_MAP, event->key);
    mr_node_set(arena, properties, "TopicArn", topic);
    mr_node_set(arena, properties, "Protocol",
                mr_node_string(arena, MR_SLICE("sqs"), event->key));
    mr_node_set(arena, properties, "Endpoint", queue_arn);
    if (mr_resource_add(event->reading, mr_event_id(event, ""), "AWS::SNS::Subscription",
                        properties, event->function) == NULL) {
        mr_reject(event->reading, event->key, event->path,
                  "the subscription of this event would be a second resource %.*s",
                  MR_SLICE_ARGS(mr_event_id(event, "")));
        return false;
    }
    return true;
}

/* The queue SAM makes for `SqsSubscription: true`. */
static const struct mr_node *
add_queue(const struct mr_event *event, const struct mr_node *topic)
{
    struct mr_arena *arena = &event->reading->arena;
    struct mr_slice id = mr_event_id(event, "Queue");
    struct mr_node *properties = mr_node_new(arena, MR_NODE_MAP, event->key);

    if (is_fifo_topic(event, topic)) {
        mr_node_set(arena, properties, "FifoQueue", mr_node_bool(arena, true, event->key));
    }
    if (mr_resource_add(event->reading, id, "AWS::SQS::Queue", properties, event->function) ==
        NULL) {
        mr_reject(event->reading, event->key, event->path,
                  "the queue of this event would be a second resource %.*s", MR_SLICE_ARGS(id));
        return NULL;
    }
    return get_att(event->reading, id, "Arn");
}

void
mr_transform_sns_event(const struct mr_event *event)
{
    struct mr_arena *arena = &event->reading->arena;
    const struct mr_node *topic = mr_node_get(event->properties, "Topic");
    const struct mr_node *subscription = mr_node_get(event->properties, "SqsSubscription");
    const struct mr_node *queue_arn = NULL, *batch_size = NULL;

    if (!mr_node_truthy(subscription)) {
        return; /* the topic calls the function itself */
    }
    if (subscription->kind == MR_NODE_MAP) {
        queue_arn = mr_node_get(subscription, "QueueArn");
        batch_size = mr_node_get(subscription, "BatchSize");
        if (!mr_node_truthy(queue_arn) ||
            !mr_node_truthy(mr_node_get(subscription, "QueueUrl"))) {
            mr_reject(event->reading, subscription, event->path,
                      "SqsSubscription needs QueueArn and QueueUrl (event %.*s of %.*s)",
                      MR_SLICE_ARGS(event->name), MR_SLICE_ARGS(event->function_id));
            return;
        }
    } else {
        queue_arn = add_queue(event, topic);
    }
    if (queue_arn == NULL || !add_subscription(event, topic, queue_arn)) {
        return;
    }
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, event->key);
    mr_node_set(arena, map, "FunctionName", event->target);
    mr_node_set(arena, map, "EventSourceArn", queue_arn);
    mr_node_set(arena, map, "BatchSize",
                mr_node_truthy(batch_size) ? batch_size : mr_node_int(arena, 10, event->key));
    mr_node_set(arena, map, "Enabled", mr_node_bool(arena, true, event->key));
    mr_draft_mapping(event, mr_event_id(event, "EventSourceMapping"), map);
}
