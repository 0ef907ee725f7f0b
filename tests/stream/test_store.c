#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "stream/store_inside.h"
#include "tests/stream/fixture.h"

static void
put_many(struct mr_store *store, const char *stream, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char key[32], data[64];
        struct mr_put_result result;
        snprintf(key, sizeof(key), "key-%u", i % 17);
        snprintf(data, sizeof(data), "data-%u", i);
        ck_assert_int_eq(put(store, stream, key, data, &result), 0);
    }
}

/* Everything in a shard; each record above the one before. Returns how many. */
static size_t
count_records(struct mr_store *store, uint32_t uid)
{
    struct mr_store_batch batch = { 0 };
    size_t count = 0;
    uint64_t position = 0, last = 0;

    for (;;) {
        ck_assert_int_eq(mr_store_read(store, uid, position, 100, 1 << 20, &batch, NULL), 0);
        if (batch.count == 0) {
            break;
        }
        for (size_t i = 0; i < batch.count; i++) {
            ck_assert_uint_gt(batch.records[i].sequence.index, last);
            last = batch.records[i].sequence.index;
            ck_assert(mr_slice_starts_with(batch.records[i].data, MR_SLICE("data-")));
        }
        count += batch.count;
        position = batch.next;
    }
    mr_store_batch_release(&batch);
    return count;
}

static size_t
count_all(struct mr_store *store, const char *stream)
{
    struct mr_shard_info infos[64];
    size_t shards = mr_store_shards(store, mr_slice_str(stream), 0, infos, 64), count = 0;

    for (size_t i = 0; i < shards; i++) {
        count += count_records(store, infos[i].uid);
    }
    return count;
}

START_TEST(what_is_put_is_read)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_put_result result;
    struct mr_store_batch batch = { 0 };

    ck_assert_int_eq(create(store, "orders", 1), 0);
    ck_assert_int_eq(put(store, "orders", "key", "hello", &result), 0);
    ck_assert_int_eq(
        mr_store_read(store, uid_of(store, "orders", 0), 0, 10, 1 << 20, &batch, NULL), 0);

    ck_assert_uint_eq(batch.count, 1);
    ck_assert(mr_slice_is(batch.records[0].data, "hello"));
    ck_assert(mr_slice_is(batch.records[0].partition_key, "key"));
    ck_assert_int_eq(mr_sequence_compare(&batch.records[0].sequence, &result.sequence), 0);
    ck_assert_uint_eq(batch.behind_ms, 0);

    mr_store_batch_release(&batch);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(what_is_put_is_there_after_a_restart)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    ck_assert_int_eq(create(store, "orders", 4), 0);
    put_many(store, "orders", 0, 500);
    ck_assert_uint_eq(count_all(store, "orders"), 500);

    mr_store_close(store);
    store = open_at(directory);

    ck_assert_uint_eq(count_all(store, "orders"), 500);
    put_many(store, "orders", 500, 600);
    ck_assert_uint_eq(count_all(store, "orders"), 600);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

static void
remove_indexes(const char *directory)
{
    char command[300];
    snprintf(command, sizeof(command), "rm -f %s/*.index", directory);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_missing_index_is_rebuilt)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    ck_assert_int_eq(create(store, "orders", 3), 0);
    put_many(store, "orders", 0, 300);
    mr_store_close(store);

    remove_indexes(directory);
    store = open_at(directory);

    ck_assert_uint_eq(count_all(store, "orders"), 300);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_journal_of_many_segments_is_read_through)
{
    char *directory = make_directory();
    struct mr_store_options options = { .directory = directory,
                                        .durability =
                                            _i == 0 ? MR_DURABILITY_OS : MR_DURABILITY_SYNC,
                                        .segment_bytes = 16 * 1024,
                                        .cache_bytes = 8 * 1024 };
    struct mr_store *store = open_with(options);
    struct mr_store_stats stats;
    ck_assert_int_eq(create(store, "orders", 2), 0);

    put_many(store, "orders", 0, 1000);
    mr_store_stats(store, &stats);

    ck_assert_uint_gt(stats.segments, 5);
    ck_assert_uint_eq(count_all(store, "orders"), 1000);
    mr_store_close(store);
    store = open_with(options);
    ck_assert_uint_eq(count_all(store, "orders"), 1000);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

/* The journal as a crash leaves it: not sealed, a copy of the file at its full size. */
static size_t
crash_copy(const char *directory, const char *copy)
{
    char command[400];
    struct stat info;
    snprintf(command, sizeof(command),
             "rm -rf %s && mkdir %s && cp %s/state %s/0000000001.journal %s/", copy, copy,
             directory, directory, copy);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof(command), "%s/0000000001.journal", copy);
    ck_assert_int_eq(stat(command, &info), 0);
    return (size_t)info.st_size;
}

