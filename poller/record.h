/*
 * record: one record of a Kinesis shard as the poller carries it: views, nothing decoded.
 *
 * The text is what stood on the wire: the key and the data go into the event as they came.
 * Views live as long as the block of memory the record came in.
 */
#ifndef MR_POLLER_RECORD_H
#define MR_POLLER_RECORD_H

#include <stdint.h>

#include "base/slice.h"

struct mr_record {
    struct mr_slice sequence_number; /* decimal */
    struct mr_slice partition_key;   /* JSON text between its quotes, escapes as they stand */
    struct mr_slice data;            /* base64 */
    uint64_t arrival_ms;             /* Unix time */
};

#endif
