#include "stream/store_inside.h"

#include <stdlib.h>

#include "base/alloc.h"

/* On the waiter's loop. A cancelled one was only kept for this. */
static void
arrive(void *context)
{
    struct mr_store_wait *wait = context;

    if (!wait->cancelled) {
        wait->ready(wait->context);
    }
    free(wait);
}

void
mr_waiters_collect(struct mr_shard *shard, bool all, struct mr_list *fired)
{
    MR_LIST_EACH(node, &shard->waiters)
    {
        struct mr_store_wait *wait = MR_CONTAINER_OF(node, struct mr_store_wait, node);
        if (all || wait->position < shard->tail) {
            mr_list_remove(node);
            wait->shard = NULL;
            mr_list_push_back(fired, node);
        }
    }
}

void
mr_waiters_post(struct mr_store *store, struct mr_list *fired)
{
    while (!mr_list_empty(fired)) {
        struct mr_list *node = fired->next;
        mr_list_remove(node);
        struct mr_store_wait *wait = MR_CONTAINER_OF(node, struct mr_store_wait, node);
        mr_store_post(store, wait->loop, arrive, wait);
    }
}

struct mr_store_wait *
mr_store_wait(struct mr_store *store, uint32_t shard_uid, uint64_t position, void *loop,
              mr_store_fn *ready, void *context)
{
    struct mr_store_wait *wait = mr_alloc_zero(1, sizeof(*wait));
    *wait = (struct mr_store_wait){
        .store = store, .position = position, .loop = loop, .ready = ready, .context = context
    };
    mr_list_init(&wait->node);

    pthread_mutex_lock(&store->lock);
    struct mr_shard *shard = mr_store_find_shard(store, shard_uid);
    bool now = shard == NULL || shard->closed_ms != 0 || position < shard->tail;
    if (!now) {
        wait->shard = shard;
        mr_list_push_back(&shard->waiters, &wait->node);
    }
    pthread_mutex_unlock(&store->lock);
    if (now) {
        mr_store_post(store, loop, arrive, wait);
    }
    return wait;
}

void
mr_store_unwait(struct mr_store_wait *wait)
{
    if (wait == NULL) {
        return;
    }
    struct mr_store *store = wait->store;
    pthread_mutex_lock(&store->lock);
    bool waiting = wait->shard != NULL;
    if (waiting) {
        mr_list_remove(&wait->node);
    }
    wait->cancelled = true; /* else its message is under way, and frees it */
    pthread_mutex_unlock(&store->lock);
    if (waiting) {
        free(wait);
    }
}
