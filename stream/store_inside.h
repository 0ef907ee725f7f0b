/*
 * store_inside: what the files of the store share. Not for other rooms.
 *
 * store->lock guards all of it unless a line says otherwise. Lock order: lock, then the cache's
 * own.
 */
#ifndef MR_STREAM_STORE_INSIDE_H
#define MR_STREAM_STORE_INSIDE_H

#include <pthread.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/list.h"
#include "stream/block.h"
#include "stream/cipher.h"
#include "stream/file_ops.h"
#include "stream/store.h"

/* Where records of one shard lie: one for each block that has some. */
struct mr_entry {
    uint64_t first_index;
    uint64_t first_arrival_ms;
    uint32_t segment;
    uint32_t block; /* offset in the segment */
    uint32_t block_size;
    uint32_t record; /* offset in the block of the shard's first record */
};

/* The last record of a shard in a segment: says when the segment may go. */
struct mr_tail {
    uint32_t uid;
    uint64_t last_index;
    uint64_t last_arrival_ms;
};

/* An entry as the index file of its segment has it. */
struct mr_index_entry {
    uint32_t uid;
    struct mr_entry entry;
};

struct mr_segment {
    uint32_t number;
    int fd;
    unsigned refs;            /* the list's and one a reader */
    uint32_t end;             /* committed bytes */
    struct mr_cipher *cipher; /* NULL: not encrypted */
    bool sealed;              /* its index is on disk */
    bool removed;
    struct mr_tail *tails;
    size_t tail_count, tail_capacity;
    struct mr_index_entry *entries; /* until sealed */
    size_t entry_count, entry_capacity;
    struct mr_list node; /* in store->segments, by number */
};

struct mr_shard {
    uint32_t uid;
    uint32_t index;
    uint32_t parent, adjacent_parent;
    mr_hash_key start_key, end_key;
    uint64_t created_s; /* as its sequence numbers say */
    uint64_t created_ms;
    uint64_t closed_ms;  /* 0: open */
    uint64_t next_index; /* for the next record */
    uint64_t tail;       /* behind the last committed one */
    uint64_t last_arrival_ms;
    struct mr_stream *stream;

    struct mr_entry *entries;
    uint32_t entry_count, entry_capacity;
    uint32_t tail_segment, tail_slot; /* its tail in the segment being written */
    uint64_t open_block;              /* sequence of the open block it is in, */
    uint32_t open_slice;              /* and where */
    uint32_t pending;                 /* records accepted and not yet committed or failed */
    struct mr_list waiters;

    uint64_t write_us; /* token buckets as the time they are empty at: tokens = now - it */
    uint64_t write_records_us;
    uint64_t read_us;      /* time at which what was read is paid for */
    uint64_t read_hold_us; /* no read before it */
    uint64_t read_calls_us, seek_calls_us;
    UT_hash_handle hh; /* store->shards by uid */
};

struct mr_stream {
    uint64_t id;
    char *name;
    size_t name_size;
    uint64_t created_ms;
    uint64_t version;
    uint32_t retention_hours;
    uint64_t settings[2];
    uint64_t records_in, bytes_in; /* since the start */
    struct mr_buf metadata;
    struct mr_shard **shards; /* by index */
    uint32_t shard_count;
    struct mr_shard **open; /* by start key */
    uint32_t open_count;
    UT_hash_handle hh; /* store->streams by name */
};

/* The records of one shard in one block. */
struct mr_block_slice {
    uint32_t uid;
    uint32_t first, last; /* offsets in the block */
    uint32_t count;
    uint64_t first_index, first_arrival_ms;
    uint64_t last_index, last_arrival_ms;
};

struct mr_put {
    struct mr_put *next;
    struct mr_put_result *results;
    size_t count;
    int code;
    void *loop;
    mr_put_fn *done;
    void *context;
};

/* A block that is filled, or waits to be written. */
struct mr_open_block {
    struct mr_list node;
    struct mr_block *block;
    uint64_t sequence;
    uint32_t records;
    struct mr_block_slice *slices;
    uint32_t slice_count, slice_capacity;
    struct mr_put *puts; /* complete with this block */
    struct mr_put **last_put;
};

struct mr_change_job {
    struct mr_list node;
    struct mr_change change;
    struct mr_buf text; /* the stream name and the metadata */
    uint64_t settings[2];
    bool trim;
    struct mr_error err;
    void *loop;
    mr_changed_fn *done;
    void *context;
};

struct mr_store_wait {
    struct mr_list node;
    struct mr_store *store;
    struct mr_shard *shard; /* NULL once it fired */
    uint64_t position;
    bool cancelled;
    void *loop;
    mr_store_fn *ready;
    void *context;
};

struct mr_cached_block {
    uint64_t key;
    struct mr_block *block;
    struct mr_list node;
    UT_hash_handle hh;
};

struct mr_block_cache {
    pthread_mutex_t lock;
    struct mr_cached_block *blocks;
    struct mr_list order; /* newest first */
    size_t bytes, max_bytes;
};

struct mr_store {
    struct mr_store_options options;
    const struct mr_file_ops *files;
    const struct mr_clock *clock;
    char *directory;
    int dir_fd, lock_fd;

    pthread_mutex_t lock;
    pthread_cond_t committer_wakes, keeper_wakes;
    pthread_t committer, keeper;
    bool threads_run, stopping, committer_done;

