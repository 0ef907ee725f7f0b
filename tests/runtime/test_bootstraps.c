/* Python and Node functions behind our bootstraps: what their authors know from Lambda. */
#include <stdio.h>
#include <unistd.h>

#include "tests/runtime/world.h"

/* A function, an event, and what must stand in the answer and in the log. */
struct lesson {
    const char *name;
    const char *file, *source;
    const char *handler;
    const char *event;
    enum mr_invocation_outcome outcome;
    const char *answer; /* the whole of it, or with a '*' at its end how it begins */
    const char *log;    /* NULL: anything */
};

#define OK    MR_INVOCATION_OK
#define ERROR MR_INVOCATION_FUNCTION_ERROR

static void
check(struct world *world, const struct lesson *lesson)
{
    size_t size = strlen(lesson->answer);
    bool begins = size > 0 && lesson->answer[size - 1] == '*';

    ck_assert_msg(world->outcome == lesson->outcome, "%s: %s\n%s", lesson->name, world->payload,
                  world->log);
    ck_assert_msg(begins ? strncmp(world->payload, lesson->answer, size - 1) == 0
                         : strcmp(world->payload, lesson->answer) == 0,
                  "%s\nis:  %s\nnot: %s\n%s", lesson->name, world->payload, lesson->answer,
                  world->log);
    ck_assert_msg(lesson->log == NULL || strstr(world->log, lesson->log) != NULL,
                  "%s: not in the log: %s\n%s", lesson->name, lesson->log, world->log);
}

static void
teach(const struct lesson *lesson, const char *runtime)
{
    struct world world;

    world_begin_with(&world, false, &(struct mr_runtime_options){ .init_ms = 8000 });
    world_put_file(&world, lesson->file, lesson->source, 0644);
    world_set_function(&world, runtime, lesson->handler, 8000);
    world_invoke(&world, lesson->event);
    check(&world, lesson);
    /* Whatever it was, the next one is served. */
    world_invoke(&world, lesson->event);
    ck_assert_int_eq(world.outcome, lesson->outcome);
    world_end(&world);
}

/* ---- Python ---- */

