/* What the files of this room share. Not for others. */
#ifndef MR_CONTROL_INSIDE_H
#define MR_CONTROL_INSIDE_H

#include <jansson.h>

#include "base/random.h"
#include "control/control.h"
#include "control/state.h"
#include "poller/failure_sink.h"

struct feed;
struct history;
struct mappings;
struct async_queue;

struct mr_function_faults;

struct mr_control {
    struct mr_control_options options; /* its strings are ours */
    struct mr_loop *loop;
    struct mr_state *state;
    struct mr_checkpoints *checkpoints;
    struct mr_runtime *runtime;
    struct mr_poller *poller;
    struct mr_aws_client *queues; /* SQS; NULL: we were told of none */
    struct mr_invoker invoker;
    struct feed *feed;
    struct history *history;
    struct mappings *mappings;
    struct async_queue *async;
    struct mr_function_faults *faults;
    struct mr_random random;
    struct mr_arena arena; /* of the options' strings */
    struct mr_dead_letters *letters;
    struct mr_failure_sink *sink;
    uint64_t started_ms;         /* Unix time */
    struct mr_timer grace, poll; /* while stopping */
    bool stopping, runtime_stopping;
    mr_loop_fn *stopped;
    void *stopped_context;
};

/* ---- one request ---- */

struct route;

struct call {
    struct mr_control *control;
    struct mr_http_exchange *exchange;
    const struct mr_http_request *request;
    const struct route *route;
    struct mr_arena *arena; /* the exchange's */
    json_t *input;          /* every member by its model's name; until the action returns */
    char request_id[MR_UUID_SIZE];
};

typedef void(action_fn)(struct call *call);

/* What an action does with a call once its input has been read and checked. */
struct route {
    const char *method;
    const char *path;      /* "/2015-03-31/functions/{FunctionName}" */
    const char *operation; /* the model's name; NULL: ours, unchecked */
    action_fn *act;
};

/* The route of a request, its path's members set in `params`. NULL: there is none. */
const struct route *route_find(struct mr_slice method, struct mr_slice path, json_t *params,
                               struct mr_arena *arena);

