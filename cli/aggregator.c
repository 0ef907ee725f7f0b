#include "cli/aggregator.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

int
mr_aggregator_init(struct mr_aggregator *aggregator, struct mr_putter *putter,
                   const struct mr_shard_list *list, struct mr_error *err)
{
    *aggregator = (struct mr_aggregator){ .putter = putter, .max_bytes = MR_KPL_DEFAULT_BYTES };
    aggregator->packs = mr_alloc_zero(list->count + 1, sizeof(*aggregator->packs));
    for (size_t i = 0; i < list->count; i++) {
        const struct mr_shard_view *shard = &list->shards[i];
        struct mr_aggregator_pack *pack = &aggregator->packs[aggregator->pack_count];
        pack->hash_key = mr_slice_str(shard->first_hash);
        if (shard->last_sequence == NULL &&
            mr_partition_hash_parse(pack->hash_key, &pack->first) &&
            mr_partition_hash_parse(mr_slice_str(shard->last_hash), &pack->last)) {
            aggregator->pack_count++;
        }
    }
    return aggregator->pack_count > 0 ? 0
                                      : mr_fail(err, -ENOENT, "the stream has no open shard");
}

void
mr_aggregator_deinit(struct mr_aggregator *aggregator)
{
    for (size_t i = 0; i < aggregator->pack_count; i++) {
        mr_kpl_aggregate_deinit(&aggregator->packs[i].aggregate);
    }
    free(aggregator->packs);
    *aggregator = (struct mr_aggregator){ 0 };
}

static int
put_pack(struct mr_aggregator *aggregator, struct mr_aggregator_pack *pack,
         struct mr_error *err)
{
    mr_auto_buf struct mr_buf sealed = { 0 };
    mr_auto_free char *key = NULL;
    if (pack->aggregate.record_count == 0) {
        return 0;
    }
    key = mr_slice_dup(mr_kpl_aggregate_key(&pack->aggregate));
    mr_kpl_aggregate_seal(&pack->aggregate, &sealed);
    aggregator->aggregates++;
    return mr_putter_add(aggregator->putter, mr_slice_str(key), pack->hash_key,
                         mr_buf_slice(&sealed), err);
}

static struct mr_aggregator_pack *
find_pack(struct mr_aggregator *aggregator, mr_partition_hash hash)
{
    for (size_t i = 0; i < aggregator->pack_count; i++) {
        struct mr_aggregator_pack *pack = &aggregator->packs[i];
        if (hash >= pack->first && hash <= pack->last) {
            return pack;
        }
    }
    return &aggregator->packs[0]; /* the shards have changed meanwhile: any will do */
}

int
mr_aggregator_add(struct mr_aggregator *aggregator, struct mr_slice key,
                  struct mr_slice hash_key, struct mr_slice data, struct mr_error *err)
{
    mr_partition_hash hash = mr_partition_hash_of(key);
    if (hash_key.data != NULL && !mr_partition_hash_parse(hash_key, &hash)) {
        return mr_fail(err, -EINVAL, "hash key %.*s is not below 2^128",
                       MR_SLICE_ARGS(mr_slice_first(hash_key, 60)));
    }
    struct mr_aggregator_pack *pack = find_pack(aggregator, hash);
    if (pack->aggregate.record_count > 0 &&
        mr_kpl_aggregate_size_with(&pack->aggregate, key, hash_key, data) >
            aggregator->max_bytes &&
        put_pack(aggregator, pack, err) < 0) {
        return err->code;
    }
    mr_kpl_aggregate_add(&pack->aggregate, key, hash_key, data);
    aggregator->records++;
    return 0;
}

int
mr_aggregator_flush(struct mr_aggregator *aggregator, struct mr_error *err)
{
    for (size_t i = 0; i < aggregator->pack_count; i++) {
        if (put_pack(aggregator, &aggregator->packs[i], err) < 0) {
            return err->code;
        }
    }
    return 0;
}
