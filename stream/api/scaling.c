#include "stream/api/scaling.h"

#include <errno.h>

#include "base/log.h"
#include "stream/api/catalog.h"
#include "stream/api/kinesis.h"
#include "stream/api/quota.h"
#include "stream/api/target.h"
#include "stream/store.h"

uint32_t
mr_scaling_want(uint32_t open_shards, uint64_t bytes, uint64_t records)
{
    uint64_t by_bytes = (2 * bytes + MR_SCALING_SHARD_BYTES - 1) / MR_SCALING_SHARD_BYTES;
    uint64_t by_records =
        (2 * records + MR_SCALING_SHARD_RECORDS - 1) / MR_SCALING_SHARD_RECORDS;
    uint64_t want = by_bytes > by_records ? by_bytes : by_records;

    want = want < 2 * (uint64_t)open_shards ? want : 2 * (uint64_t)open_shards;
    want = want < MR_SCALING_MAX_SHARDS ? want : MR_SCALING_MAX_SHARDS;
    return want > open_shards ? (uint32_t)want : open_shards;
}

static void
on_scaled(const struct mr_error *err, void *context)
{
    (void)context;
    if (err != NULL && err->code != -ENOENT) {
        mr_log(MR_LOG_WARN, "stream", "scale an on-demand stream: %s", err->text);
    }
}

/* False the first time: there is nothing yet to compare with. */
static bool
traffic(struct mr_stream_facts *facts, const struct mr_stream_info *info, uint64_t now_ms,
        uint64_t *out_bytes, uint64_t *out_records)
{
    uint64_t passed_ms = now_ms - facts->seen_ms;
    bool known = facts->seen_ms != 0 && passed_ms > 0 && info->bytes_in >= facts->seen_bytes;
    if (known) {
        *out_bytes = (info->bytes_in - facts->seen_bytes) * 1000 / passed_ms;
        *out_records = (info->records_in - facts->seen_records) * 1000 / passed_ms;
    }
    facts->seen_ms = now_ms;
    facts->seen_bytes = info->bytes_in;
    facts->seen_records = info->records_in;
    return known;
}

static bool
has_quota(struct mr_kinesis *kinesis, uint32_t more)
{
    struct mr_store_stats stats;
    mr_store_stats(kinesis->options.store, &stats);
    return stats.open_shards + more <= mr_quota_shard_limit(kinesis);
}

static void
look_at(struct mr_kinesis *kinesis, struct mr_stream_facts *facts)
{
    struct mr_slice name = mr_slice_str(facts->name);
    uint64_t now_ms = mr_kinesis_now_ms(kinesis), bytes, records;
    struct mr_stream_info info;
    if (!mr_store_glance(kinesis->options.store, name, &info) ||
        !traffic(facts, &info, now_ms, &bytes, &records) ||
        mr_target_status(facts, now_ms) != MR_STREAM_ACTIVE) {
        return;
    }
    uint32_t want = mr_scaling_want(info.open_shards, bytes, records);
    if (want == info.open_shards || !has_quota(kinesis, want - info.open_shards)) {
        return;
    }
    struct mr_change change = { .kind = MR_CHANGE_RESCALE,
                                .stream = name,
                                .if_version = info.version,
                                .shard_count = want };
    mr_log(MR_LOG_INFO, "stream", "on-demand stream %s grows from %u to %u shards", facts->name,
           info.open_shards, want);
    mr_store_change(kinesis->options.store, &change, kinesis->options.loop, on_scaled, NULL);
}

void
mr_scaling_look(struct mr_kinesis *kinesis)
{
    struct mr_slice after = { NULL, 0 };
    struct mr_stream_facts *facts;
    while ((facts = mr_catalog_next(kinesis->catalog, after)) != NULL) {
        if (facts->on_demand) {
            look_at(kinesis, facts);
        }
        after = mr_slice_str(facts->name);
    }
}
