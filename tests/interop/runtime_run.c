/*
 * Runs a function and prints what its caller gets: how the interop tests drive other people's
 * runtime clients through runtime/runtime.h alone.
 *
 *     interop_runtime [OPTION...] RUNTIME HANDLER CODE_DIR EVENT...
 *
 *     --sandbox PATH   in a sandbox of this sandboxd; without it as a plain process
 *     --layer DIR      seen at /opt; may be given again
 *     --env NAME=VALUE
 *     --timeout MS
 *     --json           logs as JSON
 *     --many N         N invocations at a time in one environment
 *     --at-once        all events together instead of one after the other
 *     --tail           wait for each invocation's end and print its log's last 4 KB behind it
 *
 * A line for each event on stdout: "OK payload", "ERROR type payload" or "FAILED reason". The
 * log goes to stderr.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/runtime.h"

enum { MAX_LIST = 16 };

struct run {
    struct mr_loop *loop;
    int open;
    bool stopped, tail;
};

static void
on_log(const struct mr_runtime_log *log, void *context)
{
    (void)context;
    fprintf(stderr, "%.*s\n", MR_SLICE_ARGS(log->line));
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct run *run = context;

    if (result->outcome == MR_INVOCATION_OK) {
        printf("OK %.*s\n", MR_SLICE_ARGS(result->payload));
    } else if (result->outcome == MR_INVOCATION_FUNCTION_ERROR) {
        printf("ERROR %.*s %.*s\n", MR_SLICE_ARGS(result->error_type),
               MR_SLICE_ARGS(result->payload));
    } else {
        printf("FAILED %.*s\n", MR_SLICE_ARGS(result->reason));
    }
    if (run->tail) {
        printf("%.*s", MR_SLICE_ARGS(result->log_tail));
    }
    run->open--;
}

static void
on_stopped(void *context)
{
    ((struct run *)context)->stopped = true;
}

static void
wait_for_all(struct run *run)
{
    while (run->open > 0) {
        mr_loop_run_once(run->loop, 100);
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        { "sandbox", required_argument, NULL, 's' },
        { "layer", required_argument, NULL, 'l' },
        { "env", required_argument, NULL, 'e' },
        { "timeout", required_argument, NULL, 't' },
        { "many", required_argument, NULL, 'm' },
        { "at-once", no_argument, NULL, 'a' },
        { "json", no_argument, NULL, 'j' },
        { "tail", no_argument, NULL, 'T' },
        { 0 },
    };
    struct mr_slice layers[MAX_LIST], variables[MAX_LIST];
    struct mr_function function = { .name = MR_SLICE("f"),
                                    .timeout_ms = 20000,
                                    .memory_mb = 1769,
                                    .layers = layers,
                                    .environment = variables };
    const char *sandboxd = NULL;
    bool at_once = false;
    struct run run = { .loop = mr_loop_new(NULL) };
    struct mr_error err = { 0 };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
        if (option == 's') {
            sandboxd = optarg;
        } else if (option == 'l' && function.layer_count < MAX_LIST) {
            layers[function.layer_count++] = mr_slice_str(optarg);
        } else if (option == 'e' && function.environment_count < MAX_LIST) {
            variables[function.environment_count++] = mr_slice_str(optarg);
        } else if (option == 't') {
            function.timeout_ms = (uint32_t)atoi(optarg);
        } else if (option == 'm') {
            function.max_concurrency = (uint32_t)atoi(optarg);
        } else if (option == 'a') {
            at_once = true;
        } else if (option == 'j') {
            function.log_format = MR_FUNCTION_LOG_JSON;
        } else if (option == 'T') {
            run.tail = true;
        } else {
            return 2;
        }
    }
    if (argc - optind < 4) {
        fprintf(stderr,
                "usage: interop_runtime [OPTION...] RUNTIME HANDLER CODE_DIR EVENT...\n");
        return 2;
    }
    function.runtime = mr_slice_str(argv[optind]);
    function.handler = mr_slice_str(argv[optind + 1]);
    function.code_dir = mr_slice_str(argv[optind + 2]);
    int fd = sandboxd == NULL ? 0 : mr_sandboxd_spawn(sandboxd, NULL, NULL, &err);
    if (fd < 0) {
        fprintf(stderr, "interop_runtime: %s\n", err.text);
        return 1;
    }
    struct mr_launcher *launcher = sandboxd != NULL ? mr_launcher_sandbox_new(run.loop, fd)
                                                    : mr_launcher_plain_new(run.loop);
    struct mr_runtime *runtime = mr_runtime_new(
        run.loop, &(struct mr_runtime_options){
                      .launcher = launcher, .bootstraps = BOOTSTRAPS, .log = on_log });
    if (mr_runtime_set_function(runtime, &function, &err) < 0) {
        fprintf(stderr, "interop_runtime: %s\n", err.text);
        return 1;
    }
    for (int i = optind + 3; i < argc; i++) {
        const struct mr_invocation_request request = { .function = function.name,
                                                       .payload = mr_slice_str(argv[i]),
                                                       .trace_id = MR_SLICE("Root=1-2-3"),
                                                       .want_log_tail = run.tail };
        run.open++;
        mr_runtime_invoke(runtime, &request, on_done, &run);
        if (!at_once) {
            wait_for_all(&run);
        }
    }
    wait_for_all(&run);
    mr_runtime_stop(runtime, on_stopped, &run);
    while (!run.stopped) {
        mr_loop_run_once(run.loop, 100);
    }
    mr_runtime_free(runtime);
    mr_launcher_free(launcher);
    mr_loop_free(run.loop);
    return 0;
}
