/* What an environment starts: the program, its arguments and its variables. */
#include "runtime/inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"

struct interpreter {
    const char *prefix;
    const char *folder;
    const char *script;
    const char *names[2];
};

static const struct interpreter interpreters[] = {
    { "python3", "python3", "bootstrap.py", { "python3", NULL } },
    { "nodejs", "nodejs", "bootstrap.mjs", { "node", "nodejs" } },
};

static const struct interpreter *
interpreter_of(struct mr_slice runtime)
{
    for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
        if (mr_slice_starts_with(runtime, mr_slice_str(interpreters[i].prefix))) {
            return &interpreters[i];
        }
    }
    return NULL;
}

static bool
brings_bootstrap(const struct mr_function *function, struct mr_arena *arena,
                 struct mr_slice *out_path)
{
    if (access(mr_arena_printf(arena, "%.*s/bootstrap", MR_SLICE_ARGS(function->code_dir)),
               X_OK) == 0) {
        *out_path = MR_SLICE("/var/task/bootstrap");
        return true;
    }
    for (size_t i = 0; i < function->layer_count; i++) {
        if (access(mr_arena_printf(arena, "%.*s/bootstrap", MR_SLICE_ARGS(function->layers[i])),
                   X_OK) == 0) {
            *out_path = MR_SLICE("/opt/bootstrap");
            return true;
        }
    }
    return false;
}

/* Inside a sandbox only /usr is to be seen. */
static const char *
find_interpreter(const struct interpreter *interpreter, struct mr_arena *arena)
{
    static const char *const places[] = { "/usr/local/bin", "/usr/bin" };

    for (size_t n = 0; n < 2 && interpreter->names[n] != NULL; n++) {
        for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
            const char *path =
                mr_arena_printf(arena, "%s/%s", places[p], interpreter->names[n]);
            if (access(path, X_OK) == 0) {
                return path;
            }
        }
    }
    return NULL;
}

int
program_check(const struct mr_function *function, struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    const struct interpreter *interpreter = interpreter_of(function->runtime);
    struct mr_slice path;

    if (mr_slice_starts_with(function->runtime, MR_SLICE("provided")) ||
        function->runtime.size == 0 || brings_bootstrap(function, &arena, &path)) {
        return 0;
    }
    if (interpreter == NULL) {
        return mr_fail(
            err, -EINVAL,
            "runtime %.*s does not run here by itself: put its runtime client and an "
            "executable `bootstrap` into the package, or use provided.al2023, python3.x "
            "or nodejs2x.x",
            MR_SLICE_ARGS(mr_slice_first(function->runtime, 40)));
    }
    if (find_interpreter(interpreter, &arena) == NULL) {
        return mr_fail(
            err, -EINVAL, "runtime %.*s needs %s in /usr/bin or /usr/local/bin: install it",
            MR_SLICE_ARGS(mr_slice_first(function->runtime, 40)), interpreter->names[0]);
    }
    return 0;
}

/* ---- extensions ---- */

static int
by_name(const void *a, const void *b)
{
    return mr_slice_compare(*(const struct mr_slice *)a, *(const struct mr_slice *)b);
}

static bool
is_listed(const struct program *program, const char *name)
{
    for (size_t i = 0; i < program->extension_count; i++) {
        if (mr_slice_is(program->extensions[i], name)) {
            return true;
        }
    }
    return false;
}