START_TEST(a_torn_tail_is_cut_at_every_byte)
{
    char *directory = make_directory(), *other = make_directory();
    char name[300];
    struct mr_store *store = open_at(directory);
    ck_assert_int_eq(create(store, "orders", 1), 0);
    put_many(store, "orders", 0, 3);
    struct mr_store_stats stats;
    mr_store_stats(store, &stats);
    size_t end = stats.journal_bytes;
    crash_copy(directory, other);
    mr_store_close(store);
    snprintf(name, sizeof(name), "%s/0000000001.journal", other);

    /* the last block is 64 + 32 + key and data; every shorter length keeps two records */
    for (size_t cut = 1; cut < 64 + 32 + 8; cut++) {
        char command[400];
        snprintf(command, sizeof(command), "cp %s/0000000001.journal %s/ && rm -f %s/*.index",
                 directory, other, other);
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(truncate(name, (off_t)(end - cut)), 0);
        struct mr_store *again = open_at(other);
        ck_assert_uint_eq(count_all(again, "orders"), 2);
        put_many(again, "orders", 0, 1);
        ck_assert_uint_eq(count_all(again, "orders"), 3);
        mr_store_close(again);
        snprintf(command, sizeof(command), "rm -rf %s/0000000002.*", other);
        ck_assert_int_eq(system(command), 0);
    }
    remove_directory(directory);
    remove_directory(other);
}
END_TEST

START_TEST(damage_before_acknowledged_records_is_told_and_not_hidden)
{
    char *directory = make_directory();
    struct mr_store_options options = { .directory = directory,
                                        .durability = MR_DURABILITY_SYNC,
                                        .segment_bytes = 1024 * 1024 };
    struct mr_store *store = open_with(options);
    char name[300];
    struct mr_error err = { 0 };
    ck_assert_int_eq(create(store, "orders", 1), 0);
    put_many(store, "orders", 0, 20);
    mr_store_close(store);
    remove_indexes(directory);
    snprintf(name, sizeof(name), "%s/0000000001.journal", directory);
    int fd = open(name, O_RDWR);
    ck_assert_int_eq(pwrite(fd, "XX", 2, 4096 + 300), 2);
    close(fd);

    ck_assert_ptr_null(mr_store_open(&options, &err));
    ck_assert_int_eq(err.code, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "--cut-corrupt"));

    options.cut_corrupt = true;
    store = open_with(options);
    ck_assert_uint_lt(count_all(store, "orders"), 20);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_directory_has_one_owner)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_error err = { 0 };

    ck_assert_ptr_null(
        mr_store_open(&(struct mr_store_options){ .directory = directory }, &err));

    ck_assert_int_eq(err.code, -EBUSY);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

static const struct {
    uint32_t from, to, total;
} rescales[] = { { 2, 4, 6 }, { 4, 5, 15 }, { 10, 13, 37 },
                 { 4, 2, 6 }, { 5, 3, 7 },  { 10, 3, 17 } };

