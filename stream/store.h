/*
 * store: streams, their shards, and the records in them, on disk and in memory.
 *
 * The engine under the Kinesis API. It knows nothing of HTTP, JSON or AWS's
 * error names: it routes records by hash key, numbers them, makes them durable
 * in groups, reads them back, and keeps the shape of streams through splits,
 * merges and restarts. docs/formats/journal.md describes what is on disk.
 *
 * Threads. Every function may be called from any thread unless it says
 * otherwise; the short parts that touch shared state take one mutex. The store
 * runs two threads of its own: the committer (group commit of records, and
 * every change of streams and shards, one after the other) and the keeper
 * (prepares segments ahead, seals and removes old ones). Completions come back through the
 * `post` function of the options, on whatever the caller gave as `loop`, never
 * before the function that took them has returned. Nothing here waits for the disk on the
 * caller's thread except mr_store_open, mr_store_close, and mr_store_read and mr_store_seek
 * when what they need is not in memory.
 *
 * Errors, the same in all functions: -ENOENT no such stream or shard, -EEXIST
 * it exists already, -EINVAL an argument breaks a rule (the text says which),
 * -ESTALE the `if_version` did not match, -EBUSY too much is waiting for the
 * disk or a shard is over its budget (retryable), -ENOSPC / -EIO and other
 * errno values from the disk (nothing acknowledged is lost; the store goes on
 * when the disk does), -EBADMSG bytes on disk fail their checksum, -EKEYREJECTED a
 * segment is encrypted under a key that was not given. A failed
 * fsync ends the process: what the disk then holds is unknown.
 */
#ifndef MR_STREAM_STORE_H
#define MR_STREAM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"
#include "stream/hash_key.h"
#include "stream/sequence_number.h"

struct mr_store;       /* opaque */
struct mr_file_ops;    /* stream/file_ops.h; NULL: the system's */
struct mr_master_keys; /* stream/cipher.h */

enum mr_durability {
    MR_DURABILITY_SYNC, /* acknowledged = survives a power cut */
    MR_DURABILITY_OS,   /* acknowledged = survives a crash of the process */
};

enum {
    MR_STORE_CACHE_BYTES = 256 * 1024 * 1024,  /* recent blocks in memory, by default */
    MR_STORE_PENDING_BYTES = 64 * 1024 * 1024, /* accepted and not yet written; then -EBUSY */
    MR_STORE_MAX_METADATA = 1024 * 1024,       /* the opaque text of one stream */
    MR_STORE_MAX_SHARDS = 100000,              /* of one stream, closed ones included */
};

typedef void(mr_store_fn)(void *context);
/* Run `fn(context)` on `loop`, soon; as mr_loop_post. */
typedef void(mr_store_post_fn)(void *loop, mr_store_fn *fn, void *context);

struct mr_store_options {
    const char *directory; /* made when missing; one process holds it at a time */
    enum mr_durability durability;
    bool aws_limits;              /* 1000 records/s and 1 MiB/s in, 5 reads/s and 2 MiB/s out a
                                     shard; over it: -EBUSY */
    size_t cache_bytes;           /* 0: MR_STORE_CACHE_BYTES */
    size_t segment_bytes;         /* 0: 64 MiB; smaller in tests */
    const struct mr_clock *clock; /* NULL: the system's; must be readable from any thread */
    mr_store_post_fn *post;       /* NULL: completions run on the store's own threads */
    const struct mr_file_ops *files;          /* NULL: the system's */
    const struct mr_master_keys *master_keys; /* NULL: none; the caller's, outlives the store */
    bool cut_corrupt; /* offline repair: cut the journal at the first bad block */
};

/*
 * Takes the directory (a lock file; -EBUSY says who has it), recovers the
 * journal, starts the threads. NULL with `err` filled on failure: -EBADMSG
 * names the file and offset of a corruption and says how to go on.
 */
struct mr_store *mr_store_open(const struct mr_store_options *options, struct mr_error *err);

/*
 * Commits what was accepted, seals the journal, joins the threads. Every completion has been
 * posted when it returns. NULL is fine. The caller has stopped calling and released all
 * batches.
 */
void mr_store_close(struct mr_store *store);
MR_AUTO_DEFINE(struct mr_store, mr_store_close)

/*
 * Encrypt what is written from now on, in segments of its own; or no more. False when it
 * cannot: there is no master key. What was written stays as it is until retention removes it.
 */
bool mr_store_encrypt(struct mr_store *store, bool on);

/* ------------------------------------------------------------------ streams and shards */

struct mr_stream_info {
    uint64_t id;          /* never used twice in this data directory */
    struct mr_slice name; /* in the arena */
    uint64_t created_ms;  /* Unix time */
    uint64_t version;     /* rises with each change; see if_version */
    uint32_t retention_hours;
    uint32_t open_shards;
    uint32_t shards;      /* all that were ever made; the next shard index */
    uint64_t settings[2]; /* the caller's own words, durable; 0 at creation unless given */
    uint64_t records_in, bytes_in; /* accepted since the server started */
    struct mr_slice metadata;      /* the caller's own text, in the arena */
};

