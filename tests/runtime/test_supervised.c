/* Environments of several processes: external extensions beside the runtime. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/world.h"

static const char extension[] =
    "#!/usr/bin/python3\n"
    "import http.client, json, os, sys, signal, time\n"
    "me = os.path.basename(sys.argv[0])\n"
    "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "def call(m, p, h={}, b=None):\n"
    "    c.request(m, '/2020-01-01/extension/' + p, b, h); r = c.getresponse()\n"
    "    return r, r.read().decode()\n"
    "if 'noinit' in me: sys.exit(3)\n"
    "r, b = call('POST', 'register', {'Lambda-Extension-Name': me},\n"
    "            json.dumps({'events': ['INVOKE', 'SHUTDOWN']}))\n"
    "h = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}\n"
    "print('registered', b.strip(), 'hidden' if '_HANDLER' not in os.environ else '_HANDLER',\n"
    "      os.environ['AWS_LAMBDA_FUNCTION_NAME'], flush=True)\n"
    "while True:\n"
    "    r, b = call('GET', 'event/next', h)\n"
    "    e = json.loads(b)\n"
    "    print('event', e['eventType'], e.get('shutdownReason', ''), flush=True)\n"
    "    if 'crash' in me and e['eventType'] == 'INVOKE': time.sleep(0.2); sys.exit(4)\n"
    "    if e['eventType'] == 'SHUTDOWN' and 'stubborn' not in me: break\n";

static const char runtime[] =
    "#!/usr/bin/python3\n"
    "import http.client, os, signal, sys, time\n"
    "def bye(*_): print('runtime: terminated', flush=True); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, bye)\n"
    "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "B = '/2018-06-01/runtime/invocation/'\n"
    "print('runtime: started', flush=True)\n"
    "while True:\n"
    "    c.request('GET', B + 'next'); r = c.getresponse(); e = r.read().decode()\n"
    "    if 'exit' in e: sys.exit(9)\n"
    "    if 'hang' in e: time.sleep(60)\n"
    "    if 'slow' in e: time.sleep(0.6)\n"
    "    c.request('POST', B + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', e)\n"
    "    c.getresponse().read()\n";

static void
begin(struct world *world, bool sandboxed, const char *name)
{
    static struct mr_slice layer;
    static char path[128];
    mr_auto_free char *file = mr_format("layer/extensions/%s", name);

    world_begin_with(world, sandboxed, &(struct mr_runtime_options){ .init_ms = 5000 });
    snprintf(path, sizeof(path), "%s/layer", world->dir);
    layer = mr_slice_str(path);
    world->function.layers = &layer;
    world->function.layer_count = 1;
    world_put_file(world, file, extension, 0755);
    world_put_file(world, "bootstrap", runtime, 0755);
    world_set_function(world, "provided.al2023", "x", 3000);
}

START_TEST(an_extension_starts_before_the_runtime_hears_of_each_invoke_and_of_the_end)
{
    struct world world;
    begin(&world, _i == 1, "watcher.py");

    world_invoke(&world, "1");
    world_invoke(&world, "2");
    ck_assert_str_eq(world.payload, "2");
    world_end(&world);

    SAYS(world.log, "extension: registered {\"functionName\":\"f\",\"functionVersion\":"
                    "\"$LATEST\",\"handler\":\"x\"} hidden f\n");
    SAYS(world.log, "EXTENSION\tName: watcher.py\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n");
    const char *registered = strstr(world.log, "extension: registered");
    const char *started = strstr(world.log, "runtime: started");
    const char *terminated = strstr(world.log, "runtime: terminated");
    const char *shutdown = strstr(world.log, "extension: event SHUTDOWN spindown");
    ck_assert_msg(registered != NULL && started != NULL && registered < started, "%s",
                  world.log);
    ck_assert_msg(terminated != NULL && shutdown != NULL && terminated < shutdown, "%s",
                  world.log);
    ck_assert_ptr_nonnull(strstr(strstr(world.log, "event INVOKE") + 1, "event INVOKE"));
}
END_TEST

START_TEST(an_extension_that_dies_in_an_invoke_is_an_extension_crash_and_the_next_one_works)
{
    struct world world;
    begin(&world, _i == 1, "crash.py");

    world_invoke(&world, "\"slow\"");

    ck_assert_str_eq(world.error_type, "Extension.Crash");
    SAYS(world.payload, "Error: exit status 4\"}");
    SAYS(world.log, "\nExtension.Crash\n");
    world_invoke(&world, "\"quick\"");
    ck_assert_str_eq(world.payload, "\"quick\"");
    world_end(&world);
}
END_TEST

START_TEST(an_extension_that_cannot_init_fails_the_invocation)
{
    struct world world;
    begin(&world, false, "noinit.py");

    world_invoke(&world, "1");

    ck_assert_str_eq(world.error_type, "Extension.Crash");
    SAYS(world.log, "Phase: init\tStatus: error\tError Type: Extension.Crash\n");
    ck_assert_ptr_null(strstr(world.log, "runtime: started"));
    world_end(&world);
}
END_TEST

START_TEST(when_the_runtime_ends_or_hangs_extensions_hear_why)
{
    struct world world;
    begin(&world, _i >= 2, "watcher.py");

    world_invoke(&world, _i % 2 == 0 ? "\"exit\"" : "\"hang\"");

    SAYS(world.payload, _i % 2 == 0 ? "Runtime exited with error: exit status 9"
                                    : "Task timed out after 3.00 seconds");
    world_invoke(&world, "3");
    ck_assert_str_eq(world.payload, "3");
    SAYS(world.log, _i % 2 == 0 ? "extension: event SHUTDOWN failure"
                                : "extension: event SHUTDOWN timeout");
    world_end(&world);
}
END_TEST

START_TEST(an_extension_that_does_not_go_is_killed_after_two_seconds)
{
    struct world world;
    begin(&world, false, "stubborn.py");
    world_invoke(&world, "1");
    uint64_t before_us = mr_clock_now_us(mr_clock_system());

    world_end(&world);

    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - before_us;
    ck_assert_msg(took_us > 1900000 && took_us < 3500000, "%d us", (int)took_us);
}
END_TEST

START_TEST(a_layer_may_turn_extensions_off)
{
    struct world world;
    begin(&world, false, "watcher.py");
    world_put_file(&world, "layer/disable-extensions-jwigqn8j", "", 0644);

    world_invoke(&world, "1");

    ck_assert_str_eq(world.payload, "1");
    ck_assert_ptr_null(strstr(world.log, "registered"));
    world_end(&world);
}
END_TEST

static const char listener[] =
    "#!/usr/bin/python3\n"
    "import http.client, http.server, json, os, socket, sys, threading, time\n"
    "api = os.environ['AWS_LAMBDA_RUNTIME_API']\n"
    "host = 'sandbox.localdomain' if api.endswith(':9001') else '127.0.0.1'\n"
    "def show(e):\n"
    "    if e['type'] == 'extension': return\n"
    "    r = e['record']\n"
    "    r = r if isinstance(r, str) else r.get('status') or r.get('phase') or r.get('state') "
    "or "
    "r.get('droppedRecords', '')\n"
    "    print('got', e['type'], r, flush=True)\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def log_message(*_): pass\n"
    "    def do_POST(self):\n"
    "        b = self.rfile.read(int(self.headers['Content-Length']))\n"
    "        assert self.path == '/in' and self.headers['Sequence-Id']\n"
    "        picky = 'picky' in sys.argv[0] and self.headers['Sequence-Id'] == '1'\n"
    "        self.send_response(500 if picky else 200); self.end_headers()\n"
    "        if picky: return\n"
    "        for e in json.loads(b): show(e)\n"
    "def lines(s):\n"
    "    while True:\n"
    "        c, _ = s.accept()\n"
    "        for l in c.makefile(): show(json.loads(l))\n"
    "if 'tcp' in sys.argv[0]:\n"
    "    s = socket.socket(); s.bind((host, 0)); s.listen(); port = s.getsockname()[1]\n"
    "    threading.Thread(target=lines, args=(s,), daemon=True).start()\n"
    "    to = {'protocol': 'TCP', 'port': port}\n"
    "else:\n"
    "    s = http.server.HTTPServer((host, 0), H); port = s.server_address[1]\n"
    "    threading.Thread(target=s.serve_forever, daemon=True).start()\n"
    "    to = {'protocol': 'HTTP', 'URI': 'http://sandbox.localdomain:%d/in' % port}\n"
    "c = http.client.HTTPConnection(api)\n"
    "def call(m, p, b=None, h={}):\n"
    "    c.request(m, p, b, h); r = c.getresponse(); return r, r.read().decode()\n"
    "r, _ = call('POST', '/2020-01-01/extension/register', '{\"events\":[\"SHUTDOWN\"]}',\n"
    "            {'Lambda-Extension-Name': os.path.basename(sys.argv[0])})\n"
    "h = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}\n"
    "def subscribe(**more):\n"
    "    b = dict({'schemaVersion': '2022-12-13', 'types': ['platform', 'function'],\n"
    "              'buffering': {'timeoutMs': 25}, 'destination': to}, **more)\n"
    "    r, b = call('PUT', '/2022-07-01/telemetry', json.dumps(b), h); print(r.status, b)\n"
    "subscribe(types=['nothing'])\n"
    "subscribe()\n"
    "while True:\n"
    "    r, b = call('GET', '/2020-01-01/extension/event/next', None, h)\n"
    "    if 'SHUTDOWN' in b: time.sleep(0.3); break\n";

/* 0, 1: HTTP, plain and in a sandbox; 2, 3: TCP. */
START_TEST(what_happens_in_an_environment_is_told_to_whoever_subscribed)
{
    struct world world;
    begin(&world, _i % 2 == 1, _i < 2 ? "listens.py" : "tcp.py");
    world_put_file(&world, _i < 2 ? "layer/extensions/listens.py" : "layer/extensions/tcp.py",
                   listener, 0755);

    world_invoke(&world, "1");
    world_invoke(&world, "2");
    world_end(&world);

    SAYS(world.log, "400 {\"errorMessage\":\"types must be platform, function or extension\","
                    "\"errorType\":\"ValidationError\"}");
    SAYS(world.log, "extension: 200 \"OK\"\n");
    SAYS(world.log, "TELEMETRY\tName: ");
    SAYS(world.log, "\tState: Subscribed\tTypes: [Platform, Function]\n");
    static const char *const told[] = {
        "got platform.initStart init\n",      "got platform.telemetrySubscription Subscribed\n",
        "got function runtime: started\n",    "got platform.initRuntimeDone success\n",
        "got platform.initReport success\n",  "got platform.start \n",
        "got platform.runtimeDone success\n", "got platform.report success\n",
        "got function runtime: terminated\n",
    };
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        SAYS(world.log, told[i]);
    }
}
END_TEST

