#include "cli/follow.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"
#include "net/http_client.h"

enum { A_DAY_MS = 24 * 3600 * 1000 };

struct mr_follow {
    struct mr_loop *loop; /* the caller's, outlives us */
    mr_follow_url_fn *url;
    mr_follow_fn *fn;
    void *context;
    struct mr_http_client *http;
    struct mr_http_call *call; /* NULL: between two connections */
    struct mr_timer again;
    struct mr_buf rest; /* of a line whose end has not come */
    bool too_long;
};

static void
on_chunk(int status, struct mr_slice chunk, void *context)
{
    struct mr_follow *follow = context;
    if (status != 200) {
        return;
    }
    while (chunk.size > 0) {
        ptrdiff_t end = mr_slice_find(chunk, '\n');
        struct mr_slice part = end < 0 ? chunk : mr_slice_first(chunk, (size_t)end);
        chunk = mr_slice_from(chunk, part.size + (end >= 0));
        if (follow->rest.size + part.size > MR_FOLLOW_MAX_LINE_BYTES) {
            follow->too_long = true;
        } else {
            mr_buf_append_slice(&follow->rest, part);
        }
        if (end < 0) {
            return;
        }
        struct mr_buf line = mr_buf_take(&follow->rest);
        if (!follow->too_long && line.size > 0) {
            follow->fn(mr_buf_slice(&line), follow->context);
        }
        follow->too_long = false;
        mr_buf_clear(&line);
        if (follow->rest.data == NULL) {
            follow->rest = line;
        } else {
            mr_buf_deinit(&line);
        }
    }
}

static void
on_done(const struct mr_http_result *result, void *context)
{
    struct mr_follow *follow = context;
    (void)result;
    follow->call = NULL;
    mr_buf_clear(&follow->rest);
    mr_timer_start(&follow->again, MR_FOLLOW_AGAIN_MS);
}

static void
connect_again(void *context)
{
    struct mr_follow *follow = context;
    mr_auto_free char *url = follow->url(follow->context);
    follow->call = mr_http_client_send(follow->http,
                                       &(struct mr_http_call_options){
                                           .method = "GET",
                                           .url = url,
                                           .total_ms = A_DAY_MS,
                                           .chunk = on_chunk,
                                       },
                                       on_done, follow);
}

struct mr_follow *
mr_follow_new(struct mr_loop *loop, mr_follow_url_fn *url, mr_follow_fn *fn, void *context)
{
    struct mr_follow *follow = mr_alloc_zero(1, sizeof(*follow));
    follow->loop = loop;
    follow->url = url;
    follow->fn = fn;
    follow->context = context;
    follow->http = mr_http_client_new(loop);
    mr_timer_init(&follow->again, loop, MR_TIME_REAL, connect_again, follow);
    connect_again(follow);
    return follow;
}

void
mr_follow_free(struct mr_follow *follow)
{
    if (follow == NULL) {
        return;
    }
    mr_timer_stop(&follow->again);
    mr_http_client_free(follow->http);
    mr_buf_deinit(&follow->rest);
    free(follow);
}
