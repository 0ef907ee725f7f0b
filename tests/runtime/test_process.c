/* Real processes: shell and Python bootstraps, with and without a sandbox. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/http_server.h"
#include "tests/runtime/world.h"

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
    world_begin(&world, _i == 1);
    world_put_file(&world, "bootstrap", echo, 0755);
    world_set_function(&world, "provided.al2023", "x", 5000);

    world_invoke(&world, "\"a\"");
    ck_assert_str_eq(world.payload, "1 \"a\"");
    world_invoke(&world, "\"b\"");

    ck_assert_str_eq(world.payload, "2 \"b\"");
    SAYS(world.log, "INIT_START Runtime Version: provided.al2023");
    SAYS(world.log, "START RequestId: ");
    SAYS(world.log, "saw \"a\" a=b=c");
    SAYS(world.log, " MB\tMax Memory Used: ");
    SAYS(world.log, "\tInit Duration: ");
    world_end(&world);
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
    world_begin(&world, false);
    world_put_file(&world, "bootstrap", echo, 0755);
    world_set_function(&world, "provided.al2023", "x", 1000);

    world_invoke(&world, ends[_i].event);
    ck_assert_int_eq(world.outcome, MR_INVOCATION_FUNCTION_ERROR);
    SAYS(world.payload, ends[_i].payload_part);
    world_invoke(&world, "\"again\"");

    ck_assert_int_eq(world.outcome, MR_INVOCATION_OK);
    world_end(&world);
}
END_TEST

START_TEST(a_package_without_bootstrap_is_an_invalid_entrypoint)
{
    struct world world;
    world_begin(&world, false);
    world_set_function(&world, "provided.al2023", "x", 1000);

    world_invoke(&world, "{}");

    SAYS(world.payload, "{\"errorType\":\"Runtime.InvalidEntrypoint\"");
    world_end(&world);
}
END_TEST

START_TEST(an_init_that_takes_too_long_is_run_again_inside_the_invoke)
{
    struct world world;
    world_begin(&world, false);
    world_put_file(&world, "bootstrap", "#!/bin/sh\nsleep 60\n", 0755);
    world_set_function(&world, "provided.al2023", "x", 1000);

    world_invoke(&world, "{}");

    SAYS(world.log, "\tPhase: init\tStatus: timeout");
    SAYS(world.payload, "Sandbox.Timedout");
    world_end(&world);
}
END_TEST

START_TEST(a_python_function_runs_with_the_hosts_interpreter)
{
    struct world world;
    world_begin(&world, _i == 1);
    world_put_file(
        &world, "app.py",
        "def handler(event, context):\n"
        "    if event == 'bad': raise ValueError('no')\n"
        "    print('hello', context.aws_request_id)\n"
        "    return {'got': event, 'left': context.get_remaining_time_in_millis() > 0}\n",
        0644);
    world_set_function(&world, "python3.12", "app.handler", 5000);

    world_invoke(&world, "{\"a\":1}");
    ck_assert_str_eq(world.payload, "{\"got\": {\"a\": 1}, \"left\": true}");
    SAYS(world.log, "hello ");
    world_invoke(&world, "\"bad\"");

    ck_assert_int_eq(world.outcome, MR_INVOCATION_FUNCTION_ERROR);
    SAYS(world.payload, "\"errorMessage\": \"no\", \"errorType\": \"ValueError\"");
    world_end(&world);
}
END_TEST

START_TEST(a_node_function_runs_with_the_hosts_interpreter)
{
    if (access("/usr/bin/node", X_OK) != 0 && access("/usr/local/bin/node", X_OK) != 0) {
        printf("skipped: no node in /usr/bin or /usr/local/bin\n");
        return;
    }
    struct world world;
    world_begin(&world, false);
    world_put_file(&world, "index.mjs",
                   "export const handler = async (event, context) => {\n"
                   "  if (event === 'bad') throw new TypeError('no');\n"
                   "  console.log('hello', context.awsRequestId);\n"
                   "  return { got: event };\n};\n",
                   0644);
    world_set_function(&world, "nodejs20.x", "index.handler", 5000);

    world_invoke(&world, "{\"a\":1}");
    ck_assert_str_eq(world.payload, "{\"got\":{\"a\":1}}");
    SAYS(world.log, "hello ");
    world_invoke(&world, "\"bad\"");

    SAYS(world.payload, "{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"trace\":[");
    world_end(&world);
}
END_TEST

static const char wants_sigterm[] =
    "#!/usr/bin/python3\n"
    "import http.client, os, signal, sys, threading, time\n"
    "def bye(*_): print('terminated', flush=True); os._exit(0)\n"
    "signal.signal(signal.SIGTERM, bye)\n"
    "def ask(m, p, h={}, b=None):\n"
    "    c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "    c.request(m, p, b, h); r = c.getresponse(); return r, r.read()\n"
    "r, _ = ask('POST', '/2020-01-01/extension/register',\n"
    "           {'Lambda-Extension-Name': 'GoLangEnableSIGTERM'}, '{\"events\":null}')\n"
    "h = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}\n"
    "E = '/2020-01-01/extension/event/next'\n"
    "threading.Thread(target=lambda: ask('GET', E, h), daemon=True).start()\n"
    "B = '/2018-06-01/runtime/invocation/'\n"
    "def loop():\n"
    "    while True:\n"
    "        r, e = ask('GET', B + 'next')\n"
    "        ask('POST', B + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', {}, e)\n"
    "threading.Thread(target=loop, daemon=True).start()\n"
    "while True: time.sleep(0.01)\n"; /* another thread may get the signal: do not wait for it
                                       */

