/* monitoring: the shard-level metrics of a stream, as bits. */
#ifndef MR_STREAM_API_MONITORING_H
#define MR_STREAM_API_MONITORING_H

#include "stream/api/output.h"

enum { MR_METRIC_COUNT = 7 };

/* A list of the names of `metrics`. */
void mr_monitoring_put(struct mr_output *output, unsigned metrics);

#endif
