#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "control/daemon.h"
#include "sandbox/remove_tree.h"
#include "tests/suite.h"

enum { PATIENCE_S = 30 };

static char directory[64];
static struct mr_keeper keeper = { .fd = -1 };
static struct mr_loop *loop;
static struct mr_millraced *millraced;
static struct mr_http_client *client;
static int status;
static char body[4096];
static bool done;

static void
on_answer(const struct mr_http_result *result, void *context)
{
    (void)context;
    status = result->status;
    size_t size = result->body->size < sizeof(body) - 1 ? result->body->size : sizeof(body) - 1;
    memcpy(body, result->body->data, size);
    body[size] = '\0';
    done = true;
}

static int
ask(const char *method, const char *path, const char *text)
{
    mr_auto_free char *url =
        mr_format("http://127.0.0.1:%u%s", mr_millraced_port(millraced), path);
    time_t until = time(NULL) + PATIENCE_S;

    done = false;
    mr_http_client_send(client,
                        &(struct mr_http_call_options){
                            .method = method, .url = url, .body = mr_slice_str(text) },
                        on_answer, NULL);
    while (!done && time(NULL) < until) {
        mr_loop_run_once(loop, 20);
    }
    ck_assert_msg(done, "%s %s was not answered", method, path);
    return status;
}

static void
write_bootstrap(const char *code)
{
    mr_auto_free char *path = mr_format("%s/bootstrap", code);

    ck_assert_int_eq(mkdir(code, 0755), 0);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("#!/bin/sh\n"
          "api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\n"
          "while true; do\n"
          "id=$(curl -sS -D - -o /dev/null $api/next | tr -d '\\r' |\n"
          "  sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')\n"
          "curl -sS -o /dev/null -d '{\"hello\":1}' $api/$id/response\n"
          "done\n",
          file);
    fclose(file);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static void
open_daemon(void)
{
    struct mr_error err = { 0 };
    snprintf(directory, sizeof(directory), "/tmp/millrace-daemon-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chmod(directory, 0755), 0);
    mr_auto_free char *data = mr_format("%s/a/b", directory);
    const struct mr_sandboxd_options sandbox = { .quiet = true };
    ck_assert_int_eq(mr_keeper_start(&keeper, SANDBOXD_PATH, &sandbox, &err), 0);
    loop = mr_loop_new(NULL);
    client = mr_http_client_new(loop);
    const struct mr_millraced_options options = {
        .data = data,
        .listen_tcp = true,
        .keeper = &keeper,
    };
    millraced = mr_millraced_new(loop, &options, &err);
    ck_assert_msg(millraced != NULL, "%s", err.text);
}

static void
on_stopped(void *context)
{
    *(bool *)context = true;
}

static void
close_daemon(void)
{
    bool stopped = false;

    mr_millraced_stop(millraced, 2000, on_stopped, &stopped);
    while (!stopped) {
        mr_loop_run_once(loop, 50);
    }
    mr_millraced_free(millraced);
    mr_http_client_free(client);
    mr_loop_free(loop);
    mr_keeper_stop(&keeper);
    mr_remove_tree(AT_FDCWD, directory);
}

static void
create_function(void)
{
    mr_auto_free char *code = mr_format("%s/code", directory);
    write_bootstrap(code);
    mr_auto_free char *text = mr_format(
        "{\"FunctionName\":\"f\",\"Runtime\":\"provided.al2023\",\"Handler\":\"h\",\"Role\":"
        "\"arn:aws:iam::123456789012:role/r\",\"Timeout\":20,\"Code\":{\"S3Bucket\":"
        "\"local-directory\",\"S3Key\":\"%s\"}}",
        code);
    ck_assert_msg(ask("POST", "/2015-03-31/functions", text) == 201, "%s", body);
}

static int
invoke(void)
{
    return ask("POST", "/2015-03-31/functions/f/invocations", "{}");
}

/* The only child of a process; 0: none. */
static pid_t
child_of(pid_t parent)
{
    mr_auto_free char *path = mr_format("/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    int child = 0;

    ck_assert_ptr_nonnull(file);
    if (fscanf(file, "%d", &child) != 1) {
        child = 0;
    }
    fclose(file);
    return child;
}

START_TEST(a_killed_sandboxd_comes_back_and_costs_no_function_error)
{
    open_daemon();
    create_function();
    ck_assert_int_eq(invoke(), 200);
    ck_assert_str_eq(body, "{\"hello\":1}");
    pid_t first = child_of(keeper.pid);

    ck_assert_int_eq(kill(first, SIGKILL), 0);

    time_t until = time(NULL) + PATIENCE_S;
    while (invoke() != 200 && time(NULL) < until) {
        ck_assert_msg(status == 500, "%d %s", status, body);
        usleep(20000);
    }
    ck_assert_str_eq(body, "{\"hello\":1}");
    ck_assert_int_ne(child_of(keeper.pid), first);
    close_daemon();
}
END_TEST

START_TEST(the_keeper_and_what_it_keeps_end_with_us)
{
    open_daemon();
    pid_t sandboxd = child_of(keeper.pid);
    ck_assert_int_gt(sandboxd, 0);

    close_daemon();

    for (int i = 0; i < 200 && kill(sandboxd, 0) == 0; i++) {
        usleep(20000);
    }
    ck_assert_int_eq(kill(sandboxd, 0), -1);
}
END_TEST

START_TEST(the_status_says_what_isolation_is_in_force)
{
    open_daemon();

    ck_assert_int_eq(ask("GET", "/_millrace/status", ""), 200);

    ck_assert_ptr_nonnull(strstr(body, "\"isolation\":\"L"));
    ck_assert_ptr_nonnull(strstr(body, "seccomp"));
    close_daemon();
}
END_TEST

START_TEST(a_data_directory_has_one_daemon)
{
    struct mr_error err = { 0 };
    open_daemon();
    mr_auto_free char *data = mr_format("%s/a/b", directory);
    const struct mr_millraced_options options = { .data = data };

    ck_assert_ptr_null(mr_millraced_new(loop, &options, &err));

    ck_assert_int_eq(err.code, -EBUSY);
    ck_assert_ptr_nonnull(strstr(err.text, "in use by another millraced"));
    close_daemon();
}
END_TEST

START_TEST(an_endpoint_that_is_no_url_is_one_line)
{
    struct mr_error err = { 0 };
    loop = mr_loop_new(NULL);
    const struct mr_millraced_options options = {
        .data = "/tmp",
        .kinesis = "nonsense",
    };

    ck_assert_ptr_null(mr_millraced_new(loop, &options, &err));

    ck_assert_msg(strstr(err.text, "kinesis at nonsense") != NULL, "%s", err.text);
    mr_loop_free(loop);
}
END_TEST

MR_SUITE("control.daemon", MR_TEST(a_killed_sandboxd_comes_back_and_costs_no_function_error),
         MR_TEST(the_keeper_and_what_it_keeps_end_with_us),
         MR_TEST(the_status_says_what_isolation_is_in_force),
         MR_TEST(a_data_directory_has_one_daemon),
         MR_TEST(an_endpoint_that_is_no_url_is_one_line))
