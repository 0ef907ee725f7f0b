/*
 * transform: from SAM resources to what CloudFormation would be given.
 *
 * The steps between reading.h's `globals` and `resolve`: each function's
 * properties are checked and its events become mapping drafts, whose properties
 * are those of AWS::Lambda::EventSourceMapping with intrinsics in place.
 */
#ifndef MR_SAM_TEMPLATES_TRANSFORM_H
#define MR_SAM_TEMPLATES_TRANSFORM_H

#include "sam-templates/reading.h"
#include "sam-templates/rules.h"

/* One event of a function, while it is looked at. */
struct mr_event {
    struct mr_reading *reading;
    struct mr_slice function_id;
    const struct mr_resource *function;
    const struct mr_node *target; /* FunctionName of its mapping: {Ref: ...} */
    const struct mr_event_rule *rule;
    const struct mr_node *key; /* the event's name */
    struct mr_slice name;
    const struct mr_node *properties;
    const struct mr_path *path; /* of the event */
};

/* Check AWS::Serverless::Function; makes its alias, role, queues and mappings. */
void mr_transform_function(struct mr_reading *reading, size_t resource_at);
/* Check the function's EventInvokeConfig, FunctionUrlConfig, DeadLetterQueue and the like. */
bool mr_check_function_configs(struct mr_reading *reading, const struct mr_resource *function,
                               const struct mr_path *path);
/* The mapping of a pull event, or nothing when something is wrong with it. */
void mr_transform_pull_event(const struct mr_event *event);
void mr_transform_sns_event(const struct mr_event *event);
void mr_check_push_event(const struct mr_event *event);
/* The queue SAM makes when an event's DeadLetterConfig names a Type and no Arn. */
void mr_add_dead_letter_queue(struct mr_reading *reading, const struct mr_resource *owner,
                              const struct mr_node *properties, struct mr_slice usual_id);

/* AWS::Serverless::Connector, and the Connectors of any resource. */
void mr_check_connector(struct mr_reading *reading, const struct mr_resource *connector,
                        const struct mr_path *path);
void mr_check_embedded_connectors(struct mr_reading *reading,
                                  const struct mr_resource *resource);
/* A mapping whose queue or table a connector lets its function read waits for that permission.
 */
void mr_connect_mappings(struct mr_reading *reading);

/* Keep a draft of `properties` under `id`, with the function's condition. */
void mr_draft_mapping(const struct mr_event *event, struct mr_slice id,
                      const struct mr_node *properties);
/* function ID + event name + suffix */
struct mr_slice mr_event_id(const struct mr_event *event, const char *suffix);

/*
 * SAM's `Function.Alias` and the like: the resource that a part of a SAM function became, or
 * NULL. What follows in `name` behind the part is left in *out_rest, absent when nothing does.
 */
struct mr_resource *mr_part_of(struct mr_reading *reading, struct mr_slice name,
                               struct mr_slice *out_rest);
/* References to such parts as references to the resources; `node` itself when there are none.
 */
const struct mr_node *mr_part_refs(struct mr_reading *reading, const struct mr_node *node);

/* SchemaRegistryURI as the translator leaves it; see translator_refs.c. */
const struct mr_node *mr_translator_refs(struct mr_reading *reading, const struct mr_node *uri);

/* The logical ID of the alias SAM makes for AutoPublishAlias. */
struct mr_slice mr_alias_id(struct mr_reading *reading, struct mr_slice function_id,
                            struct mr_slice alias);

/* The resource a Ref or GetAtt names; absent for anything else. */
struct mr_slice mr_referred_id(const struct mr_node *node);

#endif
