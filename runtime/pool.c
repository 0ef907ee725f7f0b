/* Which environment an invocation gets, how many there may be, and how long they stay. */
#include "runtime/inside.h"

enum { REAP_EVERY_MS = 1000 };

static bool
same_tenant(const struct environment *environment, const struct invocation *invocation)
{
    return !environment->entry->function.per_tenant ||
           mr_slice_eq(mr_slice_str(environment->tenant), invocation->tenant_id);
}

/* ENV_SENT: has answered, and is about to be free. */
static bool
is_free(const struct environment *environment, enum environment_state state)
{
    const struct invocation *last = environment->invocation;

    if (environment->killing != KILL_NOT || environment->waiting != NULL ||
        environment->initialising || environment->fault_type != NULL) {
        return false;
    }
    if (state == ENV_SENT) {
        return environment->state == ENV_SENT ||
               (environment->state == ENV_READY && last != NULL && last->answered);
    }
    return environment->state == state && environment_is_idle(environment);
}

/* Its process is being ended, and then it will start afresh, with its /tmp. */
static bool
is_resetting(const struct environment *environment)
{
    return (environment->killing == KILL_TIMEOUT || environment->killing == KILL_RESET ||
            environment->killing == KILL_EXITED) &&
           environment->waiting == NULL && !environment->entry->retired && !environment->many &&
           (environment->invocation == NULL || environment->invocation->answered);
}

static struct environment *
find_resetting(struct invocation *invocation)
{
    MR_LIST_EACH(node, &invocation->runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->entry == invocation->entry && is_resetting(environment) &&
            same_tenant(environment, invocation)) {
            return environment;
        }
    }
    return NULL;
}

/* The one used last, so that the others may grow idle. */
static struct environment *
find_free(struct invocation *invocation, enum environment_state state)
{
    struct environment *best = NULL;

    MR_LIST_EACH(node, &invocation->runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->entry == invocation->entry && is_free(environment, state) &&
            same_tenant(environment, invocation) &&
            (best == NULL || environment->idle_since_us > best->idle_since_us)) {
            best = environment;
        }
    }
    return best;
}

static size_t
count_environments(const struct mr_runtime *runtime, const struct entry *entry)
{
    size_t count = 0;

    MR_LIST_EACH(node, &runtime->environments)
    {
        count += MR_CONTAINER_OF(node, struct environment, node)->entry == entry;
    }
    return count;
}

/* Room for one more: an idle environment of somebody else may have to go. */
static bool
make_room(struct mr_runtime *runtime)
{
    struct environment *oldest = NULL;

    if (runtime->counts.environments < runtime->options.max_environments) {
        return true;
    }
    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        bool idle = is_free(environment, ENV_READY) || is_free(environment, ENV_COLD);
        if (idle && (oldest == NULL || environment->idle_since_us < oldest->idle_since_us)) {
            oldest = environment;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    if (oldest->state == ENV_COLD) {
        environment_free(oldest);
    } else {
        environment_kill(oldest, KILL_RETIRE);
    }
    return true;
}

void
invocation_place(struct invocation *invocation)
{
    struct mr_runtime *runtime = invocation->runtime;
    const struct mr_function *function = &invocation->entry->function;
    struct environment *environment;

    if (runtime->stopping) {
        invocation_refuse(invocation, MR_INVOCATION_SERVICE_ERROR, "the runtime is stopping");
        return;
    }
    if (function->max_concurrency > 0 &&
        (environment = many_find_room(runtime, invocation->entry, invocation->tenant_id,
                                      invocation->may_wait)) != NULL) {
        many_add(environment, invocation, false);
        return;
    }
    if (function->max_concurrency == 0 &&
        (environment = find_free(invocation, ENV_READY)) != NULL) {
        environment_dispatch(environment, invocation);
        return;
    }
    if (function->max_concurrency == 0 && invocation->may_wait &&
        ((environment = find_free(invocation, ENV_SENT)) != NULL ||
         (environment = find_resetting(invocation)) != NULL)) {
        environment->waiting = invocation;
        invocation->environment = environment;
        mr_timer_start(&environment->wait_timer, WAIT_FOR_NEXT_MS);
        return;
    }
    if ((environment = find_free(invocation, ENV_COLD)) != NULL) {
        environment_start(environment, invocation);
        return;
    }
    if (function->concurrency > 0 &&
        count_environments(runtime, invocation->entry) >= function->concurrency) {
        invocation_refuse(invocation, MR_INVOCATION_THROTTLED,
                          function->has_reserved
                              ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                              : "ConcurrentInvocationLimitExceeded");
        return;
    }
    if (!make_room(runtime)) {
        invocation_refuse(invocation, MR_INVOCATION_THROTTLED,
                          "ConcurrentInvocationLimitExceeded");
        return;
    }
    environment_start(environment_new(runtime, invocation->entry, invocation->tenant_id),
                      invocation);
    if (!mr_timer_started(&runtime->reap_timer)) {
        mr_timer_start(&runtime->reap_timer, REAP_EVERY_MS);
    }
}

void
pool_on_reap(void *context)
{
    struct mr_runtime *runtime = context;
    uint64_t now_us = mr_clock_now_us(mr_clock_system());

    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (now_us - environment->idle_since_us < runtime->options.idle_ms * 1000) {
            continue;
        }
        if (is_free(environment, ENV_READY)) {
            environment_kill(environment, KILL_RETIRE);
        } else if (is_free(environment, ENV_COLD)) {
            environment_free(environment);
        }
    }
    if (!mr_list_empty(&runtime->environments) && !runtime->stopping) {
        mr_timer_start(&runtime->reap_timer, REAP_EVERY_MS);
    }
}
