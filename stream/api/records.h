/*
 * records: records as the API shows them, and readers that wait for some.
 */
#ifndef MR_STREAM_API_RECORDS_H
#define MR_STREAM_API_RECORDS_H

#include "stream/api/output.h"
#include "stream/store.h"

struct mr_kinesis;

/* One element of Records. EncryptionType is told only when there is encryption. */
void mr_record_put(struct mr_output *output, const struct mr_stored_record *record,
                   bool encrypted);

/* The member ChildShards of a closed shard that was read to its end; nothing without children.
 */
void mr_record_put_children(struct mr_output *output, struct mr_store *store,
                            struct mr_slice stream_name, uint32_t shard);

/* The server stops: every GetRecords that waits is answered with what there is. */
void mr_records_stop_waiting(struct mr_kinesis *kinesis);

#endif
