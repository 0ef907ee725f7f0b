/* The launcher over sandboxd. */
#include "runtime/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"

enum { USAGE_EVERY_US = 100000 };

struct boxed {
    struct mr_launcher launcher;
    struct mr_loop *loop;
    struct mr_sandbox_client *client;
    struct mr_watch *watch;
    struct mr_launch_events events;
    void *context;
    struct mr_list places;
    bool greeted, lost; /* what was heard of the daemon we have now */
    char isolation[512];
    bool own_uids;              /* each environment has a user nobody else has */
    bool no_network_namespaces; /* every listener is the host's */
};

struct place {
    struct mr_list node;
    uint64_t environment;
    uint64_t peak_bytes;
    uint64_t asked_us;
    bool running;
    bool on_host_network;
    int peak_fd;   /* -1: none, it is asked for */
    char name[80]; /* the function's */
};

static struct place *
find(struct boxed *boxed, uint64_t environment)
{
    MR_LIST_EACH(node, &boxed->places)
    {
        struct place *place = MR_CONTAINER_OF(node, struct place, node);
        if (place->environment == environment) {
            return place;
        }
    }
    return NULL;
}

static void
forget_peak(struct place *place)
{
    if (place->peak_fd >= 0) {
        close(place->peak_fd);
    }
    place->peak_fd = -1;
}

static void
on_launched(void *context, uint64_t environment, struct mr_sandbox_process *process)
{
    struct boxed *boxed = context;
    struct place *place = find(boxed, environment);
    const struct mr_launch_started started = {
        .listener_fd = process->listener_fd,
        .log_fd = process->log_fd,
        .input_fd = process->stdin_fd,
        .stderr_fd = process->stderr_fd,
        .pid = process->pid,
        .own_uid = boxed->own_uids && place != NULL && place->on_host_network,
        .uid = process->uid,
        .forward_fds = process->forward_fds,
        .forward_count = process->forward_count,
    };
    const int pipes[] = { process->log_fd, process->stdin_fd, process->stderr_fd };

    if (place != NULL) {
        forget_peak(place);
        place->peak_fd = process->peak_fd;
    } else if (process->peak_fd >= 0) {
        close(process->peak_fd);
    }
    for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++) {
        if (pipes[i] >= 0) {
            fcntl(pipes[i], F_SETFL, O_NONBLOCK);
        }
    }
    boxed->events.started(boxed->context, environment, &started);
}

static void
on_failed(void *context, uint64_t environment, const struct mr_error *err)
{
    struct boxed *boxed = context;
    struct place *place = find(boxed, environment);

    if (place != NULL) {
        place->running = false;
    }
    boxed->events.failed(boxed->context, environment, err);
}

/* For the function's log: which of its limits it met, and what it used. */
static void
say_usage(struct boxed *boxed, const struct place *place, const struct mr_sandbox_exit *exit)
{
    const struct mr_sandbox_usage *usage = &exit->usage;
    mr_auto_buf struct mr_buf line = { 0 };

    if (!exit->oom && usage->throttled_count == 0 && usage->pid_limit_hits == 0) {
        return;
    }
    mr_buf_printf(&line, "Sandbox: handler '%s' %s%sused %llu MB at most and %llu ms of CPU",
                  place->name, exit->oom ? exit->text : "", exit->oom ? "; it " : "",
                  (unsigned long long)(usage->memory_peak_bytes >> 20),
                  (unsigned long long)(usage->cpu_us / 1000));
    if (usage->throttled_count > 0) {
        mr_buf_printf(&line,
                      ", and waited %llu ms for CPU (%u times; more MemorySize gives more)",
                      (unsigned long long)(usage->throttled_us / 1000), usage->throttled_count);
    }
    if (usage->pid_limit_hits > 0) {
        mr_buf_printf(&line, ", and was refused %u processes over its limit",
                      usage->pid_limit_hits);
    }
    boxed->events.said(boxed->context, place->environment, mr_buf_slice(&line));
}

static void
on_exited(void *context, uint64_t environment, const struct mr_sandbox_exit *exit)
{
    struct boxed *boxed = context;
    struct place *place = find(boxed, environment);
    const struct mr_launch_exit ended = {
        .status = exit->status,
        .signal = exit->signal,
        .oom = exit->oom,
        .memory_peak_bytes = exit->usage.memory_peak_bytes,
    };

    if (place != NULL) {
        place->running = false;
        say_usage(boxed, place, exit);
        boxed->events.exited(boxed->context, environment, &ended);
    }
}

