#include "cli/replay_debug.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "net/http_server.h"

enum { A_DAY_MS = 24 * 3600 * 1000, GRACE_MS = 100, MAX_WORDS = 16 };

#define REQUEST_ID "00000000-0000-4000-8000-000000000000"

struct debug {
    struct mr_loop *loop;
    struct mr_http_server *server;
    enum mr_replay_tool tool;
    struct mr_slice event;
    char *arn, *code, *bootstrap;
    json_t *configuration;
    pid_t pid;
    int pid_fd;
    bool given, ended;
    int status;
};

/* ---- the Runtime API, for one invocation ---- */

static void
give_event(struct debug *debug, struct mr_http_exchange *exchange)
{
    struct mr_arena *arena = mr_http_exchange_arena(exchange);
    uint64_t deadline_ms = mr_clock_wall_ms(mr_clock_system()) + A_DAY_MS;
    const struct mr_http_header headers[] = {
        { MR_SLICE("Lambda-Runtime-Aws-Request-Id"), MR_SLICE(REQUEST_ID) },
        { MR_SLICE("Lambda-Runtime-Deadline-Ms"),
          mr_slice_str(mr_arena_printf(arena, "%llu", (unsigned long long)deadline_ms)) },
        { MR_SLICE("Lambda-Runtime-Invoked-Function-Arn"), mr_slice_str(debug->arn) },
    };
    debug->given = true;
    mr_http_respond(exchange, &(struct mr_http_response){
                                  .status = 200,
                                  .content_type = MR_SLICE("application/json"),
                                  .headers = headers,
                                  .header_count = 3,
                                  .body = debug->event,
                              });
}

/*
 * The second `next`: it is done. Under gdb the connection is cut and the program ends by
 * itself, so that a prompt comes; another tool watches to the end and is told so by a SIGTERM.
 */
static void
finish(struct debug *debug, struct mr_http_exchange *exchange)
{
    if (debug->tool == MR_REPLAY_GDB) {
        mr_http_abort(exchange);
    } else if (debug->pid > 0) {
        kill(debug->pid, SIGTERM);
    }
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct debug *debug = context;
    if (mr_slice_ends_with(request->path, MR_SLICE("/runtime/invocation/next"))) {
        if (debug->given) {
            finish(debug, exchange);
        } else {
            give_event(debug, exchange);
        }
        return;
    }
    if (mr_slice_ends_with(request->path, MR_SLICE("/extension/register"))) {
        const struct mr_http_header id = { MR_SLICE("Lambda-Extension-Identifier"),
                                           MR_SLICE(REQUEST_ID) };
        mr_http_respond(exchange, &(struct mr_http_response){ .status = 200,
                                                              .headers = &id,
                                                              .header_count = 1,
                                                              .body = MR_SLICE("{}") });
        return;
    }
    if (mr_slice_is(request->method, "POST")) {
        bool good = mr_slice_ends_with(request->path, MR_SLICE("/response"));
        printf("%s  %.*s\n", good ? "ok" : "error", MR_SLICE_ARGS(request->body));
        fflush(stdout);
    }
    mr_http_respond(exchange, &(struct mr_http_response){
                                  .status = 202, .body = MR_SLICE("{\"status\":\"OK\"}") });
}

/* ---- the function, as the daemon knows it ---- */

static int
fetch(struct mr_remote *remote, const char *path, json_t **out, struct mr_error *err)
{
    if (mr_remote_lambda(remote, "GET", path, (struct mr_slice){ 0 }, err) < 0) {
        return err->code;
    }
    *out = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    return *out == NULL ? mr_fail(err, -EBADMSG, "%s answered no JSON", path) : 0;
}

static int
find_code(struct debug *debug, struct mr_remote *remote, const char *function,
          struct mr_error *err)
{
    json_t *status = NULL, *entry;
    size_t i;
    if (fetch(remote, "/_millrace/status", &status, err) < 0) {
        return err->code;
    }
    json_array_foreach(json_object_get(status, "functions"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, function) == 0) {
            debug->code = mr_strdup(json_string_value(json_object_get(entry, "codeDirectory")));
        }
    }
    json_decref(status);
    debug->bootstrap = debug->code == NULL ? NULL : mr_format("%s/bootstrap", debug->code);
    if (debug->bootstrap == NULL || access(debug->bootstrap, X_OK) < 0) {
        return mr_fail(err, -ENOEXEC, "%s has no bootstrap that could run here", function);
    }
    return 0;
}

static int
find_function(struct debug *debug, struct mr_remote *remote, const char *function,
              struct mr_error *err)
{
    mr_auto_free char *path = mr_format("/2015-03-31/functions/%s/configuration", function);
    if (fetch(remote, path, &debug->configuration, err) < 0) {
        return err->code;
    }
    debug->arn =
        mr_strdup(json_string_value(json_object_get(debug->configuration, "FunctionArn")));
    return find_code(debug, remote, function, err);
}

