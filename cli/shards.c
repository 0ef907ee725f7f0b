#include "cli/shards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

static const char *
text(struct mr_json *json, struct mr_arena *arena)
{
    struct mr_slice value;
    return mr_json_string(json, arena, &value) ? mr_arena_cstr(arena, value) : NULL;
}

/* Two members of an object, by name. */
static void
read_pair(struct mr_json *json, struct mr_arena *arena, const char *first_name,
          const char **out_first, const char *last_name, const char **out_last)
{
    struct mr_slice key;
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, first_name)) {
            *out_first = text(json, arena);
        } else if (mr_slice_is(key, last_name)) {
            *out_last = text(json, arena);
        } else {
            mr_json_skip(json);
        }
    }
}

static void
read_shard(struct mr_json *json, struct mr_arena *arena, struct mr_shard_view *shard)
{
    struct mr_slice key;
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "ShardId")) {
            shard->id = text(json, arena);
        } else if (mr_slice_is(key, "ParentShardId")) {
            shard->parent = text(json, arena);
        } else if (mr_slice_is(key, "AdjacentParentShardId")) {
            shard->adjacent_parent = text(json, arena);
        } else if (mr_slice_is(key, "HashKeyRange")) {
            read_pair(json, arena, "StartingHashKey", &shard->first_hash, "EndingHashKey",
                      &shard->last_hash);
        } else if (mr_slice_is(key, "SequenceNumberRange")) {
            read_pair(json, arena, "StartingSequenceNumber", &shard->first_sequence,
                      "EndingSequenceNumber", &shard->last_sequence);
        } else {
            mr_json_skip(json);
        }
    }
}

static void
append(struct mr_arena *arena, struct mr_shard_list *list, const struct mr_shard_view *shard)
{
    if ((list->count & (list->count - 1)) == 0) { /* full at every power of two */
        size_t room = list->count == 0 ? 1 : list->count * 2;
        struct mr_shard_view *more = mr_arena_alloc(arena, room * sizeof(*more));
        if (list->count > 0) {
            memcpy(more, list->shards, list->count * sizeof(*more));
        }
        list->shards = more;
    }
    list->shards[list->count++] = *shard;
}

int
mr_shards_list(struct mr_remote *remote, const char *stream, struct mr_arena *arena,
               struct mr_shard_list *out_list, struct mr_error *err)
{
    const char *token = NULL;
    struct mr_shard_list list = { 0 };
    do {
        mr_auto_buf struct mr_buf body = { 0 };
        struct mr_json_writer request = mr_json_writer_on(&body);
        mr_json_begin_object(&request);
        mr_json_member_str(&request, token == NULL ? "StreamName" : "NextToken",
                           token == NULL ? stream : token);
        mr_json_end_object(&request);
        if (mr_remote_kinesis(remote, "ListShards", mr_buf_slice(&body), err) < 0) {
            return mr_wrap(err, "stream %s", stream);
        }
        token = NULL;
        struct mr_json json = mr_json_of(mr_buf_slice(&remote->body));
        struct mr_slice key;
        mr_json_enter(&json);
        while (mr_json_next_key(&json, &key)) {
            if (mr_slice_is(key, "NextToken")) {
                token = text(&json, arena);
            } else if (mr_slice_is(key, "Shards") && mr_json_enter(&json)) {
                while (mr_json_next_element(&json)) {
                    struct mr_shard_view shard = { 0 };
                    read_shard(&json, arena, &shard);
                    append(arena, &list, &shard);
                }
            } else {
                mr_json_skip(&json);
            }
        }
        if (json.bad) {
            return mr_fail(err, -EBADMSG, "ListShards of %s answered what is not JSON", stream);
        }
    } while (token != NULL);
    *out_list = list;
    return 0;
}

const struct mr_shard_view *
mr_shards_find(const struct mr_shard_list *list, const char *word, struct mr_error *err)
{
    struct mr_slice end = mr_slice_str(word);
    if (mr_slice_starts_with(end, MR_SLICE("shard-"))) {
        end = mr_slice_from(end, 6);
    }
    uint64_t number;
    bool is_number = mr_slice_to_u64(end, &number);
    for (size_t i = 0; i < list->count; i++) {
        const char *id = list->shards[i].id;
        const char *digits = strrchr(id, '-');
        if (strcmp(id, word) == 0 ||
            (is_number && digits != NULL && strtoull(digits + 1, NULL, 10) == number)) {
            return &list->shards[i];
        }
    }
    mr_fail(err, -ENOENT, "there is no shard %s; the last one is %s", word,
            list->count == 0 ? "none" : list->shards[list->count - 1].id);
    return NULL;
}

const char *
mr_shard_short(const char *id, struct mr_arena *arena)
{
    const char *digits = strrchr(id, '-');
    if (digits == NULL || strncmp(id, "shardId-", 8) != 0) {
        return id;
    }
    return mr_arena_printf(arena, "shard-%llu", strtoull(digits + 1, NULL, 10));
}

int
mr_sequence_text_order(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size != b_size) {
        return a_size < b_size ? -1 : 1;
    }
    int order = strcmp(a, b);
    return order < 0 ? -1 : order > 0;
}
