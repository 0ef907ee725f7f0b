/* consumers: finding a registered consumer of a stream. */
#ifndef MR_STREAM_API_CONSUMERS_H
#define MR_STREAM_API_CONSUMERS_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"

enum mr_consumer_status { MR_CONSUMER_CREATING, MR_CONSUMER_ACTIVE, MR_CONSUMER_DELETING };

enum mr_consumer_status mr_consumer_status(const struct mr_consumer *consumer, uint64_t now_ms);
const char *mr_consumer_status_text(enum mr_consumer_status status);

#endif
