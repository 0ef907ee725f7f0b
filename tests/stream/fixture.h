/* fixture: a store in a directory of its own, and calls that wait for their answer. */
#ifndef MR_TESTS_STREAM_FIXTURE_H
#define MR_TESTS_STREAM_FIXTURE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/store.h"
#include "tests/suite.h"

struct done {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is;
    struct mr_error err;
};

static inline void
done_init(struct done *done)
{
    memset(done, 0, sizeof(*done));
    pthread_mutex_init(&done->lock, NULL);
    pthread_cond_init(&done->moved, NULL);
}

static inline void
done_set(void *context)
{
    struct done *done = context;
    pthread_mutex_lock(&done->lock);
    done->is = true;
    pthread_cond_signal(&done->moved);
    pthread_mutex_unlock(&done->lock);
}

static inline void
done_changed(const struct mr_error *err, void *context)
{
    struct done *done = context;
    if (err != NULL) {
        done->err = *err;
    }
    done_set(done);
}

static inline void
done_wait(struct done *done)
{
    pthread_mutex_lock(&done->lock);
    while (!done->is) {
        pthread_cond_wait(&done->moved, &done->lock);
    }
    pthread_mutex_unlock(&done->lock);
}

static inline int
change(struct mr_store *store, struct mr_change what)
{
    struct done done;
    done_init(&done);
    mr_store_change(store, &what, NULL, done_changed, &done);
    done_wait(&done);
    return done.err.code;
}

static inline int
create(struct mr_store *store, const char *name, uint32_t shards)
{
    return change(store, (struct mr_change){ .kind = MR_CHANGE_CREATE,
                                             .stream = mr_slice_str(name),
                                             .shard_count = shards });
}

/* One record by text; returns the code and the result. */
static inline int
put(struct mr_store *store, const char *stream, const char *key, const char *data,
    struct mr_put_result *out)
{
    struct mr_put_record record = { .data = mr_slice_str(data),
                                    .partition_key = mr_slice_str(key) };
    struct done done;
    done_init(&done);
    int code =
        mr_store_put(store, mr_slice_str(stream), &record, 1, out, NULL, done_set, &done, NULL);
    if (code < 0) {
        return code;
    }
    done_wait(&done);
    return out->code;
}

static inline char *
make_directory(void)
{
    char *path = strdup("/tmp/mr-stream-XXXXXX");
    ck_assert(mkdtemp(path) != NULL);
    return path;
}

static inline void
remove_directory(char *path)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
    free(path);
}

static inline struct mr_store *
open_with(struct mr_store_options options)
{
    struct mr_error err = { 0 };
    struct mr_store *store = mr_store_open(&options, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
    return store;
}

static inline struct mr_store *
open_at(const char *directory)
{
    return open_with((struct mr_store_options){
        .directory = directory, .durability = MR_DURABILITY_OS, .segment_bytes = 1024 * 1024 });
}

static inline uint32_t
uid_of(struct mr_store *store, const char *stream, uint32_t index)
{
    struct mr_shard_info info;
    ck_assert_int_eq(mr_store_shard(store, mr_slice_str(stream), index, &info, NULL), 0);
    return info.uid;
}

#endif
