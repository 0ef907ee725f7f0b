/* Opens aggregates of the Kinesis Producer Library; answers with what was in them. */
#include <millrace/handler.h>

static int
on_records(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_writer json = mr_write(ctx);
    struct mr_kinesis record;

    mr_write_array(&json);
    while (mr_kinesis_next(&records, &record)) {
        struct mr_kpl user = mr_kpl_open(mr_kinesis_data(ctx, &record), record.partition_key);
        while (mr_kpl_next(&user)) {
            mr_write_object(&json);
            mr_write_key(&json, MR_STR("key"));
            mr_write_string(&json, user.partition_key);
            mr_write_key(&json, MR_STR("hash"));
            if (user.explicit_hash_key.data != NULL) {
                mr_write_string(&json, user.explicit_hash_key);
            } else {
                mr_write_null(&json);
            }
            mr_write_key(&json, MR_STR("sub"));
            mr_write_i64(&json, (int64_t)user.sub_sequence_number);
            mr_write_key(&json, MR_STR("data"));
            mr_write_string(&json, user.data);
            mr_write_end_object(&json);
        }
    }
    mr_write_end_array(&json);
    return records.bad ? mr_fail(ctx, "Kpl.BadEvent", "not a Kinesis event")
                       : mr_write_respond(&json);
}
MR_MAIN(on_records)
