/* settings: what the operations that change a stream share with the one that creates it. */
#ifndef MR_STREAM_API_SETTINGS_H
#define MR_STREAM_API_SETTINGS_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"

/*
 * Take WarmThroughputMiBps of the input into `facts` (NULL: only check it). False when the call
 * was answered: it is for on-demand streams of an account with the billing commitment.
 */
bool mr_settings_take_warm(struct mr_call *call, struct mr_stream_facts *facts, bool on_demand);

/* The member WarmThroughput, when the stream has one. */
void mr_settings_put_warm(struct mr_output *output, const struct mr_stream_facts *facts);

#endif