/* The executable files of one layer's `extensions` folder. */
static int
list_extensions(struct mr_slice layer, struct mr_arena *arena, struct program *program,
                struct mr_error *err)
{
    const char *folder = mr_arena_printf(arena, "%.*s/extensions", MR_SLICE_ARGS(layer));
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {
        const char *path = mr_arena_printf(arena, "%s/%s", folder, entry->d_name);
        struct stat about;
        if (stat(path, &about) < 0 || !S_ISREG(about.st_mode) || access(path, X_OK) < 0 ||
            is_listed(program, entry->d_name)) {
            continue;
        }
        if (program->extension_count == MR_SUPERVISOR_MAX_EXTENSIONS) {
            rc = mr_fail(err, -E2BIG, "Extension limit (10) reached");
        } else {
            program->extensions[program->extension_count++] =
                mr_arena_copy(arena, mr_slice_str(entry->d_name));
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return rc;
}

/* A file with this name in a layer turns extensions off, as on Lambda. */
static bool
are_disabled(const struct mr_function *function, struct mr_arena *arena)
{
    for (size_t i = 0; i < function->layer_count; i++) {
        if (access(mr_arena_printf(arena, "%.*s/disable-extensions-jwigqn8j",
                                   MR_SLICE_ARGS(function->layers[i])),
                   F_OK) == 0) {
            return true;
        }
    }
    return false;
}

static int
find_extensions(const struct mr_function *function, struct mr_arena *arena,
                struct program *program, struct mr_error *err)
{
    program->extensions =
        mr_arena_zero(arena, MR_SUPERVISOR_MAX_EXTENSIONS * sizeof(*program->extensions));
    if (are_disabled(function, arena)) {
        return 0;
    }
    for (size_t i = 0; i < function->layer_count; i++) {
        if (list_extensions(function->layers[i], arena, program, err) < 0) {
            return err->code;
        }
    }
    qsort(program->extensions, program->extension_count, sizeof(*program->extensions), by_name);
    program->supervised = program->extension_count > 0;
    return 0;
}

/* The supervisor goes before the program and its arguments. */
static int
put_supervisor(const char *bootstraps, struct mr_arena *arena, struct program *program,
               struct mr_error *err)
{
    size_t count = 0, room = program->arg_count + program->extension_count + 2;
    struct mr_slice *args = mr_arena_zero(arena, room * sizeof(*args));

    if (bootstraps == NULL ||
        access(mr_arena_printf(arena, "%s/supervisor", bootstraps), X_OK) < 0) {
        return mr_fail(err, -ENOEXEC,
                       "external extensions need the program `supervisor` in %s: it is built "
                       "and installed with the others",
                       bootstraps == NULL ? "the bootstraps' directory" : bootstraps);
    }
    args[count++] = MR_SLICE("/var/runtime/supervisor");
    for (size_t i = 0; i < program->extension_count; i++) {
        args[count++] = mr_slice_str(mr_arena_printf(arena, "/opt/extensions/%.*s",
                                                     MR_SLICE_ARGS(program->extensions[i])));
    }
    args[count++] = MR_SLICE("--");
    for (size_t i = 0; i < program->arg_count; i++) {
        args[count++] = program->args[i];
    }
    program->args = args;
    program->arg_count = count;
    program->runtime_dir = mr_slice_str(bootstraps);
    return 0;
}

/* The customer's AWS_LAMBDA_EXEC_WRAPPER; managed runtimes alone heed it. */
static struct mr_slice
wrapper_of(const struct mr_function *function)
{
    for (size_t i = 0; i < function->environment_count; i++) {
        struct mr_slice value = function->environment[i];
        if (mr_slice_is(mr_slice_cut(&value, '='), "AWS_LAMBDA_EXEC_WRAPPER")) {
            return value;
        }
    }
    return (struct mr_slice){ 0 };
}

enum { MAX_OWN_ARGS = 8 };

/* gdbserver starts the program, stops it at its first instruction, and waits for a debugger. */
static void
put_debugger(uint16_t port, struct mr_arena *arena, struct program *program)
{
    program->args[program->arg_count++] = MR_SLICE("/usr/bin/gdbserver");
    program->args[program->arg_count++] = MR_SLICE("--once");
    program->args[program->arg_count++] = MR_SLICE("--no-startup-with-shell");
    program->args[program->arg_count++] =
        mr_slice_str(mr_arena_printf(arena, "127.0.0.1:%u", port));
}

static int
find_args(struct environment *environment, struct mr_arena *arena, struct program *program,
          struct mr_error *err)
{
    const struct mr_function *function = &environment->entry->function;
    const struct interpreter *interpreter = interpreter_of(function->runtime);
    const char *bootstraps = environment->runtime->options.bootstraps;

    struct stat code;
    const char *code_dir = mr_arena_cstr(arena, function->code_dir);
    if (stat(code_dir, &code) < 0 || !S_ISDIR(code.st_mode)) {
        return mr_fail(err, -ENOTDIR, "the code directory %s is not there", code_dir);
    }
    program->args = mr_arena_zero(arena, MAX_OWN_ARGS * sizeof(*program->args));
    if (function->debug_port > 0) {
        put_debugger(function->debug_port, arena, program);
    }
    if (brings_bootstrap(function, arena, &program->args[program->arg_count])) {
        program->arg_count++;
        return 0;
    }
    const char *binary = interpreter == NULL ? NULL : find_interpreter(interpreter, arena);
    if (binary == NULL || bootstraps == NULL) {
        return mr_fail(
            err, -ENOENT,
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
    }
    struct mr_slice wrapper = wrapper_of(function);
    if (wrapper.size > 0) {
        program->args[program->arg_count++] = wrapper;
    }
    program->args[program->arg_count++] = mr_slice_str(binary);
    program->args[program->arg_count++] = mr_slice_str(
        mr_arena_printf(arena, "/var/runtime/%s/%s", interpreter->folder, interpreter->script));
    program->args[program->arg_count++] = function->handler;
    program->runtime_dir = mr_slice_str(bootstraps);
    program->managed = true;
    return 0;
}

/* ---- variables ---- */

enum { MAX_OWN_VARIABLES = 40 };

static struct mr_slice
name_of(struct mr_slice pair)
{
    ptrdiff_t equals = mr_slice_find(pair, '=');

    return mr_slice_first(pair, equals < 0 ? pair.size : (size_t)equals + 1);
}

/* Later wins. */
static void
put(struct program *program, struct mr_slice pair)
{
    struct mr_slice name = name_of(pair);

    for (size_t i = 0; i < program->env_count; i++) {
        if (mr_slice_starts_with(program->env[i], name)) {
            program->env[i] = pair;
            return;
        }
    }
    program->env[program->env_count++] = pair;
}

#define PUT(...) put(program, mr_slice_str(mr_arena_printf(arena, __VA_ARGS__)))

static void
put_defaults(struct program *program)
{
    static const char *const defaults[] = {
        "AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
        "LANG=en_US.UTF-8",
        "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/"
        "task:/"
        "var/task/lib:/opt/lib",
        "TZ=:UTC",
    };

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        put(program, mr_slice_str(defaults[i]));
    }
}

/* nodejs20.x -> .../node20/... */
static void
put_node_path(const struct mr_function *function, struct mr_arena *arena,
              struct program *program)
{
    struct mr_slice digits = mr_slice_from(function->runtime, 6);
    size_t count = 0;

    while (count < digits.size && digits.data[count] >= '0' && digits.data[count] <= '9') {
        count++;
    }
    PUT("NODE_PATH=/opt/nodejs/node%.*s/node_modules:/opt/nodejs/node_modules:"
        "/var/runtime/node_modules:/var/runtime:/var/task",
        (int)count, (const char *)digits.data);
}

static void
put_log_stream(struct environment *environment, struct mr_arena *arena, struct program *program)
{
    const struct mr_function *function = &environment->entry->function;
    time_t now = (time_t)(mr_clock_wall_ms(mr_loop_clock(environment->runtime->loop)) / 1000);
    struct tm utc;

    gmtime_r(&now, &utc);
    PUT("AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/%.*s", MR_SLICE_ARGS(function->name));
    PUT("AWS_LAMBDA_LOG_STREAM_NAME=%04d/%02d/%02d/[%.*s]%016llx%016llx", utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, MR_SLICE_ARGS(function->version),
        (unsigned long long)mr_random_u64(&environment->runtime->random),
        (unsigned long long)mr_random_u64(&environment->runtime->random));
}

/* No daemon is started here; an SDK that sends to it loses a datagram, as it may on Lambda. */
static void
put_xray(struct environment *environment, struct mr_arena *arena, struct program *program)
{
    bool own = environment->entry->function.network == MR_FUNCTION_NETWORK_NONE;
    const char *host = own ? "169.254.100.1" : "127.0.0.1";

    PUT("AWS_XRAY_DAEMON_ADDRESS=%s:2000", host);
    PUT("_AWS_XRAY_DAEMON_ADDRESS=%s", host);
    PUT("_AWS_XRAY_DAEMON_PORT=2000");
}

const char *
program_init_type(const struct environment *environment)
{
    const struct mr_function *function = &environment->entry->function;

    return function->max_concurrency > 0 ? "lambda-managed-instances"
           : function->snap_start        ? "snap-start"
                                         : "on-demand";
}

static void
put_platform(struct environment *environment, struct mr_arena *arena, struct program *program)
{
    static const char *const levels[] = { "INFO", "TRACE", "DEBUG", "INFO",
                                          "WARN", "ERROR", "FATAL" };
    const struct mr_function *function = &environment->entry->function;
    const char *region = environment->runtime->options.region;

    put_log_stream(environment, arena, program);
    PUT("_HANDLER=%.*s", MR_SLICE_ARGS(function->handler));
    PUT("LAMBDA_TASK_ROOT=/var/task");
    PUT("LAMBDA_RUNTIME_DIR=/var/runtime");
    PUT("AWS_REGION=%s", region);
    PUT("AWS_DEFAULT_REGION=%s", region);
    PUT("AWS_LAMBDA_FUNCTION_NAME=%.*s", MR_SLICE_ARGS(function->name));
    PUT("AWS_LAMBDA_FUNCTION_VERSION=%.*s", MR_SLICE_ARGS(function->version));
    PUT("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%u", function->memory_mb);
    PUT("AWS_LAMBDA_INITIALIZATION_TYPE=%s", program_init_type(environment));
    put_xray(environment, arena, program);
    if (function->snap_start) {
        mr_random_uuid(&environment->runtime->random, environment->token);
        PUT("AWS_CONTAINER_AUTHORIZATION_TOKEN=%s", environment->token);
    }
    if (program->managed) {
        PUT("AWS_EXECUTION_ENV=AWS_Lambda_%.*s", MR_SLICE_ARGS(function->runtime));
    }
    if (function->log_format == MR_FUNCTION_LOG_JSON) {
        PUT("AWS_LAMBDA_LOG_FORMAT=JSON");
        PUT("AWS_LAMBDA_LOG_LEVEL=%s", levels[function->application_log_level]);
    }
    if (function->max_concurrency > 0) {
        PUT("AWS_LAMBDA_MAX_CONCURRENCY=%u", function->max_concurrency);
    } else {
        /* Frames and plain text share one pipe; log_lines tells them apart. */
        PUT("_LAMBDA_TELEMETRY_LOG_FD=1");
    }
}

int
program_of(struct environment *environment, struct mr_arena *arena, struct program *out_program,
           struct mr_error *err)
{
    const struct mr_function *function = &environment->entry->function;
    const struct mr_runtime_options *options = &environment->runtime->options;
    struct program *program = out_program;
    size_t room = MAX_OWN_VARIABLES + function->environment_count + options->environment_count;

    *program = (struct program){ .env = mr_arena_zero(arena, room * sizeof(*program->env)) };
    if (find_args(environment, arena, program, err) < 0) {
        return err->code;
    }
    put_defaults(program);
    if (program->managed && mr_slice_starts_with(function->runtime, MR_SLICE("nodejs"))) {
        put_node_path(function, arena, program);
    } else if (program->managed) {
        put(program, MR_SLICE("PYTHONPATH=/var/runtime"));
    }
    for (size_t i = 0; i < options->environment_count; i++) {
        put(program, options->environment[i]);
    }
    for (size_t i = 0; i < function->environment_count; i++) {
        put(program, function->environment[i]);
    }
    put_platform(environment, arena, program);
    if (find_extensions(function, arena, program, err) < 0) {
        return err->code;
    }
    return program->supervised ? put_supervisor(options->bootstraps, arena, program, err) : 0;
}