#define MR_NO_SHARD UINT32_MAX

struct mr_shard_info {
    uint64_t stream_id;
    uint32_t uid;   /* names the shard in read, seek and wait; never used twice */
    uint32_t index; /* shardId-%012u */
    uint32_t parent, adjacent_parent; /* shard indices, or MR_NO_SHARD */
    mr_hash_key start_key, end_key;   /* both inclusive */
    struct mr_sequence_number starting;
    struct mr_sequence_number ending; /* when closed */
    bool open;
    bool expired;             /* closed, and its last record has passed retention: not listed */
    uint64_t created_ms;      /* Unix time it began to take records */
    uint64_t closed_ms;       /* 0 while open */
    uint64_t tail;            /* position behind the last committed record */
    uint64_t last_arrival_ms; /* 0: no record ever */
};

/*
 * What every request needs, without copying text: false when there is no such
 * stream. `name` and `metadata` of `out_info` are absent.
 */
bool mr_store_glance(struct mr_store *store, struct mr_slice name,
                     struct mr_stream_info *out_info);

/* All of it, text copied into `arena`. -ENOENT. */
int mr_store_describe(struct mr_store *store, struct mr_slice name, struct mr_arena *arena,
                      struct mr_stream_info *out_info, struct mr_error *err);

/*
 * Up to `max` streams in order of name, those after `after` (absent: from the
 * start), names in `arena`, metadata absent. Returns how many; `out_more` says whether there
 * are others.
 */
size_t mr_store_list(struct mr_store *store, struct mr_slice after, size_t max,
                     struct mr_arena *arena, struct mr_stream_info *out_infos, bool *out_more);

/* Shards of a stream from index `first` on, in order, expired ones included. Returns how many.
 */
size_t mr_store_shards(struct mr_store *store, struct mr_slice name, uint32_t first,
                       struct mr_shard_info *out_infos, size_t max);

/* One shard of a stream. -ENOENT: no such stream, or (text "shard ...") no such shard. */
int mr_store_shard(struct mr_store *store, struct mr_slice name, uint32_t index,
                   struct mr_shard_info *out_info, struct mr_error *err);

/* Shard indices of the children of shard `index` (at most 2). Returns how many. */
size_t mr_store_children(struct mr_store *store, struct mr_slice name, uint32_t index,
                         uint32_t out_children[2]);

struct mr_store_stats {
    uint64_t streams, shards, open_shards;
    uint64_t journal_bytes; /* on disk, prepared segments not counted */
    uint64_t segments;
    uint64_t cache_bytes;
    uint64_t pending_bytes;
    uint64_t commits; /* groups written */
    uint64_t records_in, bytes_in, records_out, bytes_out;
};
void mr_store_stats(struct mr_store *store, struct mr_store_stats *out_stats);

/* ------------------------------------------------------------------ changes */

enum mr_change_kind {
    MR_CHANGE_CREATE, /* shard_count, retention_hours; -EEXIST */
    MR_CHANGE_DELETE,
    MR_CHANGE_SPLIT,    /* shard, new_start_key */
    MR_CHANGE_MERGE,    /* shard, adjacent: first.end + 1 == second.start */
    MR_CHANGE_RESCALE,  /* shard_count: AWS's rounds of UpdateShardCount */
    MR_CHANGE_SETTINGS, /* only the settings and metadata given below */
    MR_CHANGE_ACCOUNT,  /* metadata becomes the text of mr_store_account; no stream */
};

/*
 * One change of one stream. What is set of retention_hours (0: keep), `settings`
 * (NULL: keep) and metadata (absent: keep) changes in the same atomic step,
 * whatever the kind.
 */
struct mr_change {
    enum mr_change_kind kind;
    struct mr_slice stream; /* copied */
    uint64_t if_version;    /* 0: whatever it is now; else -ESTALE when it moved on */
    uint32_t shard_count;
    uint32_t shard, adjacent; /* shard indices */
    mr_hash_key new_start_key;
    uint32_t retention_hours;
    const uint64_t *settings; /* two words, copied */
    struct mr_slice metadata; /* copied; at most MR_STORE_MAX_METADATA */
};

/* `err` is NULL when it is done and durable. */
typedef void(mr_changed_fn)(const struct mr_error *err, void *context);

/*
 * Queue a change. It is decided, and refused, when its turn comes: all
 * changes happen one after the other. Reads and writes go on meanwhile.
 * -EINVAL from split and merge has a text; -EALREADY: the shard is closed;
 * -ENOENT with a text that begins "shard" when the stream is there and the shard is not.
 */
void mr_store_change(struct mr_store *store, const struct mr_change *change, void *loop,
                     mr_changed_fn *done, void *context);

