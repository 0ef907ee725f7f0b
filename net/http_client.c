/*
 * http_client: libcurl's multi interface, driven by our loop: it tells which descriptors and
 * what time it waits for, we tell it when they are there.
 */
#include "net/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/version.h"

enum {
    DEFAULT_CONNECT_MS = 1000,
    DEFAULT_TOTAL_MS = 60000,
    DEFAULT_MAX_RESPONSE = 32 * 1024 * 1024,
    KEPT_CONNECTIONS = 16384,
};

struct mr_http_client {
    struct mr_loop *loop; /* the caller's, outlives us */
    CURLM *multi;
    struct mr_timer timer;
    struct mr_list calls;
    bool has_cancelled;
    bool in_curl;   /* curl is up the stack: it may not be entered again */
    bool dying;     /* freed while curl was up the stack */
    unsigned tasks; /* callbacks of ours up the stack */
};

struct mr_http_call {
    struct mr_list node;
    struct mr_http_client *client;
    CURL *easy;
    struct curl_slist *headers_out;
    struct mr_buf body_out;
    struct mr_arena arena; /* of the answer's headers */
    struct mr_http_header headers[MR_HTTP_MAX_HEADERS];
    size_t header_count;
    struct mr_buf body;
    size_t received;
    size_t max_response;
    bool too_large;
    bool cancelled;
    void (*chunk)(int status, struct mr_slice chunk, void *context);
    mr_http_done_fn *done;
    void *context;
    char reason[CURL_ERROR_SIZE];
};

struct socket_watch {
    struct mr_http_client *client;
    struct mr_watch *watch;
    curl_socket_t fd;
};

static void
init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- ends of calls ---- */

static void
free_call(struct mr_http_call *call)
{
    mr_list_remove(&call->node);
    curl_multi_remove_handle(call->client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers_out);
    mr_buf_deinit(&call->body_out);
    mr_buf_deinit(&call->body);
    mr_arena_deinit(&call->arena);
    free(call);
}

/* Worth the same call again: nothing answered, or not in time. */
static bool
is_retryable(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT ||
           code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_PARTIAL_FILE || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_HTTP2_STREAM || code == CURLE_HTTP2;
}

static int
errno_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return -EHOSTUNREACH;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return -ECONNRESET;
    default:
        return -EIO;
    }
}

static void
describe(struct mr_http_call *call, CURLcode code, struct mr_error *err)
{
    char *url = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (call->too_large) {
        mr_fail(err, -EFBIG, "%s answered more than %zu bytes", url, call->max_response);
        return;
    }
    mr_fail(err, errno_of(code), "%s: %s", url,
            call->reason[0] != 0 ? call->reason : curl_easy_strerror(code));
    err->retryable = is_retryable(code);
}

static void
complete(struct mr_http_call *call, CURLcode code)
{
    struct mr_error err = { 0 };
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    struct mr_http_result result = {
        .status = code == CURLE_OK ? (int)status : 0,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = &call->body,
    };
    if (code != CURLE_OK) {
        describe(call, code, &err);
        result.error = &err;
    }
    /* Out of the list first: `done` may free the client, which cancels what is in there. */
    struct mr_http_client *client = call->client;
    mr_list_remove(&call->node);
    curl_multi_remove_handle(client->multi, call->easy);
    call->done(&result, call->context);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers_out);
    mr_buf_deinit(&call->body_out);
    mr_buf_deinit(&call->body);
    mr_arena_deinit(&call->arena);
    free(call);
}

static void
free_client(struct mr_http_client *client)
{
    curl_multi_cleanup(client->multi);
    mr_timer_stop(&client->timer);
    free(client);
}

/* Keeps the client while callbacks run; a free asked for meanwhile happens at the end. */
static void
release_client(struct mr_http_client *client)
{
    if (--client->tasks == 0 && client->dying) {
        free_client(client);
    }
}

