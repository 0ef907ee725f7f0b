#include "stream/store_inside.h"

#include <stdlib.h>

#include "base/alloc.h"

static uint64_t
key_of(uint32_t segment, uint32_t offset)
{
    return (uint64_t)segment << 32 | offset;
}

void
mr_block_cache_init(struct mr_block_cache *cache, size_t max_bytes)
{
    *cache = (struct mr_block_cache){ .max_bytes = max_bytes };
    pthread_mutex_init(&cache->lock, NULL);
    mr_list_init(&cache->order);
}

static void
drop(struct mr_block_cache *cache, struct mr_cached_block *cached)
{
    HASH_DEL(cache->blocks, cached);
    mr_list_remove(&cached->node);
    cache->bytes -= cached->block->capacity + sizeof(*cached) + sizeof(struct mr_block);
    mr_block_unref(cached->block);
    free(cached);
}

void
mr_block_cache_deinit(struct mr_block_cache *cache)
{
    MR_LIST_EACH(node, &cache->order)
    {
        drop(cache, MR_CONTAINER_OF(node, struct mr_cached_block, node));
    }
    pthread_mutex_destroy(&cache->lock);
}

void
mr_block_cache_add(struct mr_block_cache *cache, struct mr_block *block)
{
    uint64_t key = key_of(block->segment, block->offset);
    struct mr_cached_block *cached = NULL;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->blocks, &key, sizeof(key), cached);
    if (cached == NULL) {
        cached = mr_alloc_zero(1, sizeof(*cached));
        cached->key = key;
        cached->block = mr_block_ref(block);
        HASH_ADD(hh, cache->blocks, key, sizeof(key), cached);
        mr_list_push_front(&cache->order, &cached->node);
        cache->bytes += block->capacity + sizeof(*cached) + sizeof(struct mr_block);
    }
    while (cache->bytes > cache->max_bytes && !mr_list_empty(&cache->order)) {
        drop(cache, MR_CONTAINER_OF(cache->order.prev, struct mr_cached_block, node));
    }
    pthread_mutex_unlock(&cache->lock);
}

struct mr_block *
mr_block_cache_find(struct mr_block_cache *cache, uint32_t segment, uint32_t offset)
{
    uint64_t key = key_of(segment, offset);
    struct mr_cached_block *cached = NULL;
    struct mr_block *block = NULL;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->blocks, &key, sizeof(key), cached);
    if (cached != NULL) {
        block = mr_block_ref(cached->block);
    }
    pthread_mutex_unlock(&cache->lock);
    return block;
}