/* The body of a call of ours, an object; NULL after an answer. The caller's to release. */
json_t *call_read_json(struct call *call);
/* Answer; `body` is taken, NULL is an empty one. */
void call_reply(struct call *call, int status, json_t *body);
/* Answer with one of AWS's errors, by its name. */
void call_fail(struct call *call, const char *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a call whose struct is gone. */
void exchange_reply(struct mr_http_exchange *exchange, int status, json_t *body);
void exchange_fail(struct mr_http_exchange *exchange, const char *error, const char *message);
/* Members of the input; NULL, or what to say when there is none. */
const char *call_text(const struct call *call, const char *member);
json_t *call_member(const struct call *call, const char *member);
json_int_t call_number(const struct call *call, const char *member, json_int_t otherwise);
bool call_flag(const struct call *call, const char *member, bool otherwise);

/* Cut a list (taken) to the page that Marker and MaxItems ask for, and answer it as `name`. */
void call_reply_page(struct call *call, const char *name, json_t *items);

/* ---- small things ---- */

/* A mr_mapping_event_fn: into the feed and the history; the context is the control. */
struct mr_mapping_event;
void control_mapping_event(const struct mr_mapping_event *event, void *context);

uint64_t control_now_ms(const struct mr_control *control); /* Unix time */
json_t *control_uuid(struct mr_control *control);
/* "2025-11-25T16:35:32.123+0000" */
json_t *control_date(const struct mr_control *control);
json_t *json_text(struct mr_slice text); /* bytes that are no UTF-8 become U+FFFD */
json_t *json_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *json_text_of(const json_t *object, const char *member); /* NULL when absent */

/* ---- names ---- */

/* A function as a request names it. Strings live in the call's arena. */
struct target {
    const char *name;
    const char *qualifier;    /* NULL: none given */
    const char *arn;          /* unqualified */
    const char *named_arn;    /* with the qualifier, when there is one */
    json_t *function;         /* NULL: there is none of that name */
    json_t *alias;            /* when the qualifier is one */
    json_t *version;          /* the version's configuration; NULL: there is none */
    const char *version_name; /* "$LATEST", "3" */
};

/* Parse a name, partial or whole ARN. False: it is none of ours; `out` is undefined. */
bool target_parse(struct mr_control *control, struct mr_arena *arena, const char *text,
                  const char *qualifier, struct target *out);
/* FunctionName and Qualifier of the call; answers and returns false when they do not fit. */
bool call_target(struct call *call, struct target *out);
/* As above; answers 404 when there is no such function, version or alias. */
bool call_version(struct call *call, struct target *out);
/* As above, for what belongs to the function as a whole. */
bool call_function(struct call *call, struct target *out);

bool is_version(const char *qualifier);
bool is_alias(const char *qualifier);

/* Put the function back after a change; answers 500 and returns false when it is not written.
 */
bool call_save_function(struct call *call, const struct target *target);
/* Does the call's RevisionId, if any, fit? Else answers 412. */
bool call_revision_fits(struct call *call, const json_t *holder);

/* ---- functions ---- */

/* What GetFunctionConfiguration shows of a version. */
json_t *configuration_out(const struct mr_control *control, const json_t *version,
                          const char *arn);
/* As lists show it. */
json_t *configuration_listed(const struct mr_control *control, const json_t *version,
                             const char *arn);
/* Tell the runtime of every version, or of one; what cannot run here is marked in the version.
 */
void functions_register(struct mr_control *control, json_t *function);
void functions_restore(struct mr_control *control);
/* Publish $LATEST; the new version, or the newest when nothing changed. NULL after an answer.
 */
json_t *publish_version(struct call *call, const struct target *target,
                        const char *description);
/* A function's Layers as it shows them; NULL after an answer. */
json_t *layers_out(struct call *call, json_t *arns);
/* Where they are unpacked. */
json_t *layers_directories(const struct mr_control *control, const json_t *layers);
/* The version an alias stands for this time: its weights are probabilities. */
const char *alias_version(struct mr_control *control, const json_t *alias);

/* ---- code ---- */

/*
 * Store what Code (or UpdateFunctionCode's members) name, and set "_code", CodeSize and
 * CodeSha256 of the version. Answers and returns false when it cannot be.
 */
bool code_store(struct call *call, const char *owner, json_t *code, json_t *version);
/* Remove what no version refers to any more, but keep the code named `keep`. */
void code_collect(struct mr_control *control, const json_t *function, const char *keep);
void code_remove_all(struct mr_control *control, const char *owner);
/* The address to download a version's code from; NULL: it has none. */
char *code_location(struct call *call, const char *owner, const json_t *version);

/* ---- tables' actions, by their operations' names ---- */

action_fn act_create_function, act_get_function, act_get_function_configuration,
    act_list_functions, act_update_function_code, act_update_function_configuration,
    act_delete_function;
action_fn act_publish_version, act_list_versions, act_create_alias, act_get_alias,
    act_list_aliases, act_update_alias, act_delete_alias;
action_fn act_put_concurrency, act_get_concurrency, act_delete_concurrency;
action_fn act_put_invoke_config, act_update_invoke_config, act_get_invoke_config,
    act_list_invoke_configs, act_delete_invoke_config;
action_fn act_add_permission, act_get_policy, act_remove_permission;
action_fn act_put_runtime_management, act_get_runtime_management, act_get_code_signing,
    act_get_recursion, act_put_recursion, act_get_account_settings, act_get_provisioned,
    act_get_url, act_list_urls;
action_fn act_tag, act_untag, act_list_tags;
action_fn act_publish_layer, act_get_layer, act_get_layer_by_arn, act_list_layers,
    act_list_layer_versions, act_delete_layer;
action_fn act_invoke, act_invoke_async, act_invoke_stream;
action_fn act_create_mapping, act_get_mapping, act_list_mappings, act_update_mapping,
    act_delete_mapping;
action_fn act_local_status, act_local_health, act_local_events, act_local_code,
    act_local_settings, act_local_seek, act_local_history, act_local_history_one,
    act_local_metrics, act_local_dlq_list, act_local_dlq_one, act_local_dlq_delete,
    act_local_dlq_redrive;

#endif
