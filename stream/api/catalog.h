/*
 * catalog: what is known of a stream besides its shards and records.
 *
 * Modes, tags, consumers, policies, monitoring, encryption, and the states a
 * stream passes through on its way. The store keeps the data; the catalog keeps
 * what operators say about it, in one file (DIRECTORY/catalog.json), written anew
 * and synced at every change: changes are rare, and the file can be read.
 *
 * Pointers to entries are valid until the entry is removed.
 */
#ifndef MR_STREAM_API_CATALOG_H
#define MR_STREAM_API_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"

struct mr_catalog;

enum {
    MR_CATALOG_MAX_STREAMS = 10000,
    MR_CATALOG_MAX_TAGS = 50,      /* AWS's, a stream or consumer */
    MR_CATALOG_MAX_CONSUMERS = 50, /* AWS's with on-demand advantage */
    MR_CATALOG_MAX_CHANGES = 10,   /* times remembered for the rolling day */
    MR_CATALOG_MAX_POLICY = 20480, /* bytes */
};

struct mr_tag {
    char *key, *value;
};

struct mr_tags {
    struct mr_tag *items; /* sorted by key */
    size_t count;
};

/* The times of the last changes of one kind. */
struct mr_changes {
    uint64_t at_ms[MR_CATALOG_MAX_CHANGES];
    size_t count;
};

struct mr_consumer {
    struct mr_list node;
    char *name;
    uint64_t created_ms;
    uint64_t active_ms;  /* CREATING until then */
    uint64_t deleted_ms; /* 0: lives; else DELETING until then, and gone after it */
    struct mr_tags tags;
    char *policy; /* NULL: none */
};

struct mr_stream_facts {
    char *name;
    uint64_t created_ms;
    uint64_t active_ms;  /* CREATING until then */
    uint64_t updated_ms; /* UPDATING until then; 0: not */
    uint64_t deleted_ms; /* 0: lives; else DELETING until then */
    bool changing;       /* UPDATING until its shards are changed; not kept on disk */
    bool on_demand;
    int64_t max_record_kib;
    int64_t warm_mibps; /* -1: not set */
    bool encrypted;
    char *key_id;     /* NULL unless encrypted */
    unsigned metrics; /* bit i: MR_CATALOG_METRICS[i] is on */
    struct mr_tags tags;
    char *policy; /* NULL: none */
    struct mr_list consumers;
    size_t consumer_count;
    struct mr_changes mode_changes, count_changes;
    uint64_t seen_ms, seen_bytes, seen_records; /* by scaling.c; not kept on disk */
};

struct mr_account {
    bool commitment;
    uint64_t commitment_started_ms, commitment_ended_ms;
};

/* Read it, or begin an empty one. A file that does not parse is an error, never overwritten. */
MR_MUST_USE
struct mr_catalog *mr_catalog_open(const char *directory, struct mr_error *err);
void mr_catalog_close(struct mr_catalog *catalog);
MR_AUTO_DEFINE(struct mr_catalog, mr_catalog_close)

/* NULL when there is none. */
struct mr_stream_facts *mr_catalog_find(struct mr_catalog *catalog, struct mr_slice name);
/* A new entry with AWS's defaults; -EEXIST is the caller's to check before. */
struct mr_stream_facts *mr_catalog_add(struct mr_catalog *catalog, struct mr_slice name);
void mr_catalog_remove(struct mr_catalog *catalog, struct mr_stream_facts *facts);
size_t mr_catalog_count(const struct mr_catalog *catalog);
/* Names in order: the first behind `after` (absent: the very first), or NULL. */
struct mr_stream_facts *mr_catalog_next(struct mr_catalog *catalog, struct mr_slice after);

struct mr_account *mr_catalog_account(struct mr_catalog *catalog);

struct mr_consumer *mr_catalog_find_consumer(struct mr_stream_facts *facts,
                                             struct mr_slice name);
struct mr_consumer *mr_catalog_add_consumer(struct mr_stream_facts *facts,
                                            struct mr_slice name);
void mr_catalog_remove_consumer(struct mr_stream_facts *facts, struct mr_consumer *consumer);

void mr_tags_set(struct mr_tags *tags, struct mr_slice key, struct mr_slice value);
void mr_tags_remove(struct mr_tags *tags, struct mr_slice key);

/* Write what has changed to the disk. Call it before answering. */
int mr_catalog_save(struct mr_catalog *catalog, struct mr_error *err);

/* Changes of the last 24 hours; older ones are forgotten. */
size_t mr_changes_today(struct mr_changes *changes, uint64_t now_ms);
void mr_changes_add(struct mr_changes *changes, uint64_t now_ms);

#endif
