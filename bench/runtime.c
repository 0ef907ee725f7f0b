/*
 * runtime: invocations a second through a handler, alone and eight at a time.
 *
 *     bench_runtime RUNTIME HANDLER CODE_DIR [sandbox]
 *
 * RUNTIME is provided.al2023, python3.12, nodejs20.x ...; CODE_DIR is absolute.
 * Prints invocations/s, p50 and p99 from invoke to result, of cold starts too, our own CPU,
 * and, for a package with a bootstrap, the same handler behind a bare C server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bare_server.h"
#include "runtime/runtime.h"

enum { ROUNDS = 20000, LANES = 8, COLD_STARTS = 30 };

static struct mr_loop *loop;
static struct mr_runtime *runtime;
static uint64_t times_us[ROUNDS];
static uint64_t begun_us[LANES];
static int asked, answered, rounds, failed;
static bool stopped;

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

static void on_done(const struct mr_invocation_result *result, void *context);

static void
ask(uint64_t *begun)
{
    const struct mr_invocation_request request = { .function = MR_SLICE("f"),
                                                   .payload = MR_SLICE("{\"Records\":[]}") };

    asked++;
    *begun = now_us();
    mr_runtime_invoke(runtime, &request, on_done, begun);
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    uint64_t *begun = context;

    if (result->outcome != MR_INVOCATION_OK && failed++ == 0) {
        fprintf(stderr, "failed: %.*s%.*s\n", MR_SLICE_ARGS(result->payload),
                MR_SLICE_ARGS(result->reason));
    }
    times_us[answered++] = now_us() - *begun;
    if (asked < rounds) {
        ask(begun);
    }
}

static int
by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void
show(const char *what, int count, uint64_t took_us)
{
    qsort(times_us, (size_t)count, sizeof(times_us[0]), by_size);
    printf("%-22s %9.0f/s   p50 %6llu us   p99 %6llu us   failed %d\n", what,
           (double)count * 1e6 / (double)took_us, (unsigned long long)times_us[count / 2],
           (unsigned long long)times_us[count * 99 / 100], failed);
}

/* The same handler behind the least a server can be: what is added to that is ours. */
static void
measure_bare(const char *code_dir, int count)
{
    uint64_t took_us = bare_server_measure(code_dir, times_us, count);

    if (took_us > 0) {
        show("a bare C server", count, took_us);
    }
}

static uint64_t
cpu_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void
measure(const char *what, int count, int lanes)
{
    asked = answered = 0;
    rounds = count;
    uint64_t start = now_us(), cpu = cpu_us();
    for (int i = 0; i < lanes; i++) {
        ask(&begun_us[i]);
    }
    while (answered < rounds) {
        mr_loop_run_once(loop, 100);
    }
    uint64_t took_us = now_us() - start, used_us = cpu_us() - cpu;
    show(what, count, took_us);
    if (count > 1000) {
        printf("%-22s %9.1f us of our own CPU an invocation\n", "",
               (double)used_us / (double)count);
    }
}

/* Each on new code: from the invoke to a fresh process's answer. */
static void
measure_cold(const struct mr_function *function)
{
    static uint64_t cold_us[COLD_STARTS];
    uint64_t since_us = now_us();

    rounds = 1;
    for (int i = 0; i < COLD_STARTS; i++) {
        asked = answered = 0;
        if (mr_runtime_set_function(runtime, function, NULL) < 0) {
            return;
        }
        ask(&begun_us[0]);
        while (answered < 1) {
            mr_loop_run_once(loop, 100);
        }
        cold_us[i] = times_us[0];
    }
    memcpy(times_us, cold_us, sizeof(cold_us));
    show("cold", COLD_STARTS, now_us() - since_us);
}

static void
on_stopped(void *context)
{
    (void)context;
    stopped = true;
}

static bool
access_bootstrap(const char *code_dir)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/bootstrap", code_dir);
    return access(path, X_OK) == 0;
}

int
main(int argc, char **argv)
{
    struct mr_error err = { 0 };

    if (argc < 4) {
        fprintf(stderr, "usage: bench_runtime RUNTIME HANDLER CODE_DIR [sandbox]\n");
        return 2;
    }
    loop = mr_loop_new(NULL);
    bool sandboxed = argc > 4 && strcmp(argv[4], "sandbox") == 0;
    int fd = sandboxed ? mr_sandboxd_spawn(NULL, NULL, NULL, &err) : 0;
    if (fd < 0) {
        fprintf(stderr, "bench_runtime: %s\n", err.text);
        return 1;
    }
    struct mr_launcher *launcher =
        sandboxed ? mr_launcher_sandbox_new(loop, fd) : mr_launcher_plain_new(loop);
    const struct mr_runtime_options options = { .launcher = launcher,
                                                .bootstraps = getenv("BOOTSTRAPS") };
    runtime = mr_runtime_new(loop, &options);
    const struct mr_function function = {
        .name = MR_SLICE("f"),
        .runtime = mr_slice_str(argv[1]),
        .handler = mr_slice_str(argv[2]),
        .code_dir = mr_slice_str(argv[3]),
        .memory_mb = 1769,
        .concurrency = LANES,
    };
    if (mr_runtime_set_function(runtime, &function, &err) < 0) {
        fprintf(stderr, "bench_runtime: %s\n", err.text);
        return 1;
    }
    if (access_bootstrap(argv[3])) {
        measure_bare(argv[3], ROUNDS);
    }
    measure_cold(&function);
    measure("one after the other", ROUNDS, 1);
    measure("warm up eight", LANES * 20, LANES);
    measure("eight at a time", ROUNDS, LANES);
    mr_runtime_stop(runtime, on_stopped, NULL);
    while (!stopped) {
        mr_loop_run_once(loop, 100);
    }
    mr_runtime_free(runtime);
    mr_launcher_free(launcher);
    mr_loop_free(loop);
    return failed != 0;
}
