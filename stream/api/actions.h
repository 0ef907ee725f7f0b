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

/* reshard.c */
void mr_act_split_shard(struct mr_call *call);
void mr_act_merge_shards(struct mr_call *call);
void mr_act_update_shard_count(struct mr_call *call);

/* settings.c */
void mr_act_increase_retention(struct mr_call *call);
void mr_act_decrease_retention(struct mr_call *call);
void mr_act_start_encryption(struct mr_call *call);
void mr_act_stop_encryption(struct mr_call *call);
void mr_act_update_max_record_size(struct mr_call *call);
void mr_act_update_stream_mode(struct mr_call *call);
void mr_act_update_warm_throughput(struct mr_call *call);

/* monitoring.c */
void mr_act_enable_monitoring(struct mr_call *call);
void mr_act_disable_monitoring(struct mr_call *call);

/* consumers.c */
void mr_act_register_consumer(struct mr_call *call);
void mr_act_deregister_consumer(struct mr_call *call);
void mr_act_describe_consumer(struct mr_call *call);
void mr_act_list_consumers(struct mr_call *call);

/* subscribe.c */
void mr_act_subscribe_to_shard(struct mr_call *call);

/* tags.c */
void mr_act_add_tags_to_stream(struct mr_call *call);
void mr_act_remove_tags_from_stream(struct mr_call *call);
void mr_act_list_tags_for_stream(struct mr_call *call);
void mr_act_tag_resource(struct mr_call *call);
void mr_act_untag_resource(struct mr_call *call);
void mr_act_list_tags_for_resource(struct mr_call *call);

/* resource_policy.c */
void mr_act_put_resource_policy(struct mr_call *call);
void mr_act_get_resource_policy(struct mr_call *call);
void mr_act_delete_resource_policy(struct mr_call *call);

/* account.c */
void mr_act_describe_limits(struct mr_call *call);
void mr_act_describe_account_settings(struct mr_call *call);
void mr_act_update_account_settings(struct mr_call *call);

/* put.c */
void mr_act_put_record(struct mr_call *call);
void mr_act_put_records(struct mr_call *call);

/* iterators.c */
void mr_act_get_shard_iterator(struct mr_call *call);

/* records.c */
void mr_act_get_records(struct mr_call *call);

#endif
