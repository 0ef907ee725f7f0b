/*
 * feed: what happens, as it happens, for whoever watches: one JSON object a line.
 *
 * Batches, checkpoints and trouble of mappings, log lines of functions, and changes of what is
 * there, in one numbered row (docs/formats/local-api.md has the members). The newest are kept
 * in a ring of bounded size; a reader that falls behind it is told how many lines it missed.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_FEED_H
#define MR_CONTROL_FEED_H

#include "net/http_server.h"
#include "poller/mapping.h"
#include "runtime/runtime.h"

struct feed;

struct feed *feed_new(struct mr_loop *loop);
/* Ends every follower's answer. NULL is fine. */
void feed_free(struct feed *feed);
/* End the followers now: the server is to stop. */
void feed_close(struct feed *feed);

void feed_mapping(struct feed *feed, const struct mr_mapping_event *event);
void feed_log(struct feed *feed, const struct mr_runtime_log *log);

/*
 * Answer the exchange with the lines numbered from `since` on; with `follow` keep writing what
 * comes. A follower whose reader is slow is caught up when it has read.
 */
void feed_serve(struct feed *feed, struct mr_http_exchange *exchange, uint64_t since,
                bool follow);
/* The number the next line will have. */
uint64_t feed_next(const struct feed *feed);

#endif
