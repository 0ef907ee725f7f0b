#include "runtime/runtime.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "net/peer.h"
#include "runtime/inside.h"

enum {
    MAX_CONCURRENCY = 1600, /* PerExecutionEnvironmentMaxConcurrency */
    DEFAULT_ENVIRONMENTS = 100,
    DEFAULT_IDLE_MS = 600000
};

struct mr_runtime *
mr_runtime_new(struct mr_loop *loop, const struct mr_runtime_options *options)
{
    struct mr_runtime *runtime = mr_alloc_zero(1, sizeof(*runtime));
    struct mr_runtime_options *own = &runtime->options;

    runtime->loop = loop;
    *own = *options;
    own->account = mr_arena_printf(&runtime->arena, "%s",
                                   own->account != NULL ? own->account : "123456789012");
    own->region =
        mr_arena_printf(&runtime->arena, "%s", own->region != NULL ? own->region : "us-east-1");
    if (own->bootstraps != NULL) {
        own->bootstraps = mr_arena_printf(&runtime->arena, "%s", own->bootstraps);
    }
    own->max_environments =
        own->max_environments ? own->max_environments : DEFAULT_ENVIRONMENTS;
    own->idle_ms = own->idle_ms ? own->idle_ms : DEFAULT_IDLE_MS;
    own->init_ms = own->init_ms ? own->init_ms : MR_LAMBDA_INIT_MS;
    struct mr_slice *variables =
        mr_arena_zero(&runtime->arena, (own->environment_count + 1) * sizeof(*variables));
    for (size_t i = 0; i < own->environment_count; i++) {
        variables[i] = mr_arena_copy(&runtime->arena, options->environment[i]);
    }
    own->environment = variables;
    mr_list_init(&runtime->entries);
    mr_list_init(&runtime->environments);
    mr_list_init(&runtime->invocations);
    mr_random_init_system(&runtime->random);
    const struct mr_http_server_options server = {
        .handler = runtime_api_handler,
        .context = runtime,
        .http1_only = true,
    };
    runtime->server = mr_http_server_new(loop, &server);
    own->launcher->listen(own->launcher->self, &environment_events, runtime);
    mr_timer_init(&runtime->reap_timer, loop, MR_TIME_REAL, pool_on_reap, runtime);
    return runtime;
}

/* ---- functions ---- */

void
entry_unref(struct entry *entry)
{
    if (--entry->refs == 0) {
        mr_arena_deinit(&entry->arena);
        free(entry);
    }
}

static struct mr_slice
version_or_latest(struct mr_slice version)
{
    return version.size > 0 ? version : MR_SLICE("$LATEST");
}

static struct entry *
find_entry(struct mr_runtime *runtime, struct mr_slice name, struct mr_slice version)
{
    version = version_or_latest(version);
    MR_LIST_EACH(node, &runtime->entries)
    {
        struct entry *entry = MR_CONTAINER_OF(node, struct entry, node);
        if (mr_slice_eq(entry->function.name, name) &&
            mr_slice_eq(entry->function.version, version)) {
            return entry;
        }
    }
    return NULL;
}

static const struct mr_slice *
copy_all(struct mr_arena *arena, const struct mr_slice *slices, size_t count)
{
    struct mr_slice *copies = mr_arena_zero(arena, (count + 1) * sizeof(*copies));

    for (size_t i = 0; i < count; i++) {
        copies[i] = mr_arena_copy(arena, slices[i]);
    }
    return copies;
}

