/*
 * The end of an environment whose processes asked to hear of it, as Lambda does it: SIGTERM to
 * the runtime, then SIGKILL, then the SHUTDOWN event to extensions, then SIGKILL to all.
 */
#include "runtime/inside.h"

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

static void
end_it(struct environment *environment)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    environment->shutdown = SHUTDOWN_OVER;
    mr_timer_stop(&environment->shutdown_timer);
    launcher->kill(launcher->self, environment->id);
}

static bool
is_alive(const struct extension *extension)
{
    return extension->who > 0 && extension->state != EXTENSION_EXITED &&
           extension->state != EXTENSION_LAUNCH_ERROR;
}

static bool
any_alive(const struct environment *environment)
{
    MR_LIST_EACH(node, &environment->extensions)
    {
        if (is_alive(MR_CONTAINER_OF(node, struct extension, node))) {
            return true;
        }
    }
    return false;
}

static void
tell_extensions(struct environment *environment)
{
    uint64_t now = now_us();

    environment->shutdown = SHUTDOWN_EXTENSIONS;
    log_drain(environment);
    telemetry_flush(environment);
    if (!any_alive(environment)) {
        end_it(environment);
        return;
    }
    MR_LIST_EACH(node, &environment->extensions)
    {
        struct extension *extension = MR_CONTAINER_OF(node, struct extension, node);
        if (!is_alive(extension)) {
            continue;
        }
        if (extension->wants_shutdown) {
            extension_send_shutdown(extension);
        } else {
            supervised_command(environment, MR_SUPERVISOR_KILL, extension->who, 0,
                               (struct mr_slice){ 0 });
        }
    }
    mr_timer_start_us(&environment->shutdown_timer, environment->shutdown_ends_us > now
                                                        ? environment->shutdown_ends_us - now
                                                        : 0);
}

static void
terminate_runtime(struct environment *environment)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    environment->shutdown = SHUTDOWN_RUNTIME;
    if (environment->runtime_gone) {
        tell_extensions(environment);
        return;
    }
    if (environment->supervised) {
        supervised_command(environment, MR_SUPERVISOR_TERMINATE, 0, 0, (struct mr_slice){ 0 });
    } else {
        launcher->terminate(launcher->self, environment->id);
    }
    mr_timer_start(&environment->shutdown_timer, extensions_external(environment)
                                                     ? SHUTDOWN_RUNTIME_MS
                                                     : SHUTDOWN_INTERNAL_MS);
}

static void
on_timer(void *context)
{
    struct environment *environment = context;

    if (environment->shutdown == SHUTDOWN_THAWED) {
        terminate_runtime(environment);
    } else if (environment->shutdown == SHUTDOWN_RUNTIME && environment->supervised) {
        supervised_command(environment, MR_SUPERVISOR_KILL, 0, 0, (struct mr_slice){ 0 });
        tell_extensions(environment);
    } else {
        end_it(environment);
    }
}

void
shutdown_timer_init(struct environment *environment)
{
    mr_timer_init(&environment->shutdown_timer, environment->runtime->loop, MR_TIME_REAL,
                  on_timer, environment);
}

bool
shutdown_begin(struct environment *environment)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;
    bool external = extensions_external(environment), frozen = environment->frozen;

    if (environment->gone || environment->state == ENV_LAUNCHING ||
        !extensions_registered(environment) || launcher->terminate == NULL) {
        return false;
    }
    environment->shutdown_ends_us =
        now_us() + 1000 * (uint64_t)(external ? SHUTDOWN_MS : SHUTDOWN_INTERNAL_MS);
    if (frozen) {
        environment->frozen = false;
        launcher->thaw(launcher->self, environment->id);
    }
    telemetry_flush(environment);
    if (frozen) {
        environment->shutdown = SHUTDOWN_THAWED;
        mr_timer_start(&environment->shutdown_timer, SHUTDOWN_THAW_MS);
    } else {
        terminate_runtime(environment);
    }
    return true;
}

void
shutdown_go_on(struct environment *environment)
{
    if (environment->shutdown == SHUTDOWN_RUNTIME && environment->runtime_gone) {
        tell_extensions(environment);
    } else if (environment->shutdown == SHUTDOWN_EXTENSIONS && !any_alive(environment)) {
        end_it(environment);
    }
}