/* 0: the function hangs; 1: it exits. */
START_TEST(who_subscribed_hears_how_an_invocation_failed_before_it_goes)
{
    struct world world;
    begin(&world, false, "listens.py");
    world_put_file(&world, "layer/extensions/listens.py", listener, 0755);

    world_invoke(&world, _i == 0 ? "\"hang\"" : "\"exit\"");
    world_end(&world);

    SAYS(world.log,
         _i == 0 ? "got platform.runtimeDone timeout\n" : "got platform.runtimeDone error\n");
}
END_TEST

START_TEST(what_a_receiver_does_not_take_is_told_as_dropped)
{
    struct world world;
    begin(&world, false, "picky.py");
    world_put_file(&world, "layer/extensions/picky.py", listener, 0755);

    world_invoke(&world, "1");
    for (int i = 0; i < 20; i++) { /* the first delivery is refused meanwhile */
        mr_loop_run_once(world.loop, 10);
    }
    world_invoke(&world, "2");
    world_end(&world);

    SAYS(world.log, "got platform.logsDropped ");
    SAYS(world.log, "got platform.report success\n");
}
END_TEST

MR_SUITE(
    "runtime.supervised",
    MR_TEST_LOOP(an_extension_starts_before_the_runtime_hears_of_each_invoke_and_of_the_end, 2),
    MR_TEST_LOOP(
        an_extension_that_dies_in_an_invoke_is_an_extension_crash_and_the_next_one_works, 2),
    MR_TEST(an_extension_that_cannot_init_fails_the_invocation),
    MR_TEST_LOOP(when_the_runtime_ends_or_hangs_extensions_hear_why, 4),
    MR_TEST(an_extension_that_does_not_go_is_killed_after_two_seconds),
    MR_TEST_LOOP(what_happens_in_an_environment_is_told_to_whoever_subscribed, 4),
    MR_TEST_LOOP(who_subscribed_hears_how_an_invocation_failed_before_it_goes, 2),
    MR_TEST(what_a_receiver_does_not_take_is_told_as_dropped),
    MR_TEST(a_layer_may_turn_extensions_off))