static struct entry *
entry_new(struct mr_runtime *runtime, const struct mr_function *function)
{
    struct entry *entry = mr_alloc_zero(1, sizeof(*entry));
    struct mr_arena *arena = &entry->arena;
    struct mr_function *own = &entry->function;

    entry->refs = 1;
    *own = *function;
    own->name = mr_arena_copy(arena, function->name);
    own->version = mr_arena_copy(arena, version_or_latest(function->version));
    own->handler = mr_arena_copy(arena, function->handler);
    own->runtime = mr_arena_copy(arena, function->runtime);
    own->code_dir = mr_arena_copy(arena, function->code_dir);
    own->layers = copy_all(arena, function->layers, function->layer_count);
    own->environment = copy_all(arena, function->environment, function->environment_count);
    own->allow_syscalls =
        copy_all(arena, function->allow_syscalls, function->allow_syscall_count);
    own->role_arn = mr_arena_copy(arena, function->role_arn);
    own->memory_mb = function->memory_mb ? function->memory_mb : MR_LAMBDA_MIN_MEMORY_MB;
    own->tmp_mb = function->tmp_mb ? function->tmp_mb : 512;
    if (own->max_concurrency > 0) {
        own->log_format = MR_FUNCTION_LOG_JSON; /* lines of several must say whose they are */
    }
    own->timeout_ms = function->timeout_ms ? function->timeout_ms : 3000;
    entry->arn = function->arn.size > 0
                     ? mr_arena_cstr(arena, function->arn)
                     : mr_arena_printf(arena, "arn:aws:lambda:%s:%s:function:%.*s",
                                       runtime->options.region, runtime->options.account,
                                       MR_SLICE_ARGS(function->name));
    entry->qualified_arn =
        mr_slice_is(own->version, "$LATEST")
            ? entry->arn
            : mr_arena_printf(arena, "%s:%.*s", entry->arn, MR_SLICE_ARGS(own->version));
    own->arn = mr_slice_str(entry->arn);
    return entry;
}

static int
check_function(const struct mr_function *function, struct mr_error *err)
{
    if (function->name.size == 0 || function->name.size > MR_LAMBDA_MAX_FUNCTION_NAME) {
        return mr_fail(err, -EINVAL, "a function's name has 1 to %d characters",
                       MR_LAMBDA_MAX_FUNCTION_NAME);
    }
    if (function->code_dir.size == 0 || function->code_dir.data[0] != '/') {
        return mr_fail(err, -EINVAL, "the code directory must be an absolute path");
    }
    if (function->memory_mb > MR_LAMBDA_MAX_MEMORY_MB ||
        (function->memory_mb != 0 && function->memory_mb < MR_LAMBDA_MIN_MEMORY_MB)) {
        return mr_fail(err, -EINVAL, "memory of %u MB: use %d to %d", function->memory_mb,
                       MR_LAMBDA_MIN_MEMORY_MB, MR_LAMBDA_MAX_MEMORY_MB);
    }
    if (function->timeout_ms > MR_LAMBDA_MAX_TIMEOUT_S * 1000) {
        return mr_fail(err, -EINVAL, "a timeout of %u ms: use at most %d s",
                       function->timeout_ms, MR_LAMBDA_MAX_TIMEOUT_S);
    }
    if (function->layer_count > MR_SANDBOX_MAX_LAYERS) {
        return mr_fail(err, -EINVAL, "%zu layers: use at most %d", function->layer_count,
                       MR_SANDBOX_MAX_LAYERS);
    }
    if (function->max_concurrency > MAX_CONCURRENCY) {
        return mr_fail(err, -EINVAL, "%u invocations at once in an environment: use 1 to %d",
                       function->max_concurrency, MAX_CONCURRENCY);
    }
    return program_check(function, err);
}

/* Idle environments go now; busy ones when they have finished. */
static void
retire(struct mr_runtime *runtime, struct entry *entry)
{
    entry->retired = true;
    mr_list_remove(&entry->node);
    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->entry != entry) {
            continue;
        }
        if (environment->state == ENV_COLD) {
            environment_free(environment);
        } else if (environment_is_idle(environment)) {
            environment_kill(environment, KILL_RETIRE);
        }
    }
    entry_unref(entry);
}

int
mr_runtime_set_function(struct mr_runtime *runtime, const struct mr_function *function,
                        struct mr_error *err)
{
    int rc = check_function(function, err);

    if (rc < 0) {
        return mr_wrap(err, "function %.*s", MR_SLICE_ARGS(mr_slice_first(function->name, 64)));
    }
    struct entry *old = find_entry(runtime, function->name, function->version);
    struct entry *entry = entry_new(runtime, function);
    if (old != NULL) {
        retire(runtime, old);
    }
    mr_list_push_back(&runtime->entries, &entry->node);
    return 0;
}