START_TEST(a_runtime_that_registered_an_extension_gets_a_sigterm_before_the_end)
{
    struct world world;
    world_begin_with(&world, _i == 1, &(struct mr_runtime_options){ .freeze = true });
    world_put_file(&world, "bootstrap", wants_sigterm, 0755);
    world.function.memory_mb = 1769; /* a whole CPU: it has half a second to say it */
    world_set_function(&world, "provided.al2023", "x", 5000);
    world_invoke(&world, "1");

    world_end(&world);

    SAYS(world.log, "\nterminated\n");
}
END_TEST

/* Asks port `port` of our loopback as whoever we are, and reads the head of the answer. */
static void
ask_next(struct world *world, int port, char *out_head, size_t size)
{
    static const char request[] =
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
    ssize_t got = -1;
    for (int i = 0; i < 500 && got < 0; i++) {
        mr_loop_run_once(world->loop, 10);
        got = recv(fd, out_head, size - 1, MSG_DONTWAIT);
    }
    out_head[got > 0 ? got : 0] = 0;
    close(fd);
}

START_TEST(on_the_hosts_network_a_stranger_is_refused_its_runtime_api)
{
    static const char tells_its_port[] =
        "#!/bin/bash\necho api=$AWS_LAMBDA_RUNTIME_API\nexec python3 /var/task/runtime.py\n";
    char head[512];
    struct world world;
    if (geteuid() != 0) {
        return; /* all sandboxes have our user then, and so have we */
    }
    world_begin(&world, true);
    world_put_file(&world, "bootstrap", tells_its_port, 0755);
    world_put_file(&world, "runtime.py", echo, 0755);
    world.function.network = MR_FUNCTION_NETWORK_HOST;
    world_set_function(&world, "provided.al2023", "x", 5000);
    world_invoke(&world, "\"a\"");
    ck_assert_str_eq(world.payload, "1 \"a\"");
    const char *port = strstr(world.log, "api=127.0.0.1:");
    ck_assert_ptr_nonnull(port);

    ask_next(&world, atoi(port + strlen("api=127.0.0.1:")), head, sizeof(head));

    SAYS(head, "HTTP/1.1 403");
    world_invoke(&world, "\"b\"");
    ck_assert_str_eq(world.payload, "2 \"b\"");
    world_end(&world);
}
END_TEST

static pid_t
serve_on_host(uint16_t *out_port)
{
    int listener = mr_net_listen_tcp("127.0.0.1", 0, NULL);

    *out_port = mr_net_port(listener);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fcntl(listener, F_SETFL, 0);
        for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
            (void)!write(fd, "from the host\n", 14);
        }
        _exit(0);
    }
    close(listener);
    return pid;
}

START_TEST(without_network_our_endpoint_is_reached_at_its_own_port)
{
    uint16_t port;
    pid_t server = serve_on_host(&port);
    char bootstrap[200];
    struct world world;
    snprintf(bootstrap, sizeof(bootstrap),
             "#!/bin/bash\ncat < /dev/tcp/127.0.0.1/%u\nexec python3 /var/task/runtime.py\n",
             port);
    world_begin_with(&world, true,
                     &(struct mr_runtime_options){ .forwards = &port, .forward_count = 1 });
    world_put_file(&world, "bootstrap", bootstrap, 0755);
    world_put_file(&world, "runtime.py", echo, 0755);
    world_set_function(&world, "provided.al2023", "x", 5000);

    world_invoke(&world, "\"a\"");

    ck_assert_str_eq(world.payload, "1 \"a\"");
    SAYS(world.log, "from the host\n");
    world_end(&world);
    kill(server, SIGKILL);
    ck_assert_int_eq(waitpid(server, NULL, 0), server);
}
END_TEST

START_TEST(a_wrapper_starts_a_managed_runtime)
{
    static const struct mr_slice variables[] = { MR_SLICE_INIT(
        "AWS_LAMBDA_EXEC_WRAPPER=/opt/wrap") };
    static struct mr_slice layer;
    static char path[128];
    struct world world;
    world_begin_with(&world, _i == 1, &(struct mr_runtime_options){ .init_ms = 5000 });
    snprintf(path, sizeof(path), "%s/layer", world.dir);
    layer = mr_slice_str(path);
    world.function.layers = &layer;
    world.function.layer_count = 1;
    world.function.environment = variables;
    world.function.environment_count = 1;
    world_put_file(&world, "layer/wrap",
                   "#!/bin/sh\necho \"wrapped $#\"\nexport WRAPPED=yes\nexec \"$@\"\n", 0755);
    world_put_file(&world, "app.py", "import os\ndef h(e, c): return os.environ['WRAPPED']\n",
                   0644);
    world_set_function(&world, "python3.11", "app.h", 5000);

    world_invoke(&world, "1");

    ck_assert_str_eq(world.payload, "\"yes\"");
    SAYS(world.log, "wrapped 3\n");
    world_end(&world);
}
END_TEST

