/*
 * actions: what each operation does, once its request has passed the checks.
 *
 * The texts and rules are AWS's; operation.c has the table that calls these.
 */
#ifndef MR_STREAM_API_ACTIONS_H
#define MR_STREAM_API_ACTIONS_H

struct mr_call;

/* streams.c */
void mr_act_create_stream(struct mr_call *call);
void mr_act_delete_stream(struct mr_call *call);
void mr_act_describe_stream(struct mr_call *call);
void mr_act_describe_stream_summary(struct mr_call *call);
void mr_act_list_streams(struct mr_call *call);

/* shards.c */
void mr_act_list_shards(struct mr_call *call);

/* put.c */
void mr_act_put_record(struct mr_call *call);
void mr_act_put_records(struct mr_call *call);

/* iterators.c */
void mr_act_get_shard_iterator(struct mr_call *call);

/* records.c */
void mr_act_get_records(struct mr_call *call);

#endif
