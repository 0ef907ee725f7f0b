/*
 * A child writes and says through a pipe what was acknowledged; it is killed at a random
 * moment; then everything it said must be there. MR_CRASH_ROUNDS sets how often.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "stream/file_ops.h"
#include "tests/stream/fixture.h"

enum { ROUNDS = 100, BATCH = 20, SHARDS = 3 };

static struct mr_store_options
options_of(const char *directory, unsigned round)
{
    return (struct mr_store_options){ .directory = directory,
                                      .durability = round % 2 == 0 ? MR_DURABILITY_OS
                                                                   : MR_DURABILITY_SYNC,
                                      .segment_bytes = 64 * 1024,
                                      .cache_bytes = 64 * 1024 };
}

static const struct mr_file_ops *child_files; /* NULL: the system's */

/* Puts numbered records for ever; after each answer writes the number of records answered. */
static void
write_until_killed(const char *directory, unsigned round, uint32_t from, int pipe_fd)
{
    struct mr_store_options options = options_of(directory, round);
    options.files = child_files;
    struct mr_store *store = mr_store_open(&options, NULL);
    if (store == NULL) {
        _exit(1);
    }
    for (uint32_t next = from;; next += BATCH) {
        struct mr_put_record records[BATCH];
        struct mr_put_result results[BATCH];
        char data[BATCH][300];
        struct done done;
        done_init(&done);
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t number = next + i;
            memset(data[i], 'x', sizeof(data[i]));
            memcpy(data[i], &number, sizeof(number));
            records[i] = (struct mr_put_record){
                .data = mr_slice_of(data[i], sizeof(number) + number % 290),
                .partition_key = mr_slice_of(data[i], sizeof(number)),
            };
        }
        if (mr_store_put(store, MR_SLICE("s"), records, BATCH, results, NULL, done_set, &done,
                         NULL) < 0) {
            _exit(1);
        }
        done_wait(&done);
        for (uint32_t i = 0; i < BATCH; i++) {
            if (results[i].code != 0) {
                _exit(1);
            }
        }
        uint32_t acknowledged = next + BATCH;
        if (write(pipe_fd, &acknowledged, sizeof(acknowledged)) != sizeof(acknowledged)) {
            _exit(1);
        }
    }
}

/* Kill it somewhere in its first milliseconds; returns what it had acknowledged. */
static uint32_t
run_and_kill(const char *directory, unsigned round, uint32_t from, struct mr_random *random)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        write_until_killed(directory, round, from, fds[1]);
    }
    close(fds[1]);
    struct timespec pause = { 0, (long)mr_random_below(random, 12000000) };
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    uint32_t acknowledged = from, said;
    while (read(fds[0], &said, sizeof(said)) == sizeof(said)) {
        acknowledged = said;
    }
    close(fds[0]);
    return acknowledged;
}

/* Marks in `seen` what a shard holds, in rising order. Returns the highest number + 1. */
static uint32_t
look(struct mr_store *store, uint32_t shard, uint8_t *seen, uint32_t size)
{
    struct mr_store_batch batch = { 0 };
    uint64_t position = 0, last = 0;
    uint32_t highest = 0;

    do {
        ck_assert_int_eq(mr_store_read(store, uid_of(store, "s", shard), position, 1000,
                                       1 << 20, &batch, NULL),
                         0);
        for (size_t i = 0; i < batch.count; i++) {
            uint32_t number;
            memcpy(&number, batch.records[i].data.data, sizeof(number));
            ck_assert_uint_lt(number, size);
            ck_assert_uint_gt(batch.records[i].sequence.index, last);
            last = batch.records[i].sequence.index;
            seen[number] = 1;
            highest = number + 1 > highest ? number + 1 : highest;
        }
        position = batch.next;
    } while (batch.count > 0);
    mr_store_batch_release(&batch);
    return highest;
}

START_TEST(what_was_acknowledged_survives_a_kill_at_any_moment)
{
    const char *wanted = getenv("MR_CRASH_ROUNDS");
    unsigned rounds = wanted == NULL ? ROUNDS : (unsigned)atoi(wanted);
    enum { MOST = 16 * 1024 * 1024 };
    uint8_t *seen = calloc(MOST, 1);
    char *directory = make_directory();
    struct mr_random random;
    mr_random_init_seed(&random, 7);
    struct mr_store *store = open_with(options_of(directory, 0));
    ck_assert_int_eq(create(store, "s", SHARDS), 0);
    mr_store_close(store);
    uint32_t from = 0;
    uint8_t *promised = calloc(MOST, 1);

    for (unsigned round = 0; round < rounds && from + 1000000 < MOST; round++) {
        uint32_t acknowledged = run_and_kill(directory, round, from, &random);
        memset(promised + from, 1, acknowledged - from);
        if (round % 10 == 9 || round + 1 == rounds) {
            memset(seen, 0, MOST);
        }
        store = open_with(options_of(directory, round));
        uint32_t highest = acknowledged;
        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            uint32_t found = look(store, shard, seen, MOST);
            highest = found > highest ? found : highest;
        }
        mr_store_close(store);
        for (uint32_t i = 0; i < acknowledged; i++) {
            ck_assert_msg(!promised[i] || seen[i], "round %u: record %u of %u is lost", round,
                          i, acknowledged);
        }
        from = highest;
    }
    ck_assert_uint_gt(from, rounds * BATCH); /* the children did get to write */
    free(seen);
    free(promised);
    remove_directory(directory);
}
END_TEST

/* ------------------------------------------------------------------ a power cut */

static _Atomic int writes_left;
static struct mr_random sectors;
static pthread_mutex_t sectors_lock = PTHREAD_MUTEX_INITIALIZER; /* committer and keeper write */

