/*
 * http: what server and client share: headers and small questions about them.
 *
 * Header names are compared without case. Values are bytes: no decoding.
 */
#ifndef MR_NET_HTTP_H
#define MR_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

struct mr_http_header {
    struct mr_slice name;
    struct mr_slice value; /* without blanks around it */
};

/* The first header of that name; absent ({NULL, 0}) when there is none. */
struct mr_slice mr_http_header_get(const struct mr_http_header *headers, size_t count,
                                   const char *name);

/* %XX and, with `plus`, + decoded into the arena; a view when there is nothing to do. */
struct mr_slice mr_http_url_decode(struct mr_slice text, bool plus, struct mr_arena *arena);

/* The value of `name` in a query string "a=b&c=d", decoded; absent when it is not there. */
struct mr_slice mr_http_query_get(struct mr_slice query, const char *name,
                                  struct mr_arena *arena);

/* "Not Found" for 404; "Unknown" for what HTTP does not name. */
const char *mr_http_reason(int status);

#endif