START_TEST(a_code_directory_that_is_gone_is_an_invalid_working_directory)
{
    struct world world;
    world_begin(&world, false);
    world.function.log_format = MR_FUNCTION_LOG_JSON;
    world_put_file(&world, "code/bootstrap", "#!/bin/sh\n", 0755);
    strcat(world.dir, "/code");
    world_set_function(&world, "provided.al2023", "x", 1000);
    world.dir[strlen(world.dir) - 5] = 0;
    mr_auto_free char *command = mr_format("rm -r %s/code", world.dir);
    ck_assert_int_eq(system(command), 0);

    world_invoke(&world, "1");

    SAYS(world.payload, "{\"errorType\":\"Runtime.InvalidWorkingDir\"");
    SAYS(world.log, "\"level\":\"ERROR\",\"requestId\":\"");
    world_end(&world);
}
END_TEST

START_TEST(a_flood_of_lines_keeps_nobody_waiting)
{
    struct world world;
    world_begin(&world, _i == 1);
    world_put_file(&world, "bootstrap",
                   "#!/bin/bash\nyes &\nexec python3 /var/task/runtime.py 2>/dev/null\n", 0755);
    world_put_file(&world, "runtime.py", echo, 0755);
    if (_i == 0) { /* no /var/task there */
        world_put_file(&world, "bootstrap",
                       "#!/bin/bash\nyes &\nexec python3 $LAMBDA_TASK_ROOT/runtime.py\n", 0755);
    }
    world.function.memory_mb = 1769;
    world_set_function(&world, "provided.al2023", "x", 20000);
    world_invoke(&world, "1");
    uint64_t begin_us = mr_clock_now_us(mr_clock_system()), longest_us = 0;

    while (mr_clock_now_us(mr_clock_system()) - begin_us < 1000000) {
        uint64_t before_us = mr_clock_now_us(mr_clock_system());
        mr_loop_run_once(world.loop, 0);
        uint64_t took_us = mr_clock_now_us(mr_clock_system()) - before_us;
        longest_us = took_us > longest_us ? took_us : longest_us;
        world.log[0] = 0;
    }

    ck_assert_uint_lt(longest_us,
                      500000); /* a turn of the loop ends, however much is written */
    world_invoke(&world, "2");
    ck_assert_str_eq(world.payload, "2 2");
    world_end(&world);
}
END_TEST

static const char eats[] = "def h(megabytes, c):\n"
                           "    b = bytearray(megabytes << 20); b[::4096] = b[::4096]\n"
                           "    return 1\n";

START_TEST(the_report_and_the_log_tell_of_memory)
{
    struct world world;
    if (geteuid() != 0) {
        return; /* without cgroups nobody counts it as a whole */
    }
    world_begin_with(&world, true, &(struct mr_runtime_options){ .init_ms = 5000 });
    world_put_file(&world, "app.py", eats, 0644);
    world.function.memory_mb = 1000;
    world.function.tmp_mb = 512;
    world_set_function(&world, "python3.11", "app.h", 20000);

    world_invoke(&world, "300");
    const char *used = strstr(world.log, "Max Memory Used: ");
    ck_assert_ptr_nonnull(used);
    ck_assert_int_ge(atoi(used + strlen("Max Memory Used: ")), 300);
    world_invoke(&world, "2000");

    SAYS(world.payload, "signal: killed"); /* as on Lambda */
    SAYS(world.log, "Sandbox: handler 'f' out of memory: killed at its memory limit, peak ");
    SAYS(world.log, " ms of CPU");
    world_end(&world);
}
END_TEST

MR_SUITE("runtime.process", MR_TEST(the_report_and_the_log_tell_of_memory),
         MR_TEST_LOOP(a_flood_of_lines_keeps_nobody_waiting, 2),
         MR_TEST_LOOP(a_wrapper_starts_a_managed_runtime, 2),
         MR_TEST(a_code_directory_that_is_gone_is_an_invalid_working_directory),
         MR_TEST(without_network_our_endpoint_is_reached_at_its_own_port),
         MR_TEST(on_the_hosts_network_a_stranger_is_refused_its_runtime_api),
         MR_TEST_LOOP(a_runtime_that_registered_an_extension_gets_a_sigterm_before_the_end, 2),
         MR_TEST_LOOP(an_environment_is_reused_and_its_log_has_lambdas_lines, 2),
         MR_TEST_LOOP(the_caller_reads_how_it_ended_and_the_next_invoke_works, 6),
         MR_TEST(a_package_without_bootstrap_is_an_invalid_entrypoint),
         MR_TEST(an_init_that_takes_too_long_is_run_again_inside_the_invoke),
         MR_TEST_LOOP(a_python_function_runs_with_the_hosts_interpreter, 2),
         MR_TEST(a_node_function_runs_with_the_hosts_interpreter))