static bool
is_kept(void)
{
    pthread_mutex_lock(&sectors_lock);
    bool kept = mr_random_below(&sectors, 2) == 0;
    pthread_mutex_unlock(&sectors_lock);
    return kept;
}

/* The write at which the power fails leaves any of its sectors behind, in no order. */
static int
torn_write(void *self, int fd, struct iovec *parts, int count, uint64_t offset)
{
    if (writes_left-- > 0) {
        return mr_file_ops_system()->write_at(self, fd, parts, count, offset);
    }
    for (int i = 0; i < count; offset += parts[i].iov_len, i++) {
        for (size_t at = 0; at < parts[i].iov_len; at += 512) {
            size_t size = parts[i].iov_len - at;
            if (is_kept()) {
                struct iovec part = { (char *)parts[i].iov_base + at, size < 512 ? size : 512 };
                mr_file_ops_system()->write_at(self, fd, &part, 1, offset + at);
            }
        }
    }
    _exit(0);
}

START_TEST(what_was_acknowledged_survives_a_power_cut)
{
    struct mr_file_ops files = *mr_file_ops_system();
    char *directory = make_directory();
    uint8_t *seen = calloc(1 << 20, 1);
    files.write_at = torn_write;
    struct mr_store *store = open_with(options_of(directory, 1));
    ck_assert_int_eq(create(store, "s", SHARDS), 0);
    mr_store_close(store);
    uint32_t from = 0, promised = 0;

    for (int round = 0; round < 40; round++) {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        mr_random_init_seed(&sectors, (uint64_t)round);
        writes_left = (int)mr_random_below(&sectors, 60);
        pid_t child = fork();
        if (child == 0) {
            child_files = &files;
            write_until_killed(directory, 1, from, fds[1]);
        }
        close(fds[1]);
        for (uint32_t said; read(fds[0], &said, sizeof(said)) == sizeof(said);) {
            promised += said - from;
            from = said;
        }
        close(fds[0]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        memset(seen, 0, 1 << 20);
        store = open_with(options_of(directory, 1));
        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            look(store, shard, seen, 1 << 20);
        }
        mr_store_close(store);
        for (uint32_t i = 0; i < from; i++) {
            ck_assert_msg(seen[i], "round %d: record %u of %u is lost", round, i, from);
        }
    }
    ck_assert_uint_gt(promised, 0);
    free(seen);
    remove_directory(directory);
}
END_TEST

/* ------------------------------------------------------------------ a disk that fills */

static _Atomic bool full;

static int
full_write(void *self, int fd, struct iovec *parts, int count, uint64_t offset)
{
    return full ? -ENOSPC : mr_file_ops_system()->write_at(self, fd, parts, count, offset);
}

START_TEST(a_full_disk_refuses_writers_and_loses_nothing)
{
    char *directory = make_directory();
    struct mr_file_ops files = *mr_file_ops_system();
    files.write_at = full_write;
    struct mr_store_options options = options_of(directory, 0);
    options.files = &files;
    struct mr_store *store = open_with(options);
    struct mr_put_result result;
    struct mr_store_batch batch = { 0 };
    ck_assert_int_eq(create(store, "s", 1), 0);
    ck_assert_int_eq(put(store, "s", "k", "one", &result), 0);

    full = true;
    ck_assert_int_eq(put(store, "s", "k", "lost", &result), -ENOSPC);
    ck_assert_int_eq(create(store, "t", 1), -ENOSPC);
    ck_assert_int_eq(change(store, (struct mr_change){ .kind = MR_CHANGE_RESCALE,
                                                       .stream = MR_SLICE("s"),
                                                       .shard_count = 2 }),
                     -ENOSPC);
    full = false;
    ck_assert_int_eq(put(store, "s", "k", "two", &result), 0);
    mr_store_close(store);
    store = open_with(options);

    ck_assert_int_eq(mr_store_read(store, uid_of(store, "s", 0), 0, 10, 1 << 20, &batch, NULL),
                     0);
    ck_assert_uint_eq(batch.count, 2);
    ck_assert(mr_slice_is(batch.records[1].data, "two"));
    mr_store_batch_release(&batch);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

/* ------------------------------------------------------------------ a sync that fails */

static _Atomic bool sync_fails;

static int
failing_sync(void *self, int fd)
{
    return sync_fails ? -EIO : mr_file_ops_system()->sync(self, fd);
}

START_TEST(a_failed_sync_ends_the_process)
{
    char *directory = make_directory();
    pid_t child = fork();
    if (child == 0) {
        struct mr_file_ops files = *mr_file_ops_system();
        files.sync = failing_sync;
        struct mr_store_options options = options_of(directory, 1);
        options.files = &files;
        struct mr_store *store = open_with(options);
        struct mr_put_result result;
        create(store, "s", 1);
        put(store, "s", "k", "one", &result);
        sync_fails = true;
        put(store, "s", "k", "two", &result);
        _exit(0);
    }

    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    struct mr_store *store = open_with(options_of(directory, 1));
    struct mr_store_batch batch = { 0 };
    ck_assert_int_eq(mr_store_read(store, uid_of(store, "s", 0), 0, 10, 1 << 20, &batch, NULL),
                     0);
    ck_assert_uint_ge(batch.count, 1);
    mr_store_batch_release(&batch);
    mr_store_close(store);
    remove_directory(directory);
}
END_TEST

MR_SUITE("stream.crash", MR_TEST(what_was_acknowledged_survives_a_kill_at_any_moment),
         MR_TEST(what_was_acknowledged_survives_a_power_cut),
         MR_TEST(a_full_disk_refuses_writers_and_loses_nothing),
         MR_TEST(a_failed_sync_ends_the_process))
