#include "control/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "base/alloc.h"
#include "control/async_events.h"
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

static int
open_files(struct mr_control *control, struct mr_error *err)
{
    const char *data = control->options.data;

    control->state =
        mr_state_open(mr_arena_printf(&control->arena, "%s/control.db", data), err);
    if (control->state == NULL) {
        return err->code;
    }
    control->checkpoints = mr_checkpoints_open(
        mr_arena_printf(&control->arena, "%s/checkpoints.db", data), control->loop, err);
    if (control->checkpoints == NULL) {
        return err->code;
    }
    const struct mr_dead_letters_options letters = {
        .path = mr_arena_printf(&control->arena, "%s/dead_letters.db", data),
    };
    control->letters = mr_dead_letters_open(&letters, err);
    if (control->letters == NULL) {
        return err->code;
    }
    control->history =
        history_open(control->loop, mr_arena_printf(&control->arena, "%s/history", data),
                     control->options.history_bytes, err);
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
    feed_free(control->feed);
    history_close(control->history);
    mr_dead_letters_close(control->letters);
    mr_checkpoints_close(control->checkpoints);
    mr_state_close(control->state);
    mr_arena_deinit(&control->arena);
    free(control);
}