static void
reap(struct mr_http_client *client)
{
    CURLMsg *message;
    int left;
    client->tasks++;
    while (!client->dying && (message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct mr_http_call *call = NULL;
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (call->cancelled) {
            free_call(call);
        } else {
            complete(call, code);
        }
    }
    release_client(client);
}

static void
free_cancelled(struct mr_http_client *client)
{
    if (!client->has_cancelled) {
        return; /* thousands may be under way */
    }
    client->has_cancelled = false;
    MR_LIST_EACH(node, &client->calls)
    {
        struct mr_http_call *call = MR_CONTAINER_OF(node, struct mr_http_call, node);
        if (call->cancelled) {
            free_call(call);
        }
    }
}

static void
act(struct mr_http_client *client, curl_socket_t fd, int events)
{
    int running;
    client->tasks++;
    client->in_curl = true;
    curl_multi_socket_action(client->multi, fd, events, &running);
    client->in_curl = false;
    free_cancelled(client);
    reap(client);
    release_client(client);
}

/* ---- what curl waits for ---- */

static void
on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct mr_http_client *client = context;
    (void)multi;
    if (timeout_ms < 0) {
        mr_timer_stop(&client->timer);
    } else {
        mr_timer_start(&client->timer, (uint64_t)timeout_ms);
    }
    return 0;
}

static void
on_socket(int events, void *context)
{
    struct socket_watch *socket_watch = context;
    act(socket_watch->client, socket_watch->fd,
        (events & MR_READABLE ? CURL_CSELECT_IN : 0) |
            (events & MR_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct mr_http_client *client = context;
    struct socket_watch *socket_watch = socket_context;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket_watch != NULL) {
            mr_watch_free(socket_watch->watch);
            free(socket_watch);
            curl_multi_assign(client->multi, fd, NULL);
        }
        return 0;
    }
    int events =
        (what & CURL_POLL_IN ? MR_READABLE : 0) | (what & CURL_POLL_OUT ? MR_WRITABLE : 0);
    if (socket_watch == NULL) {
        socket_watch = mr_alloc(sizeof(*socket_watch));
        socket_watch->client = client;
        socket_watch->fd = fd;
        socket_watch->watch = mr_watch_new(client->loop, fd, events, on_socket, socket_watch);
        curl_multi_assign(client->multi, fd, socket_watch);
    } else {
        mr_watch_set(socket_watch->watch, events);
    }
    return 0;
}

/* ---- life ---- */

struct mr_http_client *
mr_http_client_new(struct mr_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct mr_http_client *client = mr_alloc_zero(1, sizeof(*client));
    client->loop = loop;
    client->multi = curl_multi_init();
    mr_assert(client->multi != NULL);
    mr_list_init(&client->calls);
    mr_timer_init(&client->timer, loop, MR_TIME_REAL, on_timer, client);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return client;
}

void
mr_http_client_free(struct mr_http_client *client)
{
    if (client == NULL) {
        return;
    }
    mr_assert(!client->in_curl); /* not from inside a chunk callback */
    while (!mr_list_empty(&client->calls)) {
        free_call(MR_CONTAINER_OF(client->calls.next, struct mr_http_call, node));
    }
    client->dying = true;
    if (client->tasks == 0) {
        free_client(client);
    }
}

/* ---- one call ---- */

static size_t
on_header(char *data, size_t size, size_t count, void *context)
{
    struct mr_http_call *call = context;
    struct mr_slice line = mr_slice_of(data, size * count);
    struct mr_slice value = line;
    if (mr_slice_starts_with(line, MR_SLICE("HTTP/"))) {
        call->header_count = 0; /* a 100 came before: only the last head counts */
        return size * count;
    }
    while (line.size > 0 &&
           (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r')) {
        line.size--;
    }
    value = line;
    struct mr_slice name = mr_slice_cut(&value, ':');
    if (value.data != NULL && call->header_count < MR_HTTP_MAX_HEADERS) {
        call->headers[call->header_count++] = (struct mr_http_header){
            mr_arena_copy(&call->arena, name),
            mr_arena_copy(&call->arena, mr_slice_trim(value)),
        };
    }
    return size * count;
}

static size_t
on_body(char *data, size_t size, size_t count, void *context)
{
    struct mr_http_call *call = context;
    size_t total = size * count;
    long status = 0;
    if (call->cancelled) {
        return 0;
    }
    if (call->chunk != NULL) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        call->chunk((int)status, mr_slice_of(data, total), call->context);
        return total;
    }
    call->received += total;
    if (call->received > call->max_response) {
        call->too_large = true;
        return 0; /* curl ends the call */
    }
    mr_buf_append(&call->body, data, total);
    return total;
}

