/*
 * kinesis_world: our Kinesis server and a client of it, in one process on one loop, over a Unix
 * socket. Real time.
 */
#ifndef MR_TESTS_POLLER_KINESIS_WORLD_H
#define MR_TESTS_POLLER_KINESIS_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/client.h"
#include "base/buf.h"
#include "net/http_server.h"
#include "stream/api/auth.h"
#include "stream/api/fault.h"
#include "stream/api/front.h"
#include "stream/store.h"

#define STREAM_ARN "arn:aws:kinesis:us-east-1:123456789012:stream/s"

struct kinesis_world {
    char directory[64], socket[96];
    struct mr_loop *loop;
    struct mr_store *store;
    struct mr_kinesis *kinesis;
    struct mr_faults *faults;
    struct mr_auth *auth; /* NULL: everybody may everything */
    struct mr_credentials given;
    struct mr_http_server *server;
    struct mr_http_client *http;
    struct mr_credential_chain *chain;
    struct mr_aws_client *client;
};

static inline void
world_post(void *loop, mr_store_fn *fn, void *context)
{
    mr_loop_post(loop, fn, context);
}

static inline const char *
world_no_env(const char *name, void *context)
{
    (void)name;
    (void)context;
    return NULL;
}

static inline void
world_serve(struct kinesis_world *world)
{
    struct mr_error err = { 0 };
    struct mr_store_options store = { .directory = world->directory,
                                      .durability = MR_DURABILITY_OS,
                                      .segment_bytes = 8 << 20,
                                      .post = world_post };
    world->store = mr_store_open(&store, &err);
    ck_assert_msg(world->store != NULL, "%s", err.text);
    struct mr_kinesis_options api = { .loop = world->loop,
                                      .store = world->store,
                                      .directory = world->directory,
                                      .region = "us-east-1",
                                      .account = "123456789012",
                                      .auth = world->auth,
                                      .faults = world->faults };
    ck_assert_int_eq(mr_token_key_open(&api.token_key, world->directory, &err), 0);
    world->kinesis = mr_kinesis_new(&api, &err);
    ck_assert_msg(world->kinesis != NULL, "%s", err.text);
    struct mr_http_server_options http = { .handler = mr_front_handler(),
                                           .context = world->kinesis };
    world->server = mr_http_server_new(world->loop, &http);
    int fd = mr_net_listen_unix(world->socket, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert_int_eq(mr_http_server_listen_fd(world->server, fd, NULL, NULL, &err), 0);
}

/* One principal, who may do `actions` (a JSON array's text). */
static inline void
world_open_auth(struct kinesis_world *world, const char *actions)
{
    char path[128];
    struct mr_error err = { 0 };
    snprintf(path, sizeof(path), "%s/auth.json", world->directory);
    FILE *file = fopen(path, "w");
    fprintf(file,
            "{\"principals\":[{\"name\":\"p\",\"accessKeyId\":\"AKIAPOLLER\","
            "\"secretAccessKey\":\"secret\",\"policy\":{\"Statement\":[{\"Effect\":\"Allow\","
            "\"Action\":%s,\"Resource\":\"*\"}]}}]}",
            actions);
    fclose(file);
    world->auth = mr_auth_open(path, &err);
    ck_assert_msg(world->auth != NULL, "%s", err.text);
    mr_credentials_init(&world->given, "AKIAPOLLER", "secret", NULL);
}

/* `actions` NULL: no authentication. */
static inline void
world_init(struct kinesis_world *world, const char *actions)
{
    struct mr_error err = { 0 };
    memset(world, 0, sizeof(*world));
    strcpy(world->directory, "/tmp/mr-kinesis-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->directory));
    snprintf(world->socket, sizeof(world->socket), "%s/socket", world->directory);
    world->loop = mr_loop_new(NULL);
    world->faults = mr_faults_new(1);
    if (actions != NULL) {
        world_open_auth(world, actions);
    }
    world_serve(world);
    world->http = mr_http_client_new(world->loop);
    struct mr_credential_chain_options chain = { .loop = world->loop,
                                                 .http = world->http,
                                                 .local = true,
                                                 .get_env = world_no_env,
                                                 .given =
                                                     actions == NULL ? NULL : &world->given };
    world->chain = mr_credential_chain_new(&chain);
    struct mr_aws_client_options client = { .loop = world->loop,
                                            .http = world->http,
                                            .credentials = world->chain,
                                            .service = "kinesis",
                                            .region = "us-east-1",
                                            .endpoint = "http://kinesis",
                                            .unix_socket = world->socket };
    world->client = mr_aws_client_new(&client, &err);
    ck_assert_msg(world->client != NULL, "%s", err.text);
}

static inline void
world_stopped(void *context)
{
    *(bool *)context = true;
}

static inline void
world_deinit(struct kinesis_world *world)
{
    char command[128];
    bool stopped = false;
    mr_aws_client_free(world->client);
    mr_credential_chain_free(world->chain);
    mr_http_client_free(world->http);
    mr_http_server_stop(world->server, 100, world_stopped, &stopped);
    while (!stopped) {
        mr_loop_run_once(world->loop, 100);
    }
    mr_http_server_free(world->server);
    mr_kinesis_free(world->kinesis);
    mr_auth_close(world->auth);
    mr_faults_free(world->faults);
    mr_credentials_deinit(&world->given);
    mr_store_close(world->store);
    mr_loop_free(world->loop);
    snprintf(command, sizeof(command), "rm -rf %s", world->directory);
    ck_assert_int_eq(system(command), 0);
}

struct world_answer {
    bool is;
    enum mr_aws_fault fault;
    struct mr_buf body;
};

static inline void
world_on_answer(const struct mr_aws_result *result, void *context)
{
    struct world_answer *answer = context;
    answer->is = true;
    answer->fault = result->fault;
    if (result->body != NULL) {
        mr_buf_append_slice(&answer->body, mr_buf_slice(result->body));
    }
}

/* Asks the server and waits; the answer must be good. */
static inline void
world_ask_for(struct kinesis_world *world, const char *operation, const char *body,
              struct mr_buf *out_body)
{
    char target[64];
    struct world_answer answer = { 0 };
    snprintf(target, sizeof(target), "Kinesis_20131202.%s", operation);
    struct mr_aws_request request = { .target = mr_slice_str(target),
                                      .body = mr_slice_str(body) };
    mr_aws_client_send(world->client, &request, world_on_answer, &answer);
    while (!answer.is) {
        mr_loop_run_once(world->loop, 1000);
    }
    ck_assert_msg(answer.fault == MR_AWS_OK, "%s: %s", operation, mr_buf_cstr(&answer.body));
    *out_body = answer.body;
}

static inline void
world_ask(struct kinesis_world *world, const char *operation, const char *body)
{
    mr_auto_buf struct mr_buf answer = { 0 };
    world_ask_for(world, operation, body, &answer);
}

static inline void
world_on_change(const struct mr_error *err, void *context)
{
    ck_assert_msg(err == NULL, "%s", err->text);
    *(bool *)context = true;
}

/* Changes the stream's shards behind the API's back. */
static inline void
world_change(struct kinesis_world *world, struct mr_change change)
{
    bool done = false;
    change.stream = MR_SLICE("s");
    mr_store_change(world->store, &change, world->loop, world_on_change, &done);
    while (!done) {
        mr_loop_run_once(world->loop, 1000);
    }
}

#endif
