#include "tests/control/rig.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sandbox/remove_tree.h"

enum { PATIENCE_S = 30 };

static void
open_control(struct rig *rig)
{
    struct mr_error err = { 0 };
    const struct mr_control_options options = {
        .loop = rig->loop,
        .data = rig->directory,
        .launcher = rig->launcher,
        .open_source = mr_memory_stream_open,
        .open_context = rig->stream,
        .settle_ms = rig->settle_ms,
        .backoff_ms = 10,
        .seed = 1,
    };

    rig->control = mr_control_new(&options, &err);
    ck_assert_msg(rig->control != NULL, "%s", err.text);
    const struct mr_http_server_options server = { .handler = mr_control_handler(),
                                                   .context = rig->control };
    int fd = mr_net_listen_tcp("127.0.0.1", 0, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    rig->port = mr_net_port(fd);
    rig->server = mr_http_server_new(rig->loop, &server);
    ck_assert_int_eq(mr_http_server_listen_fd(rig->server, fd, NULL, NULL, &err), 0);
}

void
rig_open(struct rig *rig, bool is_virtual)
{
    *rig = (struct rig){ .is_virtual = is_virtual, .settle_ms = rig->settle_ms };
    snprintf(rig->directory, sizeof(rig->directory), "/tmp/millrace-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig->directory));
    mr_clock_virtual_init(&rig->clock, 1764088062000000);
    rig->loop = is_virtual ? mr_loop_new_virtual(&rig->clock) : mr_loop_new(NULL);
    rig->stream = mr_memory_stream_new(rig->loop, 2);
    rig->client = mr_http_client_new(rig->loop);
    rig->launcher = mr_launcher_plain_new(rig->loop);
    open_control(rig);
}

static void
on_stopped(void *context)
{
    (*(unsigned *)context)--;
}

static void
stop_control(struct rig *rig)
{
    unsigned left = 2;

    mr_control_stop(rig->control, 2000, on_stopped, &left);
    mr_http_server_stop(rig->server, 0, on_stopped, &left);
    while (left > 0) {
        mr_loop_run_once(rig->loop, 50);
    }
    mr_http_server_free(rig->server);
    mr_control_free(rig->control);
}

void
rig_restart(struct rig *rig)
{
    stop_control(rig);
    mr_launcher_free(rig->launcher);
    rig->launcher = mr_launcher_plain_new(rig->loop);
    open_control(rig);
}

void
rig_close(struct rig *rig)
{
    stop_control(rig);
    mr_launcher_free(rig->launcher);
    mr_http_client_free(rig->client);
    mr_memory_stream_free(rig->stream);
    json_decref(rig->answer);
    mr_loop_free(rig->loop);
    mr_remove_tree(AT_FDCWD, rig->directory);
}

static void
on_answer(const struct mr_http_result *result, void *context)
{
    struct rig *rig = context;
    struct mr_slice error =
        mr_http_header_get(result->headers, result->header_count, "x-amzn-errortype");

    ck_assert_msg(result->error == NULL, "%s",
                  result->error == NULL ? "" : result->error->text);
    rig->status = result->status;
    snprintf(rig->error, sizeof(rig->error), "%.*s", MR_SLICE_ARGS(error));
    json_decref(rig->answer);
    rig->answer = json_loadb((const char *)result->body->data, result->body->size, 0, NULL);
    rig->done = true;
}

static void
quote(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text == '\'' ? '"' : *text;
    }
}

static int
ask(struct rig *rig, const char *origin, const char *method, const char *path, const char *body)
{
    const struct mr_http_header header = { MR_SLICE("Origin"), mr_slice_str(origin) };
    mr_auto_free char *url = mr_format("http://127.0.0.1:%d%s", rig->port, path);
    mr_auto_free char *sent = mr_strdup(body != NULL ? body : "");
    time_t until = time(NULL) + PATIENCE_S;

    quote(sent);
    rig->done = false;
    mr_http_client_send(rig->client,
                        &(struct mr_http_call_options){ .method = method,
                                                        .url = url,
                                                        .headers = &header,
                                                        .header_count = origin != NULL,
                                                        .body = mr_slice_str(sent) },
                        on_answer, rig);
    while (!rig->done && time(NULL) < until) {
        mr_loop_run_once(rig->loop, 20);
    }
    ck_assert_msg(rig->done, "%s %s was not answered", method, path);
    return rig->status;
}

int
rig_ask(struct rig *rig, const char *method, const char *path, const char *body)
{
    return ask(rig, NULL, method, path, body);
}

int
rig_ask_from(struct rig *rig, const char *origin, const char *method, const char *path)
{
    return ask(rig, origin, method, path, NULL);
}

const char *
rig_text(const struct rig *rig, const char *member)
{
    const char *text = json_string_value(json_object_get(rig->answer, member));

    return text != NULL ? text : "";
}

void
rig_function(struct rig *rig, const char *name, const char *script)
{
    mr_auto_free char *folder = mr_format("%s/%s.code", rig->directory, name);
    mr_auto_free char *path = mr_format("%s/bootstrap", folder);
    mr_auto_free char *body = mr_format(
        "{'FunctionName':'%s','Runtime':'provided.al2023','Handler':'h','Role':"
        "'arn:aws:iam::123456789012:role/r','Code':{'S3Bucket':'local-directory','S3Key':'%s'},"
        "'Environment':{'Variables':{'SAID':'%s/said'}}}",
        name, folder, rig->directory);

    ck_assert_int_eq(mkdir(folder, 0755), 0);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "#!/bin/sh\n"
            "api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\n"
            "head=$(mktemp)\n"
            "trap 'rm -f $head' EXIT\n"
            "while true; do\n"
            "event=$(curl -sS -D $head $api/next)\n"
            "id=$(tr -d '\\r' <$head | sed -n "
            "'s/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')\n"
            "echo \"$event\" >>$SAID\n"
            "%s\n"
            "done\n",
            script);
    fclose(file);
    ck_assert_int_eq(chmod(path, 0755), 0);
    ck_assert_msg(rig_ask(rig, "POST", "/2015-03-31/functions", body) == 201, "%s",
                  rig_text(rig, "message"));
}

void
rig_until(struct rig *rig, bool (*check)(struct rig *rig))
{
    time_t until = time(NULL) + PATIENCE_S;

    while (!check(rig) && time(NULL) < until) {
        mr_loop_run_once(rig->loop, 20);
    }
    ck_assert_msg(check(rig), "it did not happen");
}

size_t
rig_said(const struct rig *rig)
{
    mr_auto_free char *path = mr_format("%s/said", rig->directory);
    FILE *file = fopen(path, "r");
    size_t count = 0;
    int byte;

    while (file != NULL && (byte = fgetc(file)) != EOF) {
        count += byte == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}