static void
set_headers(struct mr_http_call *call, const struct mr_http_call_options *options)
{
    bool has_type = false;
    for (size_t i = 0; i < options->header_count; i++) {
        const struct mr_http_header *header = &options->headers[i];
        /* curl writes an empty header only for "Name;". */
        mr_auto_free char *line = header->value.size == 0
                                      ? mr_format("%.*s;", MR_SLICE_ARGS(header->name))
                                      : mr_format("%.*s: %.*s", MR_SLICE_ARGS(header->name),
                                                  MR_SLICE_ARGS(header->value));
        call->headers_out = curl_slist_append(call->headers_out, line);
        has_type |= mr_slice_eq_nocase(header->name, MR_SLICE("content-type"));
    }
    call->headers_out = curl_slist_append(call->headers_out, "Expect:");
    if (!has_type) {
        call->headers_out = curl_slist_append(call->headers_out, "Content-Type:");
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers_out);
}

static void
set_method(struct mr_http_call *call, const struct mr_http_call_options *options)
{
    CURL *easy = call->easy;
    const char *method = options->method == NULL ? "GET" : options->method;
    bool takes_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                      strcmp(method, "PATCH") == 0 || call->body_out.size > 0;
    if (takes_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         call->body_out.data == NULL ? "" : (char *)call->body_out.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_out.size);
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void
set_options(struct mr_http_call *call, const struct mr_http_call_options *options)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, options->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "millrace/" MR_VERSION);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(options->connect_ms == 0 ? DEFAULT_CONNECT_MS : options->connect_ms));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)(options->total_ms == 0 ? DEFAULT_TOTAL_MS : options->total_ms));
    long version = !options->http2 ? CURL_HTTP_VERSION_1_1
                   : strncmp(options->url, "https:", 6) == 0
                       ? CURL_HTTP_VERSION_2TLS
                       : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    if (version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE) {
        /* libcurl 7.88 writes HTTP/1.1 on such a connection when it uses it again. */
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    if (options->unix_socket != NULL) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (options->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    }
}

struct mr_http_call *
mr_http_client_send(struct mr_http_client *client, const struct mr_http_call_options *options,
                    mr_http_done_fn *done, void *context)
{
    struct mr_http_call *call = mr_alloc_zero(1, sizeof(*call));
    call->client = client;
    call->easy = curl_easy_init();
    mr_assert(call->easy != NULL);
    call->max_response =
        options->max_response == 0 ? DEFAULT_MAX_RESPONSE : options->max_response;
    call->chunk = options->chunk;
    call->done = done;
    call->context = context;
    mr_buf_append_slice(&call->body_out, options->body);
    mr_list_push_back(&client->calls, &call->node);
    set_options(call, options);
    set_headers(call, options);
    set_method(call, options);
    /* curl asks for a timer of 0: the call begins in the loop's next round, never in here. */
    mr_assert(curl_multi_add_handle(client->multi, call->easy) == CURLM_OK);
    return call;
}

void
mr_http_call_cancel(struct mr_http_call *call)
{
    if (call->client->in_curl) {
        call->client->has_cancelled = true;
        call->cancelled = true; /* of another call's chunk: curl must have returned first */
        return;
    }
    /* Else libcurl 7.88 may keep the reset of an HTTP/2 stream until its connection is used. */
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    free_call(call);
}