void
mr_runtime_remove_function(struct mr_runtime *runtime, struct mr_slice name,
                           struct mr_slice version)
{
    MR_LIST_EACH(node, &runtime->entries)
    {
        struct entry *entry = MR_CONTAINER_OF(node, struct entry, node);
        if (mr_slice_eq(entry->function.name, name) &&
            (version.size == 0 || mr_slice_eq(entry->function.version, version))) {
            retire(runtime, entry);
        }
    }
}

/* ---- invocations ---- */

static void
invocation_free(struct invocation *invocation)
{
    struct mr_runtime *runtime = invocation->runtime;

    mr_list_remove(&invocation->node);
    if (invocation->entry != NULL) {
        invocation->entry->in_flight--;
        entry_unref(invocation->entry);
    }
    runtime->counts.busy--;
    mr_buf_deinit(&invocation->tail);
    mr_buf_deinit(&invocation->stream);
    mr_arena_deinit(&invocation->arena);
    free(invocation);
    mr_loop_release(runtime->loop);
}

static void
tell(struct invocation *invocation)
{
    struct mr_invocation_result *result = &invocation->result;

    if (invocation->told) {
        return;
    }
    invocation->told = true;
    result->request_id = invocation->request_id;
    result->log_tail = mr_buf_slice(&invocation->tail);
    result->cold = invocation->cold;
    result->init_us = invocation->init_us;
    if (invocation->entry != NULL) {
        result->executed_version = invocation->entry->function.version;
    }
    if (result->outcome == MR_INVOCATION_FUNCTION_ERROR) {
        invocation->runtime->counts.errors++;
    }
    invocation->done(result, invocation->context);
}

void
invocation_answer(struct invocation *invocation, const struct mr_invocation_result *result)
{
    if (invocation->answered) {
        return;
    }
    struct mr_arena *arena = &invocation->arena;
    struct mr_invocation_result *own = &invocation->result;
    invocation->answered = true;
    *own = *result;
    own->duration_us = invocation->started_us == 0
                           ? 0
                           : mr_clock_now_us(mr_clock_system()) - invocation->started_us;
    own->error_type = mr_arena_copy(arena, result->error_type);
    if (invocation->want_log_tail) {
        own->payload = mr_arena_copy(arena, result->payload);
        own->content_type = mr_arena_copy(arena, result->content_type);
        own->reason = mr_arena_copy(arena, result->reason);
        return;
    }
    tell(invocation);
    own->payload = own->content_type = (struct mr_slice){ 0 };
}

void
invocation_fail(struct invocation *invocation, const char *type, const char *text)
{
    mr_auto_buf struct mr_buf body = { 0 };
    mr_auto_buf struct mr_buf message = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);

    if (invocation->answered) {
        return;
    }
    mr_buf_printf(&message, "RequestId: %.*s Error: %s", MR_SLICE_ARGS(invocation->request_id),
                  text);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "errorType", type);
    mr_json_member_string(&json, "errorMessage", mr_buf_slice(&message));
    mr_json_end_object(&json);
    const struct mr_invocation_result result = {
        .outcome = MR_INVOCATION_FUNCTION_ERROR,
        .payload = mr_buf_slice(&body),
        .function_error = MR_SLICE("Unhandled"),
        .error_type = mr_slice_str(type),
    };
    invocation_answer(invocation, &result);
}

void
invocation_finish(struct invocation *invocation)
{
    tell(invocation);
    invocation_free(invocation);
}

void
invocation_refuse(struct invocation *invocation, enum mr_invocation_outcome outcome,
                  const char *reason)
{
    const struct mr_invocation_result result = { .outcome = outcome,
                                                 .reason = mr_slice_str(reason) };

    if (outcome == MR_INVOCATION_THROTTLED) {
        invocation->runtime->counts.throttles++;
    }
    invocation_answer(invocation, &result);
    invocation_finish(invocation);
}

static struct mr_slice
keep(struct invocation *invocation, struct mr_slice slice)
{
    return slice.data == NULL ? slice : mr_arena_copy(&invocation->arena, slice);
}

