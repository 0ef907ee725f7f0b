/* reshard: changes of shards that wait for the state delay. */
#ifndef MR_STREAM_API_RESHARD_H
#define MR_STREAM_API_RESHARD_H

struct mr_kinesis;

/* The server stops: changes that are not due are not made. */
void mr_reshard_forget(struct mr_kinesis *kinesis);

#endif
