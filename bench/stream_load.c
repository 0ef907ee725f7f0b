/*
 * stream_load: a load on a Kinesis server over HTTP/1.1, from connections that are kept.
 *
 *     bench_stream_load [SECONDS [OTHER_PORT]]
 *
 * Starts the millrace-streamd that lies beside it, once for each durability, and prints
 * records/s, requests/s with their p50 and p99, MB/s read, CPU, and memory. OTHER_PORT is that
 * of another server on this host, which then gets the same work in the same run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"

enum { MAX_CONNECTIONS = 64, MAX_SAMPLES = 4000000, RECEIVE = 1 << 20 };

extern char **environ;

/* What is served, and what is known of it. */
struct target {
    const char *name;
    uint16_t port;
    pid_t pid;           /* 0: not ours */
    uint64_t records_ok; /* of the work under way */
};

struct connection {
    int fd;
    size_t sent;
    uint64_t began_us;
    struct mr_buf in;
};

/* One kind of work: the same request over and over. */
struct work {
    const char *name;
    const struct mr_buf *request;
    unsigned connections;
    unsigned records; /* in a request */
};

struct result {
    double seconds, cpu_seconds;
    uint64_t requests, bytes_in;
    uint32_t *latencies_us;
    size_t samples;
};

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

/* ---- requests ---- */

static void
render(struct mr_buf *out, const char *operation, const struct mr_buf *body)
{
    mr_buf_clear(out);
    mr_buf_printf(out,
                  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                  "application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202.%s\r\n"
                  "X-Amz-Date: 20300101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
                  "Credential=a/20300101/us-east-1/kinesis/aws4_request, SignedHeaders=host, "
                  "Signature=00\r\nContent-Length: %zu\r\n\r\n",
                  operation, body->size);
    mr_buf_append_slice(out, mr_buf_slice(body));
}

static void
append_data(struct mr_buf *body, size_t bytes, unsigned salt)
{
    mr_auto_buf struct mr_buf data = { 0 };
    for (size_t i = 0; i < bytes; i++) {
        mr_buf_append_byte(&data, (uint8_t)(i * 7 + salt));
    }
    mr_base64_append(body, mr_buf_slice(&data));
}

static void
render_put_records(struct mr_buf *out, unsigned count, size_t bytes)
{
    mr_auto_buf struct mr_buf body = { 0 };
    mr_buf_append_str(&body, "{\"StreamName\":\"load\",\"Records\":[");
    for (unsigned i = 0; i < count; i++) {
        mr_buf_printf(&body, "%s{\"PartitionKey\":\"key-%u\",\"Data\":\"", i == 0 ? "" : ",",
                      i * 2654435761u);
        append_data(&body, bytes, i);
        mr_buf_append_str(&body, "\"}");
    }
    mr_buf_append_str(&body, "]}");
    render(out, "PutRecords", &body);
}

static void
render_put_record(struct mr_buf *out, size_t bytes)
{
    mr_auto_buf struct mr_buf body = { 0 };
    mr_buf_append_str(&body, "{\"StreamName\":\"load\",\"PartitionKey\":\"key\",\"Data\":\"");
    append_data(&body, bytes, 1);
    mr_buf_append_str(&body, "\"}");
    render(out, "PutRecord", &body);
}

/* ---- answers ---- */

/* The size of the whole answer at the front, or 0 when it is not there yet. */
static size_t
answer_size(const struct mr_buf *in)
{
    const char *text = (const char *)in->data;
    const char *end = memmem(text, in->size, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - text) + 4;
    for (const char *line = text; line < end;) {
        const char *next = memmem(line, head - (size_t)(line - text), "\r\n", 2);
        if (strncasecmp(line, "content-length:", 15) == 0) {
            size_t size = head + strtoul(line + 15, NULL, 10);
            return size <= in->size ? size : 0;
        }
        line = next + 2;
    }
    bool whole = in->size >= head + 5 && memcmp(text + in->size - 5, "0\r\n\r\n", 5) == 0;
    return whole ? in->size : 0; /* chunked */
}