static const struct lesson python[] = {
    { "a handler in a folder is named with slashes or dots", "src/app.py",
      "def h(e, c): return c.function_name\n", "src/app.h", "1", OK, "\"f\"", NULL },
    { "a name without a dot is malformed", "app.py", "", "app", "1", ERROR,
      "{\"errorMessage\": \"Bad handler 'app': not enough values to unpack (expected 2, got "
      "1)\", "
      "\"errorType\": \"Runtime.MalformedHandlerName\", \"requestId\": \"\", \"stackTrace\": "
      "[]}",
      "[ERROR] Runtime.MalformedHandlerName: Bad handler 'app'" },
    { "a module that is not there cannot be imported", "other.py", "", "app.h", "1", ERROR,
      "{\"errorMessage\": \"Unable to import module 'app': No module named 'app'\", "
      "\"errorType\": \"Runtime.ImportModuleError\", \"requestId\": \"\", \"stackTrace\": []}",
      "INIT_REPORT" },
    { "nor one whose own import fails", "app.py", "import nothing_of_this_name\n", "app.h", "1",
      ERROR,
      "{\"errorMessage\": \"Unable to import module 'app': No module named "
      "'nothing_of_this_name'\", \"errorType\": \"Runtime.ImportModuleError\"*",
      NULL },
    { "a syntax error is told with its place", "app.py", "def h(e c): pass\n", "app.h", "1",
      ERROR,
      "{\"errorMessage\": \"Syntax error in module 'app': invalid syntax (app.py, line 1)\", "
      "\"errorType\": \"Runtime.UserCodeSyntaxError\", \"requestId\": \"\", \"stackTrace\": "
      "[\"  File \\\"*",
      NULL },
    { "a handler that is not there is missing", "app.py", "x = 1\n", "app.h", "1", ERROR,
      "{\"errorMessage\": \"Handler 'h' missing on module 'app'\", \"errorType\": "
      "\"Runtime.HandlerNotFound\", \"requestId\": \"\", \"stackTrace\": []}",
      NULL },
    { "a module built into the interpreter cannot be a handler", "app.py", "", "sys.exit", "1",
      ERROR,
      "{\"errorMessage\": \"Cannot use built-in module sys as a handler module\", "
      "\"errorType\": \"Runtime.BuiltInModuleConflict\"*",
      NULL },
    { "what a module raises at import is the error of the init", "app.py",
      "raise KeyError('no config')\n", "app.h", "1", ERROR,
      "{\"errorMessage\": \"'no config'\", \"errorType\": \"KeyError\", \"requestId\": \"\", "
      "\"stackTrace\": [\"  File \\\"*",
      "[ERROR] KeyError: 'no config'\nTraceback (most recent call last):" },
    { "an exception comes with the function's own frames", "app.py",
      "def inner(): raise ValueError('no')\ndef h(e, c): inner()\n", "app.h", "1", ERROR,
      "{\"errorMessage\": \"no\", \"errorType\": \"ValueError\", \"requestId\": \"*",
      "[ERROR] ValueError: no\nTraceback (most recent call last):\n\xc2\xa0\xc2\xa0"
      "File \"" },
    { "sys.exit ends the process", "app.py", "import sys\ndef h(e, c): sys.exit(3)\n", "app.h",
      "1", ERROR, "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: *",
      "exit status 3" },
    { "bytes are no JSON", "app.py", "def h(e, c): return b'x'\n", "app.h", "1", ERROR,
      "{\"errorMessage\": \"Unable to marshal response: Object of type bytes is not JSON "
      "serializable\", \"errorType\": \"Runtime.MarshalError\"*",
      NULL },
    { "decimals are numbers with their digits", "app.py",
      "from decimal import Decimal\ndef h(e, c): return {'a': Decimal('1.10'), 'b': "
      "Decimal('3'), 1: None}\n",
      "app.h", "1", OK, "{\"a\": 1.10, \"b\": 3, \"1\": null}", NULL },
    { "logging has a level, a time and the request id", "app.py",
      "import logging\nl = logging.getLogger()\nl.setLevel('INFO')\n"
      "def h(e, c):\n  l.info('seen %s', e)\n  l.debug('not this')\n  print('printed')\n",
      "app.h", "\"x\"", OK, "null", "\tseen x\nprinted\n" },
    { "a log record may have several lines", "app.py",
      "import logging\ndef h(e, c): logging.warning('one\\ntwo')\n", "app.h", "1", OK, "null",
      "\tone\ntwo" },
    { "the context is complete", "app.py",
      "def h(e, c):\n"
      "  assert c.get_remaining_time_in_millis() > 5000 and c.memory_limit_in_mb == '128'\n"
      "  assert c.log_group_name == '/aws/lambda/f' and len(c.aws_request_id) == 36\n"
      "  assert c.invoked_function_arn.endswith(':function:f') and c.client_context is None\n"
      "  assert c.identity.cognito_identity_id is None and 'LambdaContext(' in repr(c)\n"
      "  c.log('by the context')\n"
      "  return c.function_version\n",
      "app.h", "1", OK, "\"$LATEST\"", "by the context\n" },
    { "text beyond ASCII survives", "app.py", "def h(e, c): return e\n", "app.h",
      "\"\xc3\xa4\xe2\x82\xac\"", OK, "\"\\u00e4\\u20ac\"", NULL },
    { "the variables are those of the platform", "app.py",
      "import os\ndef h(e, c):\n"
      "  n = os.environ\n"
      "  assert n['_HANDLER'] == 'app.h' and n['PAIR'] == 'a=b=c'\n"
      "  assert n['AWS_EXECUTION_ENV'] == 'AWS_Lambda_python3.11'\n"
      "  assert '_LAMBDA_TELEMETRY_LOG_FD' not in n and '_X_AMZN_TRACE_ID' not in n\n"
      "  return sorted(k for k in n if k.startswith('AWS_LAMBDA_'))[:2]\n",
      "app.h", "1", OK, "[\"AWS_LAMBDA_FUNCTION_MEMORY_SIZE\", \"AWS_LAMBDA_FUNCTION_NAME\"]",
      NULL },
};

START_TEST(a_python_function_finds_what_it_knows_from_lambda)
{
    teach(&python[_i], "python3.11");
}
END_TEST

START_TEST(a_python_function_of_today_answers_with_text_as_it_is)
{
    teach(&(struct lesson){ "text beyond ASCII stays", "app.py", "def h(e, c): return e\n",
                            "app.h", "\"\xc3\xa4\xe2\x82\xac\"", OK, "\"\xc3\xa4\xe2\x82\xac\"",
                            NULL },
          "python3.12");
}
END_TEST