    struct mr_stream *streams;
    struct mr_shard *shards;
    struct mr_buf account;
    uint64_t next_stream_id;
    uint32_t next_uid;

    struct mr_open_block *open;
    struct mr_list queue; /* full blocks, oldest first */
    struct mr_list jobs;
    uint64_t next_sequence;
    size_t pending_bytes;
    struct mr_block *spare[8]; /* buffers of the target size */
    size_t spare_count;

    struct mr_list segments;
    struct mr_segment *writing; /* the last of segments; NULL: none yet */
    struct mr_journal_point synced;
    uint32_t next_segment;
    uint32_t published;     /* all blocks of segments below are in the index */
    uint32_t removed_below; /* segments below this number are gone, */
    uint32_t *removed;      /* numbers that are gone, above the lowest that is there */
    size_t removed_count, removed_capacity;
    bool encrypt;         /* what is written from now on */
    struct mr_buf secret; /* the committer's: encrypted blocks on their way to the disk */
    int prepared_fd;      /* a file named "prepared", or -1 */
    bool prepare_failed;

    struct mr_block_cache cache;
    struct mr_store_stats stats;
};

/* ---- store.c */
struct mr_stream *mr_store_find_stream(struct mr_store *store, struct mr_slice name);
struct mr_shard *mr_store_find_shard(struct mr_store *store, uint32_t uid);
void mr_store_post(struct mr_store *store, void *loop, mr_store_fn *fn, void *context);

/* ---- shape.c: streams and shards in memory */
struct mr_stream *mr_stream_new(struct mr_slice name);
void mr_stream_free(struct mr_store *store, struct mr_stream *stream);
struct mr_shard *mr_stream_add_shard(struct mr_store *store, struct mr_stream *stream);
void mr_stream_rebuild_open(struct mr_stream *stream);
void mr_shard_add_entry(struct mr_shard *shard, const struct mr_entry *entry);
uint64_t mr_shard_horizon_ms(const struct mr_store *store, const struct mr_shard *shard);
bool mr_shard_expired(const struct mr_store *store, const struct mr_shard *shard);

/* ---- wait.c */
/* Take those whose position is passed (all: everyone) from the shard, into `fired`. */
void mr_waiters_collect(struct mr_shard *shard, bool all, struct mr_list *fired);
/* Without the lock. */
void mr_waiters_post(struct mr_store *store, struct mr_list *fired);

/* ---- block_cache.c: its own lock */
void mr_block_cache_init(struct mr_block_cache *cache, size_t max_bytes);
void mr_block_cache_deinit(struct mr_block_cache *cache);
void mr_block_cache_add(struct mr_block_cache *cache, struct mr_block *block);
struct mr_block *mr_block_cache_find(struct mr_block_cache *cache, uint32_t segment,
                                     uint32_t offset);

/* ---- state.c: the file "state" */
/* Committer's thread, lock held; writes, syncs, renames. */
int mr_state_write(struct mr_store *store, struct mr_error *err);
int mr_state_read(struct mr_store *store, bool *out_found, struct mr_error *err);
int mr_state_parse(struct mr_store *store, struct mr_slice bytes, struct mr_error *err);

/* ---- segment.c */
enum { MR_SEGMENT_HEADER = 4096, MR_SEGMENT_NAME = 32, MR_PREPARED_TAKEN = -2 };
void mr_segment_name(uint32_t number, char out_name[MR_SEGMENT_NAME]);
void mr_index_name(uint32_t number, char out_name[MR_SEGMENT_NAME]);
struct mr_segment *mr_segment_new(uint32_t number, int fd);
void mr_segment_unref(struct mr_segment *segment); /* lock held; closes the file */
/* Make the segment the next one written to. Committer; no lock. */
int mr_segment_begin(struct mr_store *store, uint32_t number, uint32_t previous_end,
                     struct mr_segment **out_segment, struct mr_error *err);
int mr_segment_header_check(const uint8_t *page, uint32_t number, uint32_t *out_previous_end);
/* The cipher of a segment with that checked header; NULL is fine when 0 is returned. */
int mr_segment_cipher(const struct mr_store *store, const uint8_t *page, uint32_t number,
                      struct mr_cipher **out_cipher, struct mr_error *err);
void mr_segment_note(struct mr_segment *segment, struct mr_shard *shard,
                     const struct mr_index_entry *entry, uint64_t last_index,
                     uint64_t last_arrival_ms);
/* Index files. */
int mr_index_write(struct mr_store *store, struct mr_segment *segment, struct mr_error *err);
/* 0 when there is a good one; -ENOENT or -EBADMSG when it must be rebuilt. */
int mr_index_load(struct mr_store *store, struct mr_segment *segment);
int mr_index_parse(struct mr_slice bytes, uint32_t number, struct mr_segment *segment);

/* ---- recovery.c */
int mr_store_recover(struct mr_store *store, struct mr_error *err);

/* ---- committer.c, keeper.c, change.c */
void *mr_committer_main(void *store);
void *mr_keeper_main(void *store);
void mr_change_run(struct mr_store *store, struct mr_change_job *job);
void mr_trim_run(struct mr_store *store);
void mr_fatal_sync(const char *what, int code) __attribute__((noreturn));

/* ---- put.c */
void mr_put_finish(void *put);
struct mr_open_block *mr_open_block_new(struct mr_store *store, size_t capacity);
void mr_open_block_free(struct mr_store *store, struct mr_open_block *open);

#endif
