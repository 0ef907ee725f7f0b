#include "tests/runtime/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

static void
on_log(const struct mr_runtime_log *log, void *context)
{
    struct world *world = context;
    size_t used = strlen(world->log);

    snprintf(world->log + used, sizeof(world->log) - used, "%s%.*s\n",
             log->kind == MR_LINE_EXTENSION ? "extension: " : "", MR_SLICE_ARGS(log->line));
}

void
world_on_done(const struct mr_invocation_result *result, void *context)
{
    struct world *world = context;

    world->done++;
    world->outcome = result->outcome;
    snprintf(world->payload, sizeof(world->payload), "%.*s", MR_SLICE_ARGS(result->payload));
    snprintf(world->reason, sizeof(world->reason), "%.*s", MR_SLICE_ARGS(result->reason));
    snprintf(world->error_type, sizeof(world->error_type), "%.*s",
             MR_SLICE_ARGS(result->error_type));
}

void
world_put_file(struct world *world, const char *name, const char *text, mode_t mode)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", world->dir, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

void
world_set_function(struct world *world, const char *runtime, const char *handler,
                   uint32_t timeout_ms)
{
    static const struct mr_slice variables[] = { MR_SLICE_INIT("PAIR=a=b=c") };
    struct mr_error err = { 0 };
    struct mr_function function = world->function;

    function.name = function.name.size > 0 ? function.name : MR_SLICE("f");
    function.runtime = mr_slice_str(runtime);
    function.handler = mr_slice_str(handler);
    function.code_dir = mr_slice_str(world->dir);
    if (function.environment_count == 0) {
        function.environment = variables;
        function.environment_count = 1;
    }
    function.timeout_ms = timeout_ms;
    function.concurrency = function.concurrency > 0 ? function.concurrency : 4;

    ck_assert_msg(mr_runtime_set_function(world->runtime, &function, &err) == 0, "%s",
                  err.text);
}

void
world_begin(struct world *world, bool sandboxed)
{
    world_begin_with(world, sandboxed, &(struct mr_runtime_options){ .init_ms = 1000 });
}

void
world_begin_with(struct world *world, bool sandboxed, const struct mr_runtime_options *given)
{
    struct mr_error err = { 0 };

    *world = (struct world){ .dir = "/tmp/mr-runtime-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(world->dir));
    chmod(world->dir, 0755);
    world->loop = mr_loop_new(NULL);
    if (sandboxed) {
        world->function.memory_mb = 1769; /* a whole CPU: tests run beside others */
        int fd = mr_sandboxd_spawn(SANDBOXD_PATH, NULL, NULL, &err);
        ck_assert_msg(fd >= 0, "%s", err.text);
        world->launcher = mr_launcher_sandbox_new(world->loop, fd);
    } else {
        world->launcher = mr_launcher_plain_new(world->loop);
    }
    struct mr_runtime_options options = *given;
    options.launcher = world->launcher;
    options.bootstraps = BOOTSTRAPS;
    options.log = on_log;
    options.log_context = world;
    world->runtime = mr_runtime_new(world->loop, &options);
}

void
world_invoke(struct world *world, const char *payload)
{
    const struct mr_invocation_request request = { .function = MR_SLICE("f"),
                                                   .payload = mr_slice_str(payload),
                                                   .want_log_tail = true };
    int before = world->done;

    mr_runtime_invoke(world->runtime, &request, world_on_done, world);
    for (int i = 0; i < 2000 && world->done == before; i++) {
        mr_loop_run_once(world->loop, 10);
    }
    ck_assert_msg(world->done == before + 1, "no answer; log: %s", world->log);
}

static void
on_stopped(void *context)
{
    ((struct world *)context)->stopped = true;
}

void
world_end(struct world *world)
{
    char command[128];

    mr_runtime_stop(world->runtime, on_stopped, world);
    for (int i = 0; i < 1000 && !world->stopped; i++) {
        mr_loop_run_once(world->loop, 10);
    }
    ck_assert(world->stopped);
    mr_runtime_free(world->runtime);
    mr_launcher_free(world->launcher);
    mr_loop_free(world->loop);
    snprintf(command, sizeof(command), "rm -rf %s", world->dir);
    ck_assert_int_eq(system(command), 0);
}