START_TEST(a_python_function_logs_json_where_that_is_asked_for)
{
    struct world world;
    world_begin_with(&world, false, &(struct mr_runtime_options){ .init_ms = 8000 });
    world.function.log_format = MR_FUNCTION_LOG_JSON;
    world.function.application_log_level = MR_FUNCTION_LOG_DEBUG;
    world_put_file(&world, "app.py",
                   "import logging\n"
                   "def h(e, c):\n"
                   "  logging.debug('detail', extra={'order': 7})\n"
                   "  try: 1/0\n"
                   "  except ZeroDivisionError: logging.exception('sum')\n"
                   "  print('plain')\n"
                   "  raise ValueError('no')\n",
                   0644);
    world_set_function(&world, "python3.11", "app.h", 8000);

    world_invoke(&world, "1");

    SAYS(world.log, "\"level\": \"DEBUG\", \"message\": \"detail\", \"logger\": \"root\", "
                    "\"requestId\": \"");
    SAYS(world.log, "\"order\": 7}");
    SAYS(world.log, "\"errorType\": \"ZeroDivisionError\", \"errorMessage\": \"division by "
                    "zero\"");
    SAYS(world.log, "\"message\":\"plain\"}");
    SAYS(world.log, "\"log_level\": \"ERROR\", \"errorMessage\": \"no\", \"errorType\": "
                    "\"ValueError\", \"requestId\": \"");
    world_end(&world);
}
END_TEST

/* ---- Node ---- */