static struct invocation *
invocation_new(struct mr_runtime *runtime, const struct mr_invocation_request *request,
               mr_invocation_done_fn *done, void *context)
{
    struct invocation *invocation = mr_alloc_zero(1, sizeof(*invocation));
    char id[MR_UUID_SIZE];

    invocation->runtime = runtime;
    invocation->done = done;
    invocation->context = context;
    invocation->chunk = request->chunk;
    invocation->want_log_tail = request->want_log_tail;
    invocation->may_wait = true;
    if (request->payload.size <= MR_LAMBDA_MAX_RESPONSE_BYTES) {
        invocation->payload = keep(invocation, request->payload);
    }
    invocation->client_context = keep(invocation, request->client_context);
    invocation->cognito_identity = keep(invocation, request->cognito_identity);
    invocation->trace_id = keep(invocation, request->trace_id);
    invocation->tenant_id = keep(invocation, request->tenant_id);
    invocation->invoked_arn = keep(invocation, request->invoked_arn);
    mr_random_uuid(&runtime->random, id);
    invocation->request_id =
        keep(invocation, request->request_id.size > 0 ? request->request_id : mr_slice_str(id));
    mr_list_push_back(&runtime->invocations, &invocation->node);
    runtime->counts.busy++;
    runtime->counts.invocations++;
    mr_loop_hold(runtime->loop);
    return invocation;
}

static void
not_found_later(void *context)
{
    invocation_refuse(context, MR_INVOCATION_NOT_FOUND, "no such function or version");
}

static void
too_large_later(void *context)
{
    invocation_refuse(context, MR_INVOCATION_TOO_LARGE,
                      "the payload is larger than 6291456 bytes");
}

static void
place_later(void *context)
{
    struct invocation *invocation = context;
    const struct mr_function *function = &invocation->entry->function;

    if (function->has_reserved && function->concurrency == 0) {
        invocation_refuse(invocation, MR_INVOCATION_THROTTLED,
                          "ReservedFunctionConcurrentInvocationLimitExceeded");
        return;
    }
    if (function->per_tenant && invocation->tenant_id.size == 0) {
        invocation_refuse(invocation, MR_INVOCATION_SERVICE_ERROR,
                          "the function isolates its tenants: a tenant id is required");
        return;
    }
    invocation_place(invocation);
}

void
mr_runtime_invoke(struct mr_runtime *runtime, const struct mr_invocation_request *request,
                  mr_invocation_done_fn *done, void *context)
{
    struct invocation *invocation = invocation_new(runtime, request, done, context);
    struct entry *entry = find_entry(runtime, request->function, request->version);

    if (entry == NULL) {
        mr_loop_defer(runtime->loop, not_found_later, invocation);
        return;
    }
    invocation->entry = entry;
    entry->refs++;
    entry->in_flight++;
    if (invocation->invoked_arn.size == 0) {
        invocation->invoked_arn = mr_slice_str(entry->qualified_arn);
    }
    mr_loop_defer(runtime->loop,
                  request->payload.size > MR_LAMBDA_MAX_EVENT_BYTES ? too_large_later
                                                                    : place_later,
                  invocation);
}

/* ---- idle and end ---- */

void
runtime_check_stopped(struct mr_runtime *runtime)
{
    if (runtime->stopping && !runtime->server_stopping &&
        mr_list_empty(&runtime->environments)) {
        runtime->server_stopping = true;
        mr_http_server_stop(runtime->server, 0, runtime->stopped, runtime->stopped_context);
    }
}

static void
check_stopped_later(void *context)
{
    runtime_check_stopped(context);
}

void
mr_runtime_stop(struct mr_runtime *runtime, mr_loop_fn *done, void *context)
{
    runtime->stopping = true;
    runtime->stopped = done;
    runtime->stopped_context = context;
    mr_timer_stop(&runtime->reap_timer);
    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->state == ENV_COLD) {
            environment_free(environment);
        } else {
            environment_kill(environment, KILL_RETIRE);
        }
    }
    mr_loop_defer(runtime->loop, check_stopped_later, runtime);
}

void
mr_runtime_free(struct mr_runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    MR_LIST_EACH(node, &runtime->entries)
    {
        struct entry *entry = MR_CONTAINER_OF(node, struct entry, node);
        mr_list_remove(&entry->node);
        entry_unref(entry);
    }
    mr_http_server_free(runtime->server);
    mr_net_peers_free(runtime->peers);
    mr_arena_deinit(&runtime->arena);
    free(runtime);
}

struct mr_runtime_counts
mr_runtime_counts(const struct mr_runtime *runtime)
{
    return runtime->counts;
}