static void
on_denied(void *context, uint64_t environment, struct mr_slice line)
{
    struct boxed *boxed = context;

    boxed->events.said(boxed->context, environment, line);
}

static void
on_usage(void *context, uint64_t environment, const struct mr_sandbox_usage *usage)
{
    struct place *place = find(context, environment);

    if (place != NULL) {
        place->peak_bytes = usage->memory_peak_bytes;
    }
}

static void
on_hello(void *context, const struct mr_sandbox_hello *hello)
{
    struct boxed *boxed = context;

    boxed->greeted = true;
    snprintf(boxed->isolation, sizeof(boxed->isolation), "%s", hello->text);
    boxed->own_uids = (hello->mechanisms & MR_SANDBOX_HAS_OWN_UID) != 0;
    boxed->no_network_namespaces = hello->level == MR_SANDBOX_L3;
}

static void
on_lost(void *context, const struct mr_error *err)
{
    struct boxed *boxed = context;
    const struct mr_launch_exit killed = { .signal = 9, .lost = true };

    boxed->lost = true;
    if (boxed->greeted) { /* else it refused to run, and has said why */
        mr_log(MR_LOG_ERROR, "runtime", "%s; every environment it held is gone", err->text);
    }
    MR_LIST_EACH(node, &boxed->places)
    {
        struct place *place = MR_CONTAINER_OF(node, struct place, node);
        if (place->running) {
            place->running = false;
            boxed->events.exited(boxed->context, place->environment, &killed);
        }
    }
}

static void
on_readable(int events, void *context)
{
    struct boxed *boxed = context;

    (void)events;
    if (mr_sandbox_client_dispatch(boxed->client) < 0) {
        mr_watch_set(boxed->watch, 0);
    }
}

static void
listen_to(void *self, const struct mr_launch_events *events, void *context)
{
    struct boxed *boxed = self;

    boxed->events = *events;
    boxed->context = context;
}

static int
launch(void *self, const struct mr_launch *what, struct mr_error *err)
{
    struct boxed *boxed = self;
    const struct mr_sandbox_launch asked = {
        .environment = what->environment,
        .name = what->name,
        .code_dir = what->code_dir,
        .runtime_dir = what->runtime_dir,
        .layers = what->layers,
        .layer_count = what->layer_count,
        .args = what->args,
        .arg_count = what->arg_count,
        .env = what->env,
        .env_count = what->env_count,
        .allow_syscalls = what->allow_syscalls,
        .allow_syscall_count = what->allow_syscall_count,
        .memory_mb = what->memory_mb,
        .tmp_mb = what->tmp_mb,
        .network = what->network == MR_FUNCTION_NETWORK_HOST ? MR_SANDBOX_NETWORK_HOST
                                                             : MR_SANDBOX_NETWORK_NONE,
        .forwards = what->forwards,
        .forward_count = what->network == MR_FUNCTION_NETWORK_HOST ? 0 : what->forward_count,
        .profile = what->strict ? MR_SANDBOX_PROFILE_STRICT : MR_SANDBOX_PROFILE_DEFAULT,
        .flags = MR_SANDBOX_API_LISTENER | MR_SANDBOX_PEAK |
                 (what->pipes ? (uint32_t)(MR_SANDBOX_STDIN | MR_SANDBOX_SEPARATE_STDERR) : 0),
    };
    int rc = mr_sandbox_client_launch(boxed->client, &asked, err);

    if (rc < 0) {
        return rc;
    }
    struct place *place = find(boxed, what->environment);
    if (place == NULL) {
        place = mr_alloc_zero(1, sizeof(*place));
        place->environment = what->environment;
        place->peak_fd = -1;
        mr_list_push_back(&boxed->places, &place->node);
    }
    place->running = true;
    snprintf(place->name, sizeof(place->name), "%.*s", MR_SLICE_ARGS(what->name));
    place->on_host_network =
        boxed->no_network_namespaces || what->network == MR_FUNCTION_NETWORK_HOST;
    place->peak_bytes = 0;
    forget_peak(place);
    place->asked_us = 0;
    return 0;
}

static void
kill_it(void *self, uint64_t environment)
{
    (void)mr_sandbox_client_kill(((struct boxed *)self)->client, environment, NULL);
}

