/*
 * stream_engine: what the engine of the stream server does, without a network.
 *
 *     bench_stream_engine [DIRECTORY]
 *
 * Prints records/s of puts of 500 for two sizes and both durabilities, commits/s against
 * the disk's own rate of small synced writes in the same run, MB/s of reads, and memory of
 * 10,000 idle shards.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "stream/store.h"

enum { BATCH = 500, IN_FLIGHT = 16 };

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned flying;
};

static struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static void
landed(void *context)
{
    (void)context;
    pthread_mutex_lock(&gate.lock);
    gate.flying--;
    pthread_cond_signal(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void
changed(const struct mr_error *err, void *context)
{
    mr_assert(err == NULL);
    landed(context);
}

static void
wait_below(unsigned count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.flying >= count) {
        pthread_cond_wait(&gate.moved, &gate.lock);
    }
    pthread_mutex_unlock(&gate.lock);
}

static void
fly(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.flying++;
    pthread_mutex_unlock(&gate.lock);
}

static double
seconds(void)
{
    return (double)mr_clock_now_us(mr_clock_system()) / 1e6;
}

static double
cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
create(struct mr_store *store, const char *name, uint32_t shards)
{
    struct mr_change change = { .kind = MR_CHANGE_CREATE,
                                .stream = mr_slice_str(name),
                                .shard_count = shards };
    fly();
    mr_store_change(store, &change, NULL, changed, NULL);
    wait_below(1);
}

static void
bench_put(struct mr_store *store, const char *name, size_t batch, size_t size, size_t total)
{
    static uint8_t data[1024];
    static char keys[BATCH][16];
    static struct mr_put_record records[BATCH];
    static struct mr_put_result results[IN_FLIGHT][BATCH];

    for (size_t i = 0; i < batch; i++) {
        int length = snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
        records[i] =
            (struct mr_put_record){ .data = mr_slice_of(data, size),
                                    .partition_key = mr_slice_of(keys[i], (size_t)length) };
    }
    struct mr_store_stats before, after;
    mr_store_stats(store, &before);
    double start = seconds(), cpu = cpu_seconds();
    for (size_t done = 0; done < total; done += batch) {
        wait_below(IN_FLIGHT);
        fly();
        mr_assert(mr_store_put(store, MR_SLICE("bench"), records, batch,
                               results[done / batch % IN_FLIGHT], NULL, landed, NULL,
                               NULL) == 0);
    }
    wait_below(1);
    double took = seconds() - start;
    mr_store_stats(store, &after);
    printf(
        "%-22s %4zu x %4zu B: %9.0f records/s, %8.0f records per CPU second, %6.0f commits/s\n",
        name, batch, size, (double)total / took, (double)total / (cpu_seconds() - cpu),
        (double)(after.commits - before.commits) / took);
}

static void
bench_read(struct mr_store *store, const char *name)
{
    struct mr_shard_info infos[4];
    struct mr_store_batch batch = { 0 };
    size_t bytes = 0, count = mr_store_shards(store, MR_SLICE("bench"), 0, infos, 4);
    double start = seconds();

    for (size_t i = 0; i < count; i++) {
        uint64_t position = 0;
        do {
            mr_assert(mr_store_read(store, infos[i].uid, position, 10000, 10 << 20, &batch,
                                    NULL) == 0);
            bytes += batch.bytes;
            position = batch.next;
        } while (batch.count > 0);
    }
    mr_store_batch_release(&batch);
    printf("%-22s %.0f MB/s of records (%.0f MB)\n", name,
           (double)bytes / 1e6 / (seconds() - start), (double)bytes / 1e6);
}

static void
bench_disk(const char *directory)
{
    char path[300];
    static uint8_t zeros[1 << 20], page[4096];
    snprintf(path, sizeof(path), "%s-disk", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    mr_assert(fd >= 0);
    for (int i = 0; i < 16; i++) {
        mr_assert(pwrite(fd, zeros, sizeof(zeros), (off_t)i << 20) == sizeof(zeros));
    }
    fdatasync(fd);
    double start = seconds();
    int writes = 0;
    for (; seconds() - start < 1; writes++) {
        mr_assert(pwrite(fd, page, sizeof(page), (off_t)(writes % 4096) * 4096) ==
                  sizeof(page));
        fdatasync(fd);
    }
    printf("the disk itself: %.0f writes of 4 KiB with fdatasync/s\n",
           writes / (seconds() - start));
    close(fd);
    unlink(path);
}

static long
resident_kib(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    mr_assert(file != NULL && fscanf(file, "%ld %ld", &ignored, &pages) == 2);
    fclose(file);
    return pages * 4;
}

static void
run(const char *directory, enum mr_durability durability)
{
    const char *name = durability == MR_DURABILITY_OS ? "put, os" : "put, sync";
    char command[400];
    struct mr_error err = { 0 };
    struct mr_store *store = mr_store_open(
        &(struct mr_store_options){ .directory = directory, .durability = durability }, &err);
    if (store == NULL) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    long before = resident_kib();
    create(store, "idle", 10000);
    printf("10,000 idle shards: %ld KiB\n", resident_kib() - before);
    create(store, "bench", 4);
    bench_put(store, name, BATCH, 100, 1000000);
    bench_put(store, name, BATCH, 1024, 500000);
    bench_put(store, name, 1, 1024, durability == MR_DURABILITY_OS ? 200000 : 10000);
    bench_read(store, "read, disk and memory");
    double start = seconds();
    mr_store_close(store);
    printf("close: %.2f s\n", seconds() - start);
    start = seconds();
    store = mr_store_open(&(struct mr_store_options){ .directory = directory }, &err);
    mr_assert(store != NULL);
    printf("open with indexes: %.3f s\n", seconds() - start);
    mr_store_close(store);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    mr_assert(system(command) == 0);
}

int
main(int argc, char **argv)
{
    char directory[200];

    snprintf(directory, sizeof(directory), "%s/mr-bench-%d", argc > 1 ? argv[1] : "/tmp",
             (int)getpid());
    bench_disk(directory);
    run(directory, MR_DURABILITY_OS);
    run(directory, MR_DURABILITY_SYNC);
    return 0;
}
