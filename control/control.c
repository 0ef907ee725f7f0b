#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/client.h"
#include "base/alloc.h"
#include "control/async_events.h"
#include "control/faults.h"
#include "control/feed.h"
#include "control/history.h"
#include "control/inside.h"
#include "control/invoker.h"
#include "control/mappings.h"

void
control_mapping_event(const struct mr_mapping_event *event, void *context)
{
    struct mr_control *control = context;

    feed_mapping(control->feed, event);
    if (event->kind == MR_EVENT_BATCH_START) {
        history_batch(control->history, event);
    }
}

static void
on_log(const struct mr_runtime_log *log, void *context)
{
    struct mr_control *control = context;

    feed_log(control->feed, log);
    history_log(control->history, log);
    if (control->options.lambda_log) {
        printf("%.*s\n", MR_SLICE_ARGS(log->line));
        fflush(stdout);
    }
}

/* ---- making ---- */

static const char *
keep(struct mr_control *control, const char *text, const char *otherwise)
{
    return mr_arena_cstr(&control->arena, mr_slice_str(text != NULL ? text : otherwise));
}

/* Events and variables are nobody else's business. */
static int
make_private(const char *path, struct mr_error *err)
{
    mr_auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || fchmod(fd, 0600) < 0) {
        return mr_fail(err, -errno, "open %s: %s", path, strerror(errno));
    }
    return 0;
}

/* A file of the data directory, made when it is not there; NULL with `err`. */
static const char *
file_of(struct mr_control *control, const char *name, struct mr_error *err)
{
    const char *path = mr_arena_printf(&control->arena, "%s/%s", control->options.data, name);

    return make_private(path, err) < 0 ? NULL : path;
}

static int
open_files(struct mr_control *control, struct mr_error *err)
{
    const char *state = file_of(control, "control.db", err);
    const char *checkpoints = file_of(control, "checkpoints.db", err);
    const struct mr_dead_letters_options letters = {
        .path = file_of(control, "dead_letters.db", err),
    };
    const char *history = mr_arena_printf(&control->arena, "%s/history", control->options.data);

    if (state == NULL || checkpoints == NULL || letters.path == NULL ||
        (control->state = mr_state_open(state, err)) == NULL ||
        (control->checkpoints = mr_checkpoints_open(checkpoints, control->loop, err)) == NULL ||
        (control->letters = mr_dead_letters_open(&letters, err)) == NULL) {
        return err->code;
    }
    control->history =
        history_open(control->loop, history, control->options.history_bytes, err);
    return control->history == NULL ? err->code : 0;
}

static void
make_runtime(struct mr_control *control)
{
    const struct mr_control_options *options = &control->options;
    const struct mr_runtime_options runtime = {
        .launcher = options->launcher,
        .account = options->account,
        .region = options->region,
        .bootstraps = options->bootstraps,
        .environment = options->environment,
        .environment_count = options->environment_count,
        .forwards = &options->forward_port,
        .forward_count = options->forward_port != 0 ? 1 : 0,
        .max_environments = options->max_concurrency,
        .idle_ms = options->idle_ms,
        .freeze = options->freeze,
        .log = on_log,
        .log_context = control,
    };

    control->runtime = mr_runtime_new(control->loop, &runtime);
    control->invoker = invoker_of(control);
}

static int
make_sink(struct mr_control *control, struct mr_error *err)
{
    const struct mr_control_options *options = &control->options;
    const struct mr_failure_sink_options sink = {
        .loop = control->loop,
        .http = options->http,
        .credentials = options->credentials,
        .letters = control->letters,
        .sqs_endpoint = options->sqs_endpoint,
        .sns_endpoint = options->sns_endpoint,
        .s3_endpoint = options->s3_endpoint,
        .region = options->region,
        .seed = options->seed,
    };

    control->sink = mr_failure_sink_new(&sink, err);
    return control->sink == NULL ? err->code : 0;
}

/* For mappings on queues; failure documents have clients of their own. */
static int
make_queue_client(struct mr_control *control, struct mr_error *err)
{
    const struct mr_control_options *options = &control->options;
    const char *endpoint = options->sqs_endpoint;
    const struct mr_aws_client_options client = {
        .loop = control->loop,
        .http = options->http,
        .credentials = options->credentials,
        .service = "sqs",
        .region = options->region,
        .endpoint = endpoint != NULL && strcmp(endpoint, "aws") == 0 ? NULL : endpoint,
    };

    if (endpoint == NULL) {
        return 0;
    }
    control->queues = mr_aws_client_new(&client, err);
    return control->queues == NULL ? err->code : 0;
}