static void
terminate(void *self, uint64_t environment)
{
    (void)mr_sandbox_client_terminate(((struct boxed *)self)->client, environment, NULL);
}

static void
freeze(void *self, uint64_t environment)
{
    (void)mr_sandbox_client_freeze(((struct boxed *)self)->client, environment, NULL);
}

static void
thaw(void *self, uint64_t environment)
{
    (void)mr_sandbox_client_thaw(((struct boxed *)self)->client, environment, NULL);
}

static void
release(void *self, uint64_t environment)
{
    struct boxed *boxed = self;
    struct place *place = find(boxed, environment);

    if (place != NULL) {
        (void)mr_sandbox_client_release(boxed->client, environment, NULL);
        forget_peak(place);
        mr_list_remove(&place->node);
        free(place);
    }
}

static uint64_t
memory_peak(void *self, uint64_t environment)
{
    struct boxed *boxed = self;
    struct place *place = find(boxed, environment);
    uint64_t now_us = mr_clock_now_us(mr_clock_system());

    if (place == NULL) {
        return 0;
    }
    if (place->peak_fd >= 0) {
        place->peak_bytes = mr_sandbox_peak_bytes(place->peak_fd);
        return place->peak_bytes;
    }
    if (place->running && (place->asked_us == 0 || now_us - place->asked_us > USAGE_EVERY_US)) {
        place->asked_us = now_us;
        (void)mr_sandbox_client_usage(boxed->client, environment, NULL);
    }
    return place->peak_bytes;
}

static void
boxed_free(void *self)
{
    struct boxed *boxed = self;

    mr_watch_free(boxed->watch);
    mr_sandbox_client_free(boxed->client);
    MR_LIST_EACH(node, &boxed->places)
    {
        struct place *place = MR_CONTAINER_OF(node, struct place, node);
        forget_peak(place);
        mr_list_remove(node);
        free(place);
    }
    free(boxed);
}

static void
connect_client(struct boxed *boxed, int client_fd)
{
    static const struct mr_sandbox_callbacks callbacks = {
        .launched = on_launched,
        .failed = on_failed,
        .exited = on_exited,
        .denied = on_denied,
        .usage = on_usage,
        .hello = on_hello,
        .lost = on_lost,
    };

    boxed->client = mr_sandbox_client_new(client_fd, &callbacks, boxed);
    boxed->watch = mr_watch_new(boxed->loop, mr_sandbox_client_fd(boxed->client), MR_READABLE,
                                on_readable, boxed);
}

int
mr_launcher_sandbox_await(struct mr_launcher *launcher, uint64_t timeout_ms,
                          struct mr_error *err)
{
    struct boxed *boxed = launcher->self;
    uint64_t until_us = mr_clock_now_us(mr_clock_system()) + timeout_ms * 1000;

    while (!boxed->greeted && !boxed->lost && mr_clock_now_us(mr_clock_system()) < until_us) {
        mr_loop_run_once(boxed->loop, 50);
    }
    if (boxed->greeted) {
        return 0;
    }
    return mr_fail(err, -ENOSYS, "the sandbox daemon %s: its line above says why",
                   boxed->lost ? "refuses to run here" : "does not answer");
}

void
mr_launcher_sandbox_renew(struct mr_launcher *launcher, int client_fd)
{
    struct boxed *boxed = launcher->self;

    /* What the old daemon held is gone with it; make sure that we have heard of it. */
    (void)mr_sandbox_client_dispatch(boxed->client);
    mr_watch_free(boxed->watch);
    mr_sandbox_client_free(boxed->client);
    boxed->greeted = boxed->lost = false;
    connect_client(boxed, client_fd);
}

struct mr_launcher *
mr_launcher_sandbox_new(struct mr_loop *loop, int client_fd)
{
    struct boxed *boxed = mr_alloc_zero(1, sizeof(*boxed));

    boxed->loop = loop;
    mr_list_init(&boxed->places);
    snprintf(boxed->isolation, sizeof(boxed->isolation), "sandboxd has not said hello yet");
    connect_client(boxed, client_fd);
    boxed->launcher = (struct mr_launcher){
        .self = boxed,
        .listen = listen_to,
        .launch = launch,
        .kill = kill_it,
        .terminate = terminate,
        .freeze = freeze,
        .thaw = thaw,
        .release = release,
        .memory_peak = memory_peak,
        .free = boxed_free,
        .isolation = boxed->isolation,
    };
    return &boxed->launcher;
}