/* ---- the tool ---- */

static void
set_variables(const struct debug *debug, int port)
{
    const json_t *configuration = debug->configuration;
    json_t *variables =
        json_object_get(json_object_get(configuration, "Environment"), "Variables");
    const char *name, *handler = json_string_value(json_object_get(configuration, "Handler"));
    json_t *value;
    json_object_foreach(variables, name, value)
    {
        setenv(name, json_string_value(value), 1);
    }
    mr_auto_free char *api = mr_format("127.0.0.1:%d", port);
    setenv("AWS_LAMBDA_RUNTIME_API", api, 1);
    setenv("LAMBDA_TASK_ROOT", debug->code, 1);
    setenv("_HANDLER", handler == NULL ? "bootstrap" : handler, 1);
    setenv("AWS_LAMBDA_FUNCTION_NAME",
           json_string_value(json_object_get(configuration, "FunctionName")), 1);
    setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 1);
    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128", 1);
}

static const char *const tools[] = {
    [MR_REPLAY_GDB] = "gdb", [MR_REPLAY_VALGRIND] = "valgrind", [MR_REPLAY_STRACE] = "strace"
};

static void
become_tool(const struct debug *debug, int port)
{
    const char *bootstrap = debug->bootstrap;
    const char *const words[][MAX_WORDS] = {
        [MR_REPLAY_GDB] = { "gdb", "-q", "-ex", "run", "--args", bootstrap, NULL },
        [MR_REPLAY_VALGRIND] = { "valgrind", "--leak-check=full", bootstrap, NULL },
        [MR_REPLAY_STRACE] = { "strace", "-f", bootstrap, NULL },
        [MR_REPLAY_BARE] = { bootstrap, NULL },
    };
    char *argv[MAX_WORDS] = { NULL };
    for (size_t i = 0; words[debug->tool][i] != NULL; i++) {
        argv[i] = mr_strdup(words[debug->tool][i]);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    set_variables(debug, port);
    if (chdir(debug->code) < 0) {
        _exit(126);
    }
    execvp(argv[0], argv);
    _exit(127);
}

static void
on_end(int events, void *context)
{
    struct debug *debug = context;
    (void)events;
    if (waitpid(debug->pid, &debug->status, WNOHANG) == debug->pid) {
        debug->ended = true;
        debug->pid = 0;
        mr_loop_stop(debug->loop);
    }
}

static void
on_stopped(void *context)
{
    mr_loop_stop(((struct debug *)context)->loop);
}

static int
run(struct debug *debug, struct mr_error *err)
{
    int listener = mr_net_listen_tcp("127.0.0.1", 0, err);
    if (listener < 0) {
        return listener;
    }
    int port = mr_net_port(listener);
    debug->server = mr_http_server_new(
        debug->loop, &(struct mr_http_server_options){
                         .handler = { .serve = serve }, .context = debug, .http1_only = true });
    if (mr_http_server_listen_fd(debug->server, listener, NULL, NULL, err) < 0) {
        return err->code;
    }
    fflush(stdout);
    debug->pid = fork();
    if (debug->pid == 0) {
        become_tool(debug, port);
    }
    signal(SIGINT, SIG_IGN); /* it is the tool's */
    debug->pid_fd = (int)syscall(SYS_pidfd_open, debug->pid, 0);
    struct mr_watch *watch =
        mr_watch_new(debug->loop, debug->pid_fd, MR_READABLE, on_end, debug);
    while (!debug->ended) {
        mr_loop_run(debug->loop);
    }
    mr_watch_free(watch);
    close(debug->pid_fd);
    mr_http_server_stop(debug->server, GRACE_MS, on_stopped, debug);
    mr_loop_run(debug->loop);
    signal(SIGINT, SIG_DFL);
    if (WIFEXITED(debug->status) && WEXITSTATUS(debug->status) == 127 &&
        debug->tool != MR_REPLAY_BARE) {
        return mr_fail(err, -ENOENT, "%s is not installed: apt-get install %s",
                       tools[debug->tool], tools[debug->tool]);
    }
    bool ours = WIFSIGNALED(debug->status) && WTERMSIG(debug->status) == SIGTERM;
    return ours                         ? 0
           : WIFSIGNALED(debug->status) ? 128 + WTERMSIG(debug->status)
                                        : WEXITSTATUS(debug->status);
}

int
mr_replay_debug(struct mr_remote *remote, enum mr_replay_tool tool, const char *function,
                struct mr_slice event, struct mr_error *err)
{
    struct debug debug = { .tool = tool, .event = event };
    int result = find_function(&debug, remote, function, err);
    if (result == 0) {
        debug.loop = mr_loop_new(NULL);
        result = run(&debug, err);
        mr_http_server_free(debug.server);
        mr_loop_free(debug.loop);
    }
    json_decref(debug.configuration);
    free(debug.arn);
    free(debug.code);
    free(debug.bootstrap);
    return result;
}