START_TEST(a_rescale_makes_as_many_shards_as_on_aws)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_stream_info info;
    ck_assert_int_eq(create(store, "orders", rescales[_i].from), 0);

    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_RESCALE,
                                                       .stream = MR_SLICE("orders"),
                                                       .shard_count = rescales[_i].to }),
                     0);

    ck_assert(mr_store_glance(store, MR_SLICE("orders"), &info));
    ck_assert_uint_eq(info.shards, rescales[_i].total);
    ck_assert_uint_eq(info.open_shards, rescales[_i].to);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_split_shard_ends_and_its_children_go_on)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_store_batch batch = { 0 };
    struct mr_put_result before, after;
    uint32_t children[2];
    ck_assert_int_eq(create(store, "orders", 1), 0);
    uint32_t parent = uid_of(store, "orders", 0);
    ck_assert_int_eq(put(store, "orders", "a", "data-1", &before), 0);

    ck_assert_int_eq(
        change(store, (struct mr_change){ .kind = MR_CHANGE_SPLIT,
                                          .stream = MR_SLICE("orders"),
                                          .new_start_key = (mr_hash_key)1 << 127 }),
        0);
    ck_assert_int_eq(put(store, "orders", "a", "data-2", &after), 0);

    ck_assert_uint_eq(after.shard, 1);
    ck_assert_int_gt(mr_sequence_compare(&after.sequence, &before.sequence), 0);
    ck_assert_uint_eq(mr_store_children(store, MR_SLICE("orders"), 0, children), 2);
    ck_assert_int_eq(mr_store_read(store, parent, 0, 10, 1 << 20, &batch, NULL), 0);
    ck_assert_uint_eq(batch.count, 1);
    ck_assert(batch.end_of_shard);
    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_SPLIT,
                                                       .stream = MR_SLICE("orders"),
                                                       .new_start_key = 5 }),
                     -EALREADY);
    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_MERGE,
                                                       .stream = MR_SLICE("orders"),
                                                       .shard = 2,
                                                       .adjacent = 1 }),
                     -EINVAL);
    mr_store_batch_release(&batch);
    mr_store_close(store);

    store = open_at(directory);
    ck_assert_uint_eq(count_all(store, "orders"), 2);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(metadata_and_version_survive_a_restart)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_stream_info info;
    mr_auto_arena struct mr_arena arena = { 0 };
    ck_assert_int_eq(create(store, "orders", 1), 0);
    ck_assert(mr_store_glance(store, MR_SLICE("orders"), &info));

    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_SETTINGS,
                                                       .stream = MR_SLICE("orders"),
                                                       .retention_hours = 48,
                                                       .settings = (uint64_t[]){ 3, 4 },
                                                       .metadata = MR_SLICE("{}") }),
                     0);
    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_SETTINGS,
                                                       .stream = MR_SLICE("orders"),
                                                       .if_version = info.version }),
                     -ESTALE);
    mr_store_close(store);
    store = open_at(directory);

    ck_assert_int_eq(mr_store_describe(store, MR_SLICE("orders"), &arena, &info, NULL), 0);
    ck_assert(mr_slice_is(info.metadata, "{}"));
    ck_assert_uint_eq(info.retention_hours, 48);
    ck_assert_uint_eq(info.settings[1], 4);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

/* A wall clock that tests set from outside the store's threads. */
static _Atomic uint64_t clock_us;

static uint64_t
read_clock(const struct mr_clock *clock)
{
    (void)clock;
    return clock_us;
}

static const struct mr_clock set_clock = { read_clock, read_clock };