static const struct lesson node[] = {
    { "an async handler answers with what it returns", "index.mjs",
      "export const h = async (e, c) => ({ got: e, f: c.functionName });\n", "index.h",
      "{\"a\":1}", OK, "{\"got\":{\"a\":1},\"f\":\"f\"}", NULL },
    { "CommonJS is loaded too, from a folder, by a nested name", "src/app.js",
      "exports.api = { get: async (e) => e };\n", "src/app.api.get", "7", OK, "7", NULL },
    { "module syntax in a file that is none is a syntax error", "index.cjs",
      "import fs from 'node:fs';\n", "index.h", "1", ERROR,
      "{\"errorType\":\"Runtime.UserCodeSyntaxError\"*", NULL },
    { "a callback answers", "index.js", "exports.h = (e, c, done) => done(null, e + 1);\n",
      "index.h", "1", OK, "2", NULL },
    { "a callback's answer waits for the event loop to be empty", "index.js",
      "exports.h = (e, c, done) => { setTimeout(() => console.log('late'), 100); done(null, "
      "'x'); };\n",
      "index.h", "1", OK, "\"x\"", "\tINFO\tlate\n" },
    { "unless the handler does not want that", "index.js",
      "exports.h = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false;\n"
      "  setInterval(() => {}, 100000); done(null, 'now'); };\n",
      "index.h", "1", OK, "\"now\"", NULL },
    { "a callback's error is the error", "index.js",
      "exports.h = (e, c, done) => done(new RangeError('far'));\n", "index.h", "1", ERROR,
      "{\"errorType\":\"RangeError\",\"errorMessage\":\"far\",\"trace\":[*",
      "\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\",\"errorMessage\":\"far\"" },
    { "a callback's error may be a text", "index.js", "exports.h = (e, c, d) => d('oops');\n",
      "index.h", "1", ERROR,
      "{\"errorType\":\"string\",\"errorMessage\":\"oops\",\"trace\":[]}", NULL },
    { "context.succeed and its kind answer at once", "index.js",
      "exports.h = (e, c) => c.succeed('s');\n", "index.h", "1", OK, "\"s\"", NULL },
    { "context.fail without a reason is handled", "index.js",
      "exports.h = (e, c) => c.fail();\n", "index.h", "1", ERROR,
      "{\"errorType\":\"string\",\"errorMessage\":\"handled\",\"trace\":[]}", NULL },
    { "a handler that says nothing answers null", "index.js", "exports.h = () => {};\n",
      "index.h", "1", OK, "null", NULL },
    { "a promise that nobody keeps answers null", "index.mjs",
      "export const h = () => new Promise(() => {});\n", "index.h", "1", OK, "null", NULL },
    { "a throw comes with its trace", "index.mjs",
      "export const h = async () => { throw new TypeError('no'); };\n", "index.h", "1", ERROR,
      "{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"trace\":[\"TypeError: no\",*",
      NULL },
    { "what cannot be written as JSON is an error", "index.mjs",
      "export const h = async () => { const a = {}; a.a = a; return a; };\n", "index.h", "1",
      ERROR,
      "{\"errorType\":\"Error\",\"errorMessage\":\"Unable to stringify response body\",*",
      NULL },
    { "an exception nobody catches ends the process and is told", "index.js",
      "exports.h = (e, c, done) => { setTimeout(() => { throw new Error('later'); }, 10); };\n",
      "index.h", "1", ERROR, "{\"errorType\":\"Error\",\"errorMessage\":\"later\",\"trace\":[*",
      "\tERROR\tUncaught Exception \t{" },
    { "and so does a rejection nobody handles", "index.mjs",
      "export const h = async () => { Promise.reject(new Error('why')); await new "
      "Promise((r) => setTimeout(r, 1000)); };\n",
      "index.h", "1", ERROR,
      "{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"Error: "
      "why\",\"trace\":[*",
      NULL },
    { "process.exit ends it", "index.mjs", "export const h = async () => process.exit(4);\n",
      "index.h", "1", ERROR, "{\"errorType\":\"Runtime.ExitError\"*", "exit status 4" },
    { "a module that is not there cannot be imported", "other.mjs", "", "index.h", "1", ERROR,
      "{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"Error: Cannot find "
      "module 'index'\\nRequire stack:*",
      NULL },
    { "a handler that is not there is not exported", "index.mjs", "export const x = 1;\n",
      "index.h", "1", ERROR,
      "{\"errorType\":\"Runtime.HandlerNotFound\",\"errorMessage\":\"index.h is undefined or "
      "not exported\",*",
      NULL },
    { "a handler must be a function", "index.mjs", "export const h = 1;\n", "index.h", "1",
      ERROR,
      "{\"errorType\":\"Runtime.HandlerNotFound\",\"errorMessage\":\"index.h is not a "
      "function\",*",
      NULL },
    { "a name without a dot is malformed", "index.mjs", "", "index", "1", ERROR,
      "{\"errorType\":\"Runtime.MalformedHandlerName\",\"errorMessage\":\"Bad handler\",*",
      NULL },
    { "a throw at import is the error of the init", "index.mjs",
      "throw new Error('no config');\n", "index.h", "1", ERROR,
      "{\"errorType\":\"Error\",\"errorMessage\":\"no config\",*", "INIT_REPORT" },
    { "a stream is written while it is made", "index.mjs",
      "export const h = awslambda.streamifyResponse(async (e, out, c) => {\n"
      "  out.setContentType('text/plain'); out.write('one '); out.write({ two: 2 });\n"
      "  out.end(); });\n",
      "index.h", "1", OK, "one {\"two\":2}", NULL },
    { "an HTTP response has its prelude", "index.mjs",
      "export const h = awslambda.streamifyResponse(async (e, out) => {\n"
      "  out = awslambda.HttpResponseStream.from(out, { statusCode: 201 });\n"
      "  out.write('x'); out.end(); });\n",
      "index.h", "1", OK, "{\"statusCode\":201}", NULL },
    { "a stream that fails says so", "index.mjs",
      "export const h = awslambda.streamifyResponse(async (e, out) => {\n"
      "  out.write('x'); throw new RangeError('late'); });\n",
      "index.h", "1", ERROR,
      "{\"errorType\":\"RangeError\",\"errorMessage\":\"late\",\"trace\":[*",
      "\tInvoke Error \t" },
    { "a stream that is not ended is an error", "index.mjs",
      "export const h = awslambda.streamifyResponse(async (e, out) => { out.write('x'); });\n",
      "index.h", "1", ERROR,
      "{\"errorType\":\"string\",\"errorMessage\":\"Response stream is not "
      "finished.\",\"trace\":[]}",
      NULL },
    { "a large event comes whole", "index.mjs", "export const h = async (e) => e.length;\n",
      "index.h", NULL, OK, "3000000", NULL },
};

static const char *
large_event(void)
{
    static char event[3000003];

    memset(event, 'x', sizeof(event) - 1);
    event[0] = event[sizeof(event) - 2] = '"';
    return event;
}