static void
make_poller(struct mr_control *control)
{
    const struct mr_control_options *options = &control->options;
    const struct mr_poller_options poller = {
        .loop = control->loop,
        .invoker = &control->invoker,
        .sink =
            options->sink != NULL ? options->sink : mr_failure_sink_interface(control->sink),
        .checkpoints = control->checkpoints,
        .open_source = options->open_source,
        .open_context = options->open_context,
        .event = control_mapping_event,
        .event_context = control,
        .seed = options->seed,
        .aws_cadence = options->aws_cadence,
        .backoff_ms = options->backoff_ms,
    };

    control->poller = mr_poller_new(&poller);
}

struct mr_control *
mr_control_new(const struct mr_control_options *options, struct mr_error *err)
{
    struct mr_control *control = mr_alloc_zero(1, sizeof(*control));

    control->loop = options->loop;
    control->options = *options;
    control->options.data = keep(control, options->data, ".");
    control->options.region = keep(control, options->region, "us-east-1");
    control->options.account = keep(control, options->account, "123456789012");
    control->started_ms = control_now_ms(control);
    if (options->seed != 0) {
        mr_random_init_seed(&control->random, options->seed);
    } else {
        mr_random_init_system(&control->random);
    }
    control->faults = mr_function_faults_new(options->seed);
    if (open_files(control, err) < 0 || make_sink(control, err) < 0 ||
        make_queue_client(control, err) < 0) {
        mr_control_free(control);
        return NULL;
    }
    control->feed = feed_new(control->loop);
    make_runtime(control);
    make_poller(control);
    functions_restore(control);
    control->async = async_queue_new(control);
    control->mappings = mappings_new(control);
    return control;
}

/* ---- stopping: mappings first, then what runs, then the files ---- */

static void
on_runtime_stopped(void *context)
{
    struct mr_control *control = context;

    control->stopped(control->stopped_context);
}

static void
stop_runtime(struct mr_control *control)
{
    if (control->runtime_stopping) {
        return;
    }
    control->runtime_stopping = true;
    mr_timer_stop(&control->grace);
    mr_timer_stop(&control->poll);
    mr_runtime_stop(control->runtime, on_runtime_stopped, control);
}

/* The grace is over: what still runs is ended with its environments. */
static void
on_grace(void *context)
{
    stop_runtime(context);
}

/* Mappings have stopped; invocations of others may go on until the grace ends. */
static void
on_poll(void *context)
{
    struct mr_control *control = context;

    if (mr_runtime_counts(control->runtime).busy == 0) {
        stop_runtime(control);
    } else {
        mr_timer_start(&control->poll, 20);
    }
}

static void
on_mappings_stopped(void *context)
{
    struct mr_control *control = context;

    if (!control->runtime_stopping) {
        on_poll(control);
    }
}

void
mr_control_stop(struct mr_control *control, uint64_t grace_ms, mr_loop_fn *done, void *context)
{
    control->stopping = true;
    control->stopped = done;
    control->stopped_context = context;
    mr_timer_init(&control->grace, control->loop, MR_TIME_REAL, on_grace, control);
    mr_timer_init(&control->poll, control->loop, MR_TIME_REAL, on_poll, control);
    mr_timer_start(&control->grace, grace_ms);
    feed_close(control->feed);
    async_queue_stop(control->async);
    mappings_stop(control->mappings, on_mappings_stopped, control);
}

void
mr_control_free(struct mr_control *control)
{
    if (control == NULL) {
        return;
    }
    mappings_free(control->mappings);
    async_queue_free(control->async);
    mr_poller_free(control->poller);
    mr_aws_client_free(control->queues);
    mr_failure_sink_free(control->sink);
    mr_runtime_free(control->runtime);
    mr_function_faults_free(control->faults);
    feed_free(control->feed);
    history_close(control->history);
    mr_dead_letters_close(control->letters);
    mr_checkpoints_close(control->checkpoints);
    mr_state_close(control->state);
    mr_arena_deinit(&control->arena);
    free(control);
}
