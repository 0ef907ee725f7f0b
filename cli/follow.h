/*
 * follow: the lines of an HTTP answer that does not end, as they come.
 *
 * When the connection ends it is made again; a daemon that was started anew is
 * met again that way. A line longer than the bound is left out.
 */
#ifndef MR_CLI_FOLLOW_H
#define MR_CLI_FOLLOW_H

#include "base/auto.h"
#include "base/slice.h"
#include "net/loop.h"

struct mr_follow;

enum { MR_FOLLOW_MAX_LINE_BYTES = 1024 * 1024, MR_FOLLOW_AGAIN_MS = 100 };

/* Without its newline; valid during the call, which must not free the follow. */
typedef void(mr_follow_fn)(struct mr_slice line, void *context);

/* The URL of the next connection, which says where to go on from. The follow frees it. */
typedef char *(mr_follow_url_fn)(void *context);

/* `url` is asked before every connection. */
struct mr_follow *mr_follow_new(struct mr_loop *loop, mr_follow_url_fn *url, mr_follow_fn *fn,
                                void *context);
/* NULL is fine. */
void mr_follow_free(struct mr_follow *follow);
MR_AUTO_DEFINE(struct mr_follow, mr_follow_free)

#endif