START_TEST(a_node_function_finds_what_it_knows_from_lambda)
{
    if (access("/usr/bin/node", X_OK) != 0 && access("/usr/local/bin/node", X_OK) != 0) {
        printf("skipped: no node in /usr/bin or /usr/local/bin\n");
        return;
    }
    struct lesson lesson = node[_i];
    lesson.event = lesson.event == NULL ? large_event() : lesson.event;
    teach(&lesson, "nodejs20.x");
}
END_TEST

START_TEST(a_package_json_may_make_js_files_modules)
{
    struct world world;
    world_begin_with(&world, false, &(struct mr_runtime_options){ .init_ms = 8000 });
    world_put_file(&world, "package.json", "{\"type\":\"module\"}", 0644);
    world_put_file(&world, "lib/index.js",
                   "import { sep } from 'node:path';\nexport const h = async () => sep;\n",
                   0644);
    world_set_function(&world, "nodejs20.x", "lib/index.h", 8000);

    world_invoke(&world, "1");

    ck_assert_str_eq(world.payload, "\"/\"");
    world_end(&world);
}
END_TEST

START_TEST(a_node_function_logs_json_where_that_is_asked_for)
{
    struct world world;
    world_begin_with(&world, false, &(struct mr_runtime_options){ .init_ms = 8000 });
    world.function.log_format = MR_FUNCTION_LOG_JSON;
    world_put_file(&world, "index.mjs",
                   "export const h = async () => {\n"
                   "  console.log({ order: 7 }); console.debug('not this');\n"
                   "  console.warn('two', 'parts'); throw new RangeError('far'); };\n",
                   0644);
    world_set_function(&world, "nodejs20.x", "index.h", 8000);

    world_invoke(&world, "1");

    SAYS(world.log, "\"level\":\"INFO\",\"requestId\":\"");
    SAYS(world.log, "\"message\":{\"order\":7}}");
    SAYS(world.log, "\"level\":\"WARN\"");
    SAYS(world.log, "\"message\":\"two parts\"}");
    SAYS(world.log, "\"message\":{\"errorType\":\"RangeError\",\"errorMessage\":\"far\"");
    ck_assert_ptr_null(strstr(world.log, "not this"));
    world_end(&world);
}
END_TEST

static const struct {
    const char *runtime, *file, *source, *handler;
} workers[] = {
    { "python3.11", "app.py", "import time\ndef h(e, c):\n  time.sleep(0.5)\n  return e\n",
      "app.h" },
    { "nodejs20.x", "index.mjs",
      "export const h = (e) => new Promise((r) => setTimeout(() => { console.log('at', e); "
      "r(e); "
      "}, 500));\n",
      "index.h" },
};

START_TEST(a_function_may_take_many_at_a_time_in_one_environment)
{
    struct world world;
    world_begin_with(&world, false, &(struct mr_runtime_options){ .init_ms = 8000 });
    world.function.max_concurrency = 4;
    world_put_file(&world, workers[_i].file, workers[_i].source, 0644);
    world_set_function(&world, workers[_i].runtime, workers[_i].handler, 8000);
    world_invoke(&world, "0");
    uint64_t before_us = mr_clock_now_us(mr_clock_system());

    for (int i = 0; i < 4; i++) {
        const struct mr_invocation_request request = { .function = MR_SLICE("f"),
                                                       .payload = MR_SLICE("1") };
        mr_runtime_invoke(world.runtime, &request, world_on_done, &world);
    }
    while (world.done < 5) {
        mr_loop_run_once(world.loop, 10);
    }

    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - before_us;
    ck_assert_msg(took_us < 1500000, "%d us\n%s", (int)took_us, world.log);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 1);
    ck_assert_int_eq(world.outcome, MR_INVOCATION_OK);
    world_end(&world);
}
END_TEST

MR_SUITE("runtime.bootstraps", MR_TEST(a_package_json_may_make_js_files_modules),
         MR_TEST(a_node_function_logs_json_where_that_is_asked_for),
         MR_TEST_LOOP(a_function_may_take_many_at_a_time_in_one_environment, 2),
         MR_TEST_LOOP(a_python_function_finds_what_it_knows_from_lambda,
                      sizeof(python) / sizeof(python[0])),
         MR_TEST(a_python_function_of_today_answers_with_text_as_it_is),
         MR_TEST(a_python_function_logs_json_where_that_is_asked_for),
         MR_TEST_LOOP(a_node_function_finds_what_it_knows_from_lambda,
                      sizeof(node) / sizeof(node[0])))
