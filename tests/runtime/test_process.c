/* Real processes: shell and Python bootstraps, with and without a sandbox. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "runtime/runtime.h"
#include "tests/suite.h"

struct world {
    struct mr_loop *loop;
    struct mr_launcher *launcher;
    struct mr_runtime *runtime;
    char dir[64];
    int done;
    bool stopped;
    enum mr_invocation_outcome outcome;
    char payload[4096], log[16384], reason[128];
};

static void
on_log(const struct mr_runtime_log *log, void *context)
{
    struct world *world = context;
    size_t used = strlen(world->log);

    snprintf(world->log + used, sizeof(world->log) - used, "%.*s\n", MR_SLICE_ARGS(log->line));
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct world *world = context;

    world->done++;
    world->outcome = result->outcome;
    snprintf(world->payload, sizeof(world->payload), "%.*s", MR_SLICE_ARGS(result->payload));
    snprintf(world->reason, sizeof(world->reason), "%.*s", MR_SLICE_ARGS(result->reason));
}

static void
put_bootstrap(struct world *world, const char *name, const char *text, mode_t mode)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", world->dir, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void
set_function(struct world *world, const char *runtime, const char *handler, uint32_t timeout_ms)
{
    static const struct mr_slice variables[] = { MR_SLICE_INIT("PAIR=a=b=c") };
    struct mr_error err = { 0 };
    const struct mr_function function = {
        .name = MR_SLICE("f"),
        .runtime = mr_slice_str(runtime),
        .handler = mr_slice_str(handler),
        .code_dir = mr_slice_str(world->dir),
        .environment = variables,
        .environment_count = 1,
        .timeout_ms = timeout_ms,
        .concurrency = 4,
    };

    ck_assert_msg(mr_runtime_set_function(world->runtime, &function, &err) == 0, "%s",
                  err.text);
}

static void
begin(struct world *world, bool sandboxed)
{
    struct mr_error err = { 0 };

    *world = (struct world){ .dir = "/tmp/mr-runtime-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(world->dir));
    chmod(world->dir, 0755);
    world->loop = mr_loop_new(NULL);
    if (sandboxed) {
        int fd = mr_sandboxd_spawn(SANDBOXD_PATH, NULL, NULL, &err);
        ck_assert_msg(fd >= 0, "%s", err.text);
        world->launcher = mr_launcher_sandbox_new(world->loop, fd);
    } else {
        world->launcher = mr_launcher_plain_new(world->loop);
    }
    const struct mr_runtime_options options = {
        .launcher = world->launcher,
        .bootstraps = BOOTSTRAPS,
        .init_ms = 1000,
        .log = on_log,
        .log_context = world,
    };
    world->runtime = mr_runtime_new(world->loop, &options);
}

static void
invoke(struct world *world, const char *payload)
{
    const struct mr_invocation_request request = { .function = MR_SLICE("f"),
                                                   .payload = mr_slice_str(payload),
                                                   .want_log_tail = true };
    int before = world->done;

    mr_runtime_invoke(world->runtime, &request, on_done, world);
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

static void
end(struct world *world)
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

#define SAYS(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "%s\n-- not in --\n%s", part, text)

static const char echo[] =
    "#!/usr/bin/python3\n"
    "import os, http.client\n"
    "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "B = '/2018-06-01/runtime/invocation/'\n"
    "n = 0\n"
    "while True:\n"
    "    c.request('GET', B + 'next'); r = c.getresponse(); e = r.read().decode()\n"
    "    n += 1\n"
    "    print('saw', e, os.environ['PAIR'], flush=True)\n"
    "    if 'exit0' in e: os._exit(0)\n"
    "    if 'exit7' in e: os._exit(7)\n"
    "    if 'kill' in e: os.kill(os.getpid(), 9)\n"
    "    if 'segv' in e: os.kill(os.getpid(), 11)\n"
    "    if 'hang' in e:\n"
    "        import time; time.sleep(60)\n"
    "    k = 'error' if 'fail' in e else 'response'\n"
    "    c.request('POST', B + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/' + k, '%d %s' % "
    "(n, e))\n"
    "    assert c.getresponse().read() == b'{\"status\":\"OK\"}\\n'\n";

START_TEST(an_environment_is_reused_and_its_log_has_lambdas_lines)
{
    struct world world;
    begin(&world, _i == 1);
    put_bootstrap(&world, "bootstrap", echo, 0755);
    set_function(&world, "provided.al2023", "x", 5000);

    invoke(&world, "\"a\"");
    ck_assert_str_eq(world.payload, "1 \"a\"");
    invoke(&world, "\"b\"");

    ck_assert_str_eq(world.payload, "2 \"b\"");
    SAYS(world.log, "INIT_START Runtime Version: provided.al2023");
    SAYS(world.log, "START RequestId: ");
    SAYS(world.log, "saw \"a\" a=b=c");
    SAYS(world.log, "Memory Size: 128 MB\tMax Memory Used: ");
    SAYS(world.log, "\tInit Duration: ");
    end(&world);
}
END_TEST

static const struct {
    const char *event, *payload_part;
} ends[] = {
    { "\"exit0\"", "Error: Runtime exited without providing a reason\"}" },
    { "\"exit7\"", "Error: Runtime exited with error: exit status 7\"}" },
    { "\"kill\"", "Error: Runtime exited with error: signal: killed\"}" },
    { "\"segv\"", "Error: Runtime exited with error: signal: segmentation fault\"}" },
    { "\"hang\"", "Error: Task timed out after 1.00 seconds\"}" },
    { "\"fail\"", "1 \"fail\"" },
};

START_TEST(the_caller_reads_how_it_ended_and_the_next_invoke_works)
{
    struct world world;
    begin(&world, false);
    put_bootstrap(&world, "bootstrap", echo, 0755);
    set_function(&world, "provided.al2023", "x", 1000);

    invoke(&world, ends[_i].event);
    ck_assert_int_eq(world.outcome, MR_INVOCATION_FUNCTION_ERROR);
    SAYS(world.payload, ends[_i].payload_part);
    invoke(&world, "\"again\"");

    ck_assert_int_eq(world.outcome, MR_INVOCATION_OK);
    end(&world);
}
END_TEST

START_TEST(a_package_without_bootstrap_is_an_invalid_entrypoint)
{
    struct world world;
    begin(&world, false);
    set_function(&world, "provided.al2023", "x", 1000);

    invoke(&world, "{}");

    SAYS(world.payload, "{\"errorType\":\"Runtime.InvalidEntrypoint\"");
    end(&world);
}
END_TEST

START_TEST(an_init_that_takes_too_long_is_run_again_inside_the_invoke)
{
    struct world world;
    begin(&world, false);
    put_bootstrap(&world, "bootstrap", "#!/bin/sh\nsleep 60\n", 0755);
    set_function(&world, "provided.al2023", "x", 1000);

    invoke(&world, "{}");

    SAYS(world.log, "\tPhase: init\tStatus: timeout");
    SAYS(world.payload, "Sandbox.Timedout");
    end(&world);
}
END_TEST

START_TEST(a_python_function_runs_with_the_hosts_interpreter)
{
    struct world world;
    begin(&world, _i == 1);
    put_bootstrap(
        &world, "app.py",
        "def handler(event, context):\n"
        "    if event == 'bad': raise ValueError('no')\n"
        "    print('hello', context.aws_request_id)\n"
        "    return {'got': event, 'left': context.get_remaining_time_in_millis() > 0}\n",
        0644);
    set_function(&world, "python3.12", "app.handler", 5000);

    invoke(&world, "{\"a\":1}");
    ck_assert_str_eq(world.payload, "{\"got\": {\"a\": 1}, \"left\": true}");
    SAYS(world.log, "hello ");
    invoke(&world, "\"bad\"");

    ck_assert_int_eq(world.outcome, MR_INVOCATION_FUNCTION_ERROR);
    SAYS(world.payload, "\"errorMessage\": \"no\", \"errorType\": \"ValueError\"");
    end(&world);
}
END_TEST

START_TEST(a_node_function_runs_with_the_hosts_interpreter)
{
    if (access("/usr/bin/node", X_OK) != 0 && access("/usr/local/bin/node", X_OK) != 0) {
        printf("skipped: no node in /usr/bin or /usr/local/bin\n");
        return;
    }
    struct world world;
    begin(&world, false);
    put_bootstrap(&world, "index.mjs",
                  "export const handler = async (event, context) => {\n"
                  "  if (event === 'bad') throw new TypeError('no');\n"
                  "  console.log('hello', context.awsRequestId);\n"
                  "  return { got: event };\n};\n",
                  0644);
    set_function(&world, "nodejs20.x", "index.handler", 5000);

    invoke(&world, "{\"a\":1}");
    ck_assert_str_eq(world.payload, "{\"got\":{\"a\":1}}");
    SAYS(world.log, "hello ");
    invoke(&world, "\"bad\"");

    SAYS(world.payload, "{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"trace\":[");
    end(&world);
}
END_TEST

MR_SUITE("runtime.process",
         MR_TEST_LOOP(an_environment_is_reused_and_its_log_has_lambdas_lines, 2),
         MR_TEST_LOOP(the_caller_reads_how_it_ended_and_the_next_invoke_works, 6),
         MR_TEST(a_package_without_bootstrap_is_an_invalid_entrypoint),
         MR_TEST(an_init_that_takes_too_long_is_run_again_inside_the_invoke),
         MR_TEST_LOOP(a_python_function_runs_with_the_hosts_interpreter, 2),
         MR_TEST(a_node_function_runs_with_the_hosts_interpreter))
