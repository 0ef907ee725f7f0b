/*
 * event_stream: frames of application/vnd.amazon.eventstream.
 *
 *     u32 total | u32 header bytes | u32 CRC32 of those eight | headers | payload | u32 CRC32
 *
 * all big-endian. SubscribeToShard answers with a row of them.
 */
#ifndef MR_AWS_EVENT_STREAM_H
#define MR_AWS_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MR_EVENT_STREAM_MAX_BYTES =
        24 * 1024 * 1024, /* one frame we accept: AWS sends 16 MiB at most */
    MR_EVENT_STREAM_MAX_HEADERS = 16,
    MR_EVENT_STREAM_OVERHEAD = 16,
};

struct mr_event_header {
    struct mr_slice name;  /* ":event-type" */
    struct mr_slice value; /* of a string or byte-array header; other types: their raw bytes */
};

/* Append one frame with string headers. */
void mr_event_stream_append(struct mr_buf *buf, const struct mr_event_header *headers,
                            size_t header_count, struct mr_slice payload);

/*
 * The same without a copy of the payload: begin, append the payload to the buffer, end. `begin`
 * returns the frame's place for `end`.
 */
size_t mr_event_stream_begin(struct mr_buf *buf, const struct mr_event_header *headers,
                             size_t header_count);
void mr_event_stream_end(struct mr_buf *buf, size_t frame);

struct mr_event {
    struct mr_event_header headers[MR_EVENT_STREAM_MAX_HEADERS];
    size_t header_count;
    struct mr_slice payload;
};

/*
 * Parse the frame at the front of `bytes`: returns its size, 0 when more bytes are needed, or a
 * negative code with `err` filled. Views into `bytes`.
 */
ssize_t mr_event_stream_parse(struct mr_slice bytes, struct mr_event *out_event,
                              struct mr_error *err);

/* The value of a header, absent when it is not there. */
struct mr_slice mr_event_header_get(const struct mr_event *event, const char *name);

#endif