START_TEST(retention_hides_records_and_removes_segments)
{
    char *directory = make_directory();
    struct mr_store_options options = { .directory = directory,
                                        .durability = MR_DURABILITY_OS,
                                        .segment_bytes = 16 * 1024,
                                        .clock = &set_clock };
    clock_us = UINT64_C(1700000000) * 1000000;
    struct mr_store *store = open_with(options);
    struct mr_put_result last, next;
    struct mr_store_stats stats;
    ck_assert_int_eq(create(store, "orders", 1), 0);
    put_many(store, "orders", 0, 500);
    ck_assert_int_eq(put(store, "orders", "k", "data-x", &last), 0);

    clock_us += UINT64_C(25) * 3600 * 1000000;
    ck_assert_uint_eq(count_all(store, "orders"), 0);
    mr_store_close(store);
    store = open_with(options);
    mr_store_trim(store);
    ck_assert_int_eq(create(store, "barrier", 1), 0);
    mr_store_stats(store, &stats);

    ck_assert_uint_eq(stats.segments, 0);
    mr_store_close(store);
    store = open_with(options);
    ck_assert_int_eq(put(store, "orders", "k", "data-y", &next), 0);
    ck_assert_int_gt(mr_sequence_compare(&next.sequence, &last.sequence), 0);
    ck_assert_uint_eq(count_all(store, "orders"), 1);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_timestamp_finds_its_record_or_the_tip)
{
    char *directory = make_directory();
    struct mr_store_options options = { .directory = directory,
                                        .durability = MR_DURABILITY_OS,
                                        .segment_bytes = 1024 * 1024,
                                        .clock = &set_clock };
    clock_us = UINT64_C(1700000000) * 1000000;
    struct mr_store *store = open_with(options);
    uint64_t position;
    ck_assert_int_eq(create(store, "orders", 1), 0);
    uint32_t uid = uid_of(store, "orders", 0);
    put_many(store, "orders", 0, 10);
    clock_us += 5000000;
    put_many(store, "orders", 10, 20);

    ck_assert_int_eq(
        mr_store_seek(store, uid, MR_SEEK_TIMESTAMP, UINT64_C(1700000003000), &position, NULL),
        0);
    ck_assert_uint_eq(position, 11);
    ck_assert_int_eq(
        mr_store_seek(store, uid, MR_SEEK_TIMESTAMP, UINT64_C(1700000009000), &position, NULL),
        0);
    ck_assert_uint_eq(position, 21);
    ck_assert_int_eq(mr_store_seek(store, uid, MR_SEEK_TIP, 0, &position, NULL), 0);
    ck_assert_uint_eq(position, 21);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(a_waiting_reader_wakes_when_a_record_is_committed)
{
    char *directory = make_directory();
    struct mr_store *store = open_at(directory);
    struct mr_put_result result;
    struct done done, never;
    ck_assert_int_eq(create(store, "orders", 1), 0);
    uint32_t uid = uid_of(store, "orders", 0);
    done_init(&done);
    done_init(&never);

    mr_store_wait(store, uid, 1, NULL, done_set, &done);
    mr_store_unwait(mr_store_wait(store, uid, 1, NULL, done_set, &never));
    ck_assert_int_eq(put(store, "orders", "a", "data", &result), 0);

    done_wait(&done);
    ck_assert(!never.is);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

START_TEST(budgets_are_those_of_aws_when_asked)
{
    char *directory = make_directory();
    struct mr_store_options options = { .directory = directory,
                                        .durability = MR_DURABILITY_OS,
                                        .aws_limits = true,
                                        .segment_bytes = 1024 * 1024,
                                        .clock = &set_clock };
    clock_us = UINT64_C(1700000000) * 1000000;
    struct mr_store *store = open_with(options);
    struct mr_put_result result;
    ck_assert_int_eq(create(store, "orders", 1), 0);

    put_many(store, "orders", 0, 1000);
    ck_assert_int_eq(put(store, "orders", "k", "d", &result), -EBUSY);

    clock_us += 1000;
    ck_assert_int_eq(put(store, "orders", "k", "d", &result), 0);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

MR_SUITE("stream.store", MR_TEST(what_is_put_is_read),
         MR_TEST(what_is_put_is_there_after_a_restart), MR_TEST(a_missing_index_is_rebuilt),
         MR_TEST_LOOP(a_journal_of_many_segments_is_read_through, 2),
         MR_TEST(a_torn_tail_is_cut_at_every_byte),
         MR_TEST(damage_before_acknowledged_records_is_told_and_not_hidden),
         MR_TEST(a_directory_has_one_owner),
         MR_TEST_LOOP(a_rescale_makes_as_many_shards_as_on_aws, 6),
         MR_TEST(a_split_shard_ends_and_its_children_go_on),
         MR_TEST(metadata_and_version_survive_a_restart),
         MR_TEST(retention_hides_records_and_removes_segments),
         MR_TEST(a_timestamp_finds_its_record_or_the_tip),
         MR_TEST(a_waiting_reader_wakes_when_a_record_is_committed),
         MR_TEST(budgets_are_those_of_aws_when_asked))
