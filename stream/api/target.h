/*
 * target: which stream a call is about, and whether it may be touched now.
 *
 * Every operation names its stream by StreamName or StreamARN (or is given the
 * ARN of a stream or consumer as ResourceARN or ConsumerARN). These functions
 * find it, ask the caller's policy, and answer the call themselves when
 * something is wrong: a NULL or false then means "answered".
 */
#ifndef MR_STREAM_API_TARGET_H
#define MR_STREAM_API_TARGET_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"

enum mr_stream_status {
    MR_STREAM_CREATING,
    MR_STREAM_ACTIVE,
    MR_STREAM_UPDATING,
    MR_STREAM_DELETING
};

enum mr_stream_status mr_target_status(const struct mr_stream_facts *facts, uint64_t now_ms);
const char *mr_target_status_text(enum mr_stream_status status);

/* By StreamName and StreamARN of the input. */
struct mr_stream_facts *mr_target_stream(struct mr_call *call);
/* The same with what was read elsewhere; either may be absent. */
struct mr_stream_facts *mr_target_named(struct mr_call *call, struct mr_slice name,
                                        struct mr_slice arn);
/* And it is ACTIVE: ResourceInUseException when it is not. */
struct mr_stream_facts *mr_target_active_stream(struct mr_call *call);
/* The latter check alone, for operations in which it is AWS's last. */
bool mr_target_is_active(struct mr_call *call, const struct mr_stream_facts *facts);
/* Was it made at the input's StreamCreationTimestamp, if there is one? Else answered: not
 * found. */
bool mr_target_is_incarnation(struct mr_call *call, const struct mr_stream_facts *facts);
/* By StreamName and StreamARN, for a shard of it: AWS then calls the shard missing, not the
 * stream. */
struct mr_stream_facts *mr_target_stream_of_shard(struct mr_call *call, uint32_t shard);
/* The name that StreamName or StreamARN says, there or not; empty when neither says one. */
struct mr_slice mr_target_name(const struct mr_call *call);

/* Answer that there is no such stream: one that is being made takes no records yet. */
void mr_target_missing(struct mr_call *call, const struct mr_stream_facts *facts);

/*
 * By the ARN of a stream or consumer in the member `name`; `*out_consumer` is NULL for a
 * stream's.
 */
struct mr_stream_facts *mr_target_resource(struct mr_call *call, const char *name,
                                           struct mr_consumer **out_consumer);

/* In the call's arena. */
struct mr_slice mr_target_arn(struct mr_call *call, const char *stream_name);
struct mr_slice mr_target_consumer_arn(struct mr_call *call, const char *stream_name,
                                       const struct mr_consumer *consumer);

/* Streams and consumers whose DELETING has passed are removed. Cheap when there are none. */
void mr_target_settle(struct mr_kinesis *kinesis);

/* Save the catalog; answers with an InternalFailure and returns false when the disk does not.
 */
bool mr_target_save(struct mr_call *call);
/* Save and answer with an empty body. */
void mr_target_done(struct mr_call *call);

#endif