static int
dial(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mr_assert(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        fprintf(stderr, "connect to port %u: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

/* One request outside the measurement. Returns the body in `out`. */
static int
call(uint16_t port, const char *operation, const char *body_text, struct mr_buf *out)
{
    mr_auto_buf struct mr_buf body = { 0 }, request = { 0 };
    mr_auto_fd int fd = dial(port);
    mr_buf_append_str(&body, body_text);
    render(&request, operation, &body);
    for (size_t sent = 0; sent < request.size;) {
        ssize_t size = write(fd, request.data + sent, request.size - sent);
        mr_assert(size > 0);
        sent += (size_t)size;
    }
    mr_buf_clear(out);
    while (answer_size(out) == 0) {
        uint8_t *room = mr_buf_reserve(out, RECEIVE);
        ssize_t size = read(fd, room, RECEIVE);
        mr_assert(size > 0);
        out->size += (size_t)size;
    }
    mr_buf_append_byte(out, 0);
    return atoi((const char *)out->data + 9);
}

/* ---- measuring ---- */

static double
cpu_seconds(pid_t pid)
{
    char path[64], line[1024] = "";
    unsigned long user = 0, system = 0;
    if (pid == 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *at = strrchr(line, ')');
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static size_t
resident_kib(pid_t pid)
{
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kib = strtoul(line + 8, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

static void
push(struct connection *connection, const struct work *work)
{
    while (connection->sent < work->request->size) {
        ssize_t size =
            send(connection->fd, work->request->data + connection->sent,
                 work->request->size - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) {
            mr_assert(errno == EAGAIN);
            return;
        }
        connection->sent += (size_t)size;
    }
}

/* True when an answer is complete. */
static bool
pull(struct connection *connection, struct result *result)
{
    for (;;) {
        uint8_t *room = mr_buf_reserve(&connection->in, RECEIVE);
        ssize_t size = recv(connection->fd, room, RECEIVE, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) {
            return false;
        }
        mr_assert(size > 0);
        connection->in.size += (size_t)size;
        if (answer_size(&connection->in) > 0) {
            break;
        }
    }
    if (memcmp(connection->in.data + 9, "200", 3) != 0) {
        fprintf(stderr, "answered: %.*s\n", (int)connection->in.size,
                (const char *)connection->in.data);
        exit(1);
    }
    result->bytes_in += connection->in.size;
    mr_buf_clear(&connection->in);
    return true;
}

static void
sample(struct connection *connection, struct result *result)
{
    uint64_t now = now_us();
    if (result->samples < MAX_SAMPLES) {
        result->latencies_us[result->samples++] = (uint32_t)(now - connection->began_us);
    }
    result->requests++;
    connection->began_us = now;
    connection->sent = 0;
}

static void
run(const struct target *target, const struct work *work, unsigned seconds,
    struct result *result)
{
    struct connection connections[MAX_CONNECTIONS] = { 0 };
    struct epoll_event events[MAX_CONNECTIONS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    double cpu = cpu_seconds(target->pid);
    uint64_t began = now_us();
    for (unsigned i = 0; i < work->connections; i++) {
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i };
        connections[i].fd = dial(target->port);
        connections[i].began_us = now_us();
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    while (now_us() < began + seconds * UINT64_C(1000000)) {
        int count = epoll_wait(epoll, events, MAX_CONNECTIONS, 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = &connections[events[i].data.u32];
            push(connection, work);
            while (pull(connection, result)) {
                sample(connection, result);
                push(connection, work);
            }
        }
    }
    result->seconds = (double)(now_us() - began) / 1e6;
    result->cpu_seconds = cpu_seconds(target->pid) - cpu;
    for (unsigned i = 0; i < work->connections; i++) {
        close(connections[i].fd);
        mr_buf_deinit(&connections[i].in);
    }
    close(epoll);
}

static int
compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static void
measure(const struct target *target, const struct work *work, unsigned seconds)
{
    static uint32_t latencies[MAX_SAMPLES];
    struct result result = { .latencies_us = latencies };
    run(target, work, seconds, &result);
    if (result.samples == 0) {
        printf("%-22s %-28s no answer in %u s\n", target->name, work->name, seconds);
        return;
    }
    qsort(latencies, result.samples, sizeof(latencies[0]), compare);
    double rate = (double)result.requests / result.seconds;
    printf("%-22s %-28s %9.0f requests/s  p50 %6.2f ms  p99 %6.2f ms", target->name, work->name,
           rate, latencies[result.samples / 2] / 1e3,
           latencies[result.samples * 99 / 100] / 1e3);
    if (work->records > 1) {
        printf("  %9.0f records/s", rate * work->records);
    }
    if (work->records == 0) {
        printf("  %7.0f MB/s", (double)result.bytes_in / result.seconds / 1e6);
    }
    if (target->pid != 0) {
        double units = (double)result.requests * (work->records > 1 ? work->records : 1);
        if (work->records == 0) {
            printf("  (%.0f MB/s a core)", (double)result.bytes_in / result.cpu_seconds / 1e6);
        } else {
            printf("  (%.0f %s/s a core)", units / result.cpu_seconds,
                   work->records > 1 ? "records" : "requests");
        }
    }
    printf("\n");
    fflush(stdout);
}

/* ---- servers ---- */

/* The value of a member of the server's stats. */
static double
stat_of(uint16_t port, const char *name)
{
    mr_auto_buf struct mr_buf out = { 0 };
    mr_auto_fd int fd = dial(port);
    const char request[] =
        "GET /_millrace/stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    mr_assert(write(fd, request, sizeof(request) - 1) > 0);
    for (ssize_t size = 1; size > 0; out.size += (size_t)size) {
        size = read(fd, mr_buf_reserve(&out, 4096), 4096);
        mr_assert(size >= 0);
    }
    mr_buf_append_byte(&out, 0);
    const char *at = strstr((const char *)out.data, name);
    return at == NULL ? 0 : strtod(at + strlen(name) + 1, NULL);
}

static struct target
start_server(const char *self, const char *directory, const char *durability, const char *name)
{
    struct target target = { .name = name };
    char path[4096], line[16];
    int ends[2];
    char *copy = mr_strdup(self);
    snprintf(path, sizeof(path), "%s/millrace-streamd", dirname(copy));
    free(copy);
    mr_assert(pipe(ends) == 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const char *argv[] = { path,     "--data",       directory,  "--port",
                           "0",      "--durability", durability, "--shard-limit",
                           "100000", "--ready-fd",   line,       NULL };
    snprintf(line, sizeof(line), "%d", ends[1]);
    mr_assert(posix_spawn(&target.pid, path, NULL, NULL, (char **)(uintptr_t)argv, environ) ==
              0);
    close(ends[1]);
    char ready[64] = "";
    mr_assert(read(ends[0], ready, sizeof(ready) - 1) > 0);
    close(ends[0]);
    target.port = (uint16_t)atoi(ready + 6);
    return target;
}

static void
stop_server(const struct target *target)
{
    kill(target->pid, SIGTERM);
    waitpid(target->pid, NULL, 0);
}

static void
make_stream(const struct target *target, unsigned shards)
{
    mr_auto_buf struct mr_buf out = { 0 };
    char body[128];
    snprintf(body, sizeof(body), "{\"StreamName\":\"load\",\"ShardCount\":%u}", shards);
    call(target->port, "CreateStream", body, &out);
    do {
        call(target->port, "DescribeStream", "{\"StreamName\":\"load\"}", &out);
    } while (strstr((const char *)out.data, "\"ACTIVE\"") == NULL && usleep(100000) == 0);
}

static void
read_back(const struct target *target, unsigned connections, unsigned seconds)
{
    mr_auto_buf struct mr_buf out = { 0 }, body = { 0 }, request = { 0 };
    call(target->port, "GetShardIterator",
         "{\"StreamName\":\"load\",\"ShardId\":\"shardId-000000000000\",\"ShardIteratorType\":"
         "\"TRIM_HORIZON\"}",
         &out);
    const char *from = strstr((const char *)out.data, "\"ShardIterator\":\"");
    mr_assert(from != NULL);
    from += 17;
    mr_buf_printf(&body, "{\"ShardIterator\":\"%.*s\"}", (int)(strchr(from, '"') - from), from);
    render(&request, "GetRecords", &body);
    measure(target, &(struct work){ "GetRecords", &request, connections, 0 }, seconds);
}

static void
load(const struct target *target, unsigned seconds)
{
    mr_auto_buf struct mr_buf small = { 0 }, large = { 0 }, single = { 0 };
    render_put_records(&small, 500, 100);
    render_put_records(&large, 500, 1024);
    render_put_record(&single, 1024);
    make_stream(target, 4);
    measure(target, &(struct work){ "PutRecord 1 KiB, 1 at a time", &single, 1, 1 }, seconds);
    measure(target, &(struct work){ "PutRecord 1 KiB, 32 at once", &single, 32, 1 }, seconds);
    measure(target, &(struct work){ "PutRecords 500 x 100 B", &small, 8, 500 }, seconds);
    measure(target, &(struct work){ "PutRecords 500 x 1 KiB", &large, 8, 500 }, seconds);
    read_back(target, 4, seconds);
}

/* ---- the disk, and memory ---- */

static void
measure_disk(const char *directory, double commits_per_s)
{
    char path[4096];
    uint8_t page[4096] = { 1 };
    snprintf(path, sizeof(path), "%s/disk", directory);
    mr_auto_fd int fd = open(path, O_RDWR | O_CREAT, 0600);
    mr_assert(fd >= 0 && posix_fallocate(fd, 0, 64 << 20) == 0);
    for (int i = 0; i < 16384; i++) {
        mr_assert(pwrite(fd, page, sizeof(page), (off_t)i * 4096) == 4096);
    }
    fsync(fd);
    uint64_t began = now_us();
    unsigned writes = 0;
    for (; now_us() < began + 2000000; writes++) {
        mr_assert(pwrite(fd, page, sizeof(page), (off_t)(writes % 16384) * 4096) == 4096 &&
                  fdatasync(fd) == 0);
    }
    double disk = writes / ((double)(now_us() - began) / 1e6);
    printf(
        "%-22s %-28s %9.0f commits/s of the journal, %.0f synchronous writes/s of the disk\n",
        "millrace-streamd sync", "one PutRecord at a time", commits_per_s, disk);
    unlink(path);
}

static void
measure_memory(const struct target *target)
{
    double stored = stat_of(target->port, "\"bytes_in\"") / 1e9,
           cache = stat_of(target->port, "\"cache_bytes\"") / 1e6;
    printf("%-22s %-28s %9.1f MiB resident with %.1f GB stored, %.0f MB of it recent records\n",
           target->name, "memory", (double)resident_kib(target->pid) / 1024, stored, cache);
}

static void
measure_idle_shards(const struct target *target)
{
    mr_auto_buf struct mr_buf out = { 0 };
    size_t before = resident_kib(target->pid);
    int status = call(target->port, "CreateStream",
                      "{\"StreamName\":\"idle\",\"ShardCount\":10000}", &out);
    mr_assert(status == 200);
    printf(
        "%-22s %-28s %9.1f MiB more for 10,000 idle shards than the %.1f of an empty server\n",
        target->name, "memory", (double)(resident_kib(target->pid) - before) / 1024,
        (double)before / 1024);
}

int
main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
    char base[] = "/tmp/millrace-load-XXXXXX", path[64], command[128];
    mr_assert(seconds > 0 && mkdtemp(base) != NULL);

    snprintf(path, sizeof(path), "%s/os", base);
    struct target server = start_server(argv[0], path, "os", "millrace-streamd os");
    load(&server, seconds);
    measure_memory(&server);
    stop_server(&server);

    snprintf(path, sizeof(path), "%s/sync", base);
    server = start_server(argv[0], path, "sync", "millrace-streamd sync");
    mr_auto_buf struct mr_buf single = { 0 };
    measure_idle_shards(&server);
    render_put_record(&single, 1024);
    make_stream(&server, 4);
    double commits = stat_of(server.port, "\"commits\"");
    measure(&server, &(struct work){ "PutRecord 1 KiB, 1 at a time", &single, 1, 1 }, seconds);
    commits = (stat_of(server.port, "\"commits\"") - commits) / seconds;
    measure(&server, &(struct work){ "PutRecord 1 KiB, 32 at once", &single, 32, 1 }, seconds);
    mr_auto_buf struct mr_buf large = { 0 };
    render_put_records(&large, 500, 1024);
    measure(&server, &(struct work){ "PutRecords 500 x 1 KiB", &large, 8, 500 }, seconds);
    stop_server(&server);
    measure_disk(base, commits);

    if (argc > 2) {
        struct target other = { .name = "the other server", .port = (uint16_t)atoi(argv[2]) };
        load(&other, seconds);
    }
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command) == 0 ? 0 : 1;
}