/* The account's own text, as the last MR_CHANGE_ACCOUNT left it; empty at first. */
struct mr_slice mr_store_account(struct mr_store *store, struct mr_arena *arena);

/*
 * Remove what retention allows, in the background: whole segments without a
 * readable record. Reads never give expired records, removed or not. Call it about once a
 * minute.
 */
void mr_store_trim(struct mr_store *store);

/* ------------------------------------------------------------------ writing */

struct mr_put_record {
    struct mr_slice data;
    struct mr_slice partition_key; /* 1..65535 bytes */
    mr_hash_key explicit_key;      /* used when has_explicit_key */
    bool has_explicit_key;
};

struct mr_put_result {
    int code; /* 0: written; -EBUSY: the shard is over its budget; else the disk's error */
    uint32_t shard;                     /* shard index it went to, or would have */
    struct mr_sequence_number sequence; /* when code is 0 */
};

/* All results are final. */
typedef void(mr_put_fn)(void *context);

/*
 * Append records. Copies each once, into the block that is open; `records` and
 * their bytes may go when this returns, `results` (one a record) stays until
 * `done` has run. A call allocates one small struct, and nothing per record.
 *
 * Returns 0 when `done` will be called, after the group of the last record is
 * committed; else nothing was taken: -ENOENT no such stream, -EBUSY
 * MR_STORE_PENDING_BYTES wait already.
 */
int mr_store_put(struct mr_store *store, struct mr_slice stream,
                 const struct mr_put_record *records, size_t count,
                 struct mr_put_result *results, void *loop, mr_put_fn *done, void *context,
                 struct mr_error *err);

/* ------------------------------------------------------------------ reading */

/*
 * A position in a shard is a sequence index: the next record to read is the
 * first committed one whose index is not below it. Any number is a position;
 * what was trimmed is skipped. 0 is the horizon.
 */
enum mr_seek { MR_SEEK_HORIZON, MR_SEEK_TIP, MR_SEEK_TIMESTAMP };

/*
 * Where to begin. TIP: behind the last committed record now. TIMESTAMP: the
 * first record that arrived at `timestamp_ms` or later; without one, the tip.
 * (AT_SEQUENCE_NUMBER is position number.index, AFTER_SEQUENCE_NUMBER
 * number.index + 1.) -ENOENT: the shard went with its stream.
 */
int mr_store_seek(struct mr_store *store, uint32_t shard_uid, enum mr_seek seek,
                  uint64_t timestamp_ms, uint64_t *out_position, struct mr_error *err);

/* With aws_limits: may there be another iterator of the shard now? Five a second may. */
bool mr_store_may_seek(struct mr_store *store, uint32_t shard_uid);

struct mr_stored_record {
    struct mr_slice data;
    struct mr_slice partition_key;
    struct mr_sequence_number sequence;
    uint64_t arrival_ms;
};

/*
 * What a read found. Zeroed before its first use, used again for the next
 * read, which keeps its arrays; released at the end. The records are views into blocks
 * that the batch holds on to until mr_store_batch_clear, _release or the next
 * read into it; that is the caller's promise to come back soon. One thread at a time.
 */
struct mr_store_batch {
    struct mr_stored_record *records;
    size_t count;
    size_t bytes;           /* data and partition keys */
    uint64_t next;          /* position behind the last one given */
    uint64_t behind_ms;     /* MillisBehindLatest */
    bool end_of_shard;      /* closed, and nothing comes at or after `next` */
    bool unbudgeted;        /* the caller's: do not count it against the shard's read budget */
    bool counted;           /* the caller's: its call was counted before, its bytes were not */
    size_t record_capacity; /* the rest is the store's */
    struct mr_block **blocks;
    size_t block_count, block_capacity;
};

/*
 * Committed records from `position` on, at most `max_records` and `max_bytes` of
 * data and keys (a first record larger than that is given alone). Reads the disk when
 * they are no longer in memory. An empty batch is no error. -EBUSY with
 * aws_limits: the shard's read budget.
 */
int mr_store_read(struct mr_store *store, uint32_t shard_uid, uint64_t position,
                  size_t max_records, size_t max_bytes, struct mr_store_batch *batch,
                  struct mr_error *err);

/* Let go of records and blocks, keep the arrays. */
void mr_store_batch_clear(struct mr_store_batch *batch);
void mr_store_batch_release(struct mr_store_batch *batch);

/*
 * Call `ready` once there is a record at or behind `position`, or the shard was
 * closed or deleted; at once when that is so already. Returns a handle that is
 * valid until `ready` has run or mr_store_unwait was called.
 */
struct mr_store_wait;
struct mr_store_wait *mr_store_wait(struct mr_store *store, uint32_t shard_uid,
                                    uint64_t position, void *loop, mr_store_fn *ready,
                                    void *context);
/* `ready` will not be called after this returns. Call it on `loop`'s thread. NULL is fine. */
void mr_store_unwait(struct mr_store_wait *wait);

#endif
