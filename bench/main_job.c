/*
 * main_job: records a second from a stream to a sandboxed handler, through all of it.
 *
 *     bench_main_job [--quick]
 *
 * Starts millrace-streamd (os durability) and millraced from its own directory, loads a
 * backlog, maps a C handler to it, and measures until the checkpoint stands at the head: for
 * 256 B and 10 KiB, batches of 100 and 1000, 1 and 4 shards. Beside it, in the same run, a bare
 * loop in C that builds the same events and hands them to another process over a socket: the
 * ratio is what to watch. Then CPU seconds per 100,000 records of each process, and the time
 * from PutRecord to the handler's first line.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/auto.h"
#include "base/buf.h"

enum { PUT_BATCH = 500, LATENCIES = 1000, PROCESSES = 4 };

static const char *const process_names[PROCESSES] = { "streamd", "millraced", "sandboxd",
                                                      "handler" };

struct bench {
    char own[4096]; /* directory of the programs */
    char dir[64];
    char streams[128], control[128]; /* sockets */
    pid_t streamd, millraced;
    struct mr_buf answer;
};

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static double
now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- HTTP over a Unix socket, one request after the other ---- */

static int
dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        die(path);
    }
    return fd;
}

static void
write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t wrote = write(fd, at, size);
        if (wrote <= 0) {
            die("write");
        }
        at += wrote;
        size -= (size_t)wrote;
    }
}

/* Leaves the body in bench->answer, with a NUL. Returns the status. */
static int
read_answer(struct bench *bench, int fd)
{
    struct mr_buf *buf = &bench->answer;
    const char *end = NULL;
    size_t head = 0, length = 0;
    mr_buf_clear(buf);
    while (end == NULL || buf->size < head + length) {
        ssize_t got = read(fd, mr_buf_reserve(buf, 65536), 65536);
        if (got <= 0) {
            die("no answer");
        }
        buf->size += (size_t)got;
        if (end == NULL && (end = strstr(mr_buf_cstr(buf), "\r\n\r\n")) != NULL) {
            const char *field = strcasestr((const char *)buf->data, "content-length:");
            head = (size_t)(end - (const char *)buf->data) + 4;
            length = field == NULL ? 0 : strtoul(field + 15, NULL, 10);
        }
    }
    int status = atoi(mr_buf_cstr(buf) + 9);
    mr_buf_consume(buf, head);
    mr_buf_cstr(buf);
    return status;
}

static int
ask(struct bench *bench, int fd, const char *method, const char *path, const char *target,
    const void *body, size_t size)
{
    char head[600];
    int n = snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                     "X-Amz-Target: %s\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: "
                     "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kinesis/aws4_request, "
                     "SignedHeaders=host, Signature=x\r\nContent-Length: %zu\r\n\r\n",
                     method, path,
                     target == NULL ? "application/json" : "application/x-amz-json-1.1",
                     target == NULL ? "none" : target, size);
    write_all(fd, head, (size_t)n);
    write_all(fd, body, size);
    return read_answer(bench, fd);
}

static void
must(struct bench *bench, int status, const char *what)
{
    if (status < 200 || status > 299) {
        fprintf(stderr, "bench_main_job: %s: %d %s\n", what, status,
                mr_buf_cstr(&bench->answer));
        exit(1);
    }
}

static void
kinesis(struct bench *bench, int fd, const char *operation, const char *body)
{
    char target[100];
    snprintf(target, sizeof(target), "Kinesis_20131202.%s", operation);
    must(bench, ask(bench, fd, "POST", "/", target, body, strlen(body)), operation);
}

/* ---- the daemons ---- */

/* Starts a program and waits for its READY. */
static pid_t
start(const struct bench *bench, const char *name, const char *const *arguments)
{
    const char *argv[24] = { 0 };
    char path[4200];
    char ready[64] = "";
    int ends[2];
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/%s", bench->own, name);
    argv[n++] = path;
    while (*arguments != NULL) {
        argv[n++] = *arguments++;
    }
    argv[n++] = "--ready-fd";
    argv[n++] = "3";
    if (pipe(ends) < 0) {
        die("pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        char log[128];
        snprintf(log, sizeof(log), "%s/%s.log", bench->dir, name);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        dup2(ends[1], 3);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], ready, sizeof(ready) - 1) <= 0) {
        fprintf(stderr, "bench_main_job: %s does not start, see %s/%s.log\n", name, bench->dir,
                name);
        exit(1);
    }
    close(ends[0]);
    return pid;
}

static void
begin(struct bench *bench)
{
    char data[2][128], from[160];
    ssize_t size = readlink("/proc/self/exe", bench->own, sizeof(bench->own) - 1);
    bench->own[size] = '\0';
    *strrchr(bench->own, '/') = '\0';
    snprintf(bench->dir, sizeof(bench->dir), "/tmp/millrace-bench-XXXXXX");
    if (mkdtemp(bench->dir) == NULL) {
        die("mkdtemp");
    }
    snprintf(bench->streams, sizeof(bench->streams), "%s/streams.sock", bench->dir);
    snprintf(bench->control, sizeof(bench->control), "%s/control.sock", bench->dir);
    snprintf(data[0], sizeof(data[0]), "%s/streams", bench->dir);
    snprintf(data[1], sizeof(data[1]), "%s/control", bench->dir);
    snprintf(from, sizeof(from), "unix:%s", bench->streams);
    bench->streamd = start(bench, "millrace-streamd",
                           (const char *[]){ "--data", data[0], "--socket", bench->streams,
                                             "--port", "0", "--durability", "os", NULL });
    bench->millraced =
        start(bench, "millraced",
              (const char *[]){ "--data", data[1], "--socket", bench->control, "--kinesis",
                                from, "--log-level", "warn", NULL });
}

static void
end(struct bench *bench)
{
    char command[100];
    kill(bench->millraced, SIGTERM);
    waitpid(bench->millraced, NULL, 0);
    kill(bench->streamd, SIGTERM);
    waitpid(bench->streamd, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf %s", bench->dir);
    if (system(command) != 0) {
        fprintf(stderr, "bench_main_job: %s is left\n", bench->dir);
    }
    mr_buf_deinit(&bench->answer);
}

/* ---- CPU time of the processes, by /proc ---- */

struct process {
    pid_t pid, parent;
    char name[32];
    double cpu_s;
};

static bool
read_process(const char *pid, struct process *out)
{
    char path[300], text[1024];
    unsigned long user, system;
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (open == NULL || close == NULL ||
        sscanf(close + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &out->parent,
               &user, &system) != 3) {
        return false;
    }
    out->pid = atoi(text);
    snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open - 1), open + 1);
    out->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static bool
descends(const struct process *all, size_t count, pid_t pid, pid_t from)
{
    for (int depth = 0; depth < 8 && pid > 1; depth++) {
        if (pid == from) {
            return true;
        }
        size_t i = 0;
        while (i < count && all[i].pid != pid) {
            i++;
        }
        pid = i == count ? 0 : all[i].parent;
    }
    return false;
}

static void
read_cpu(const struct bench *bench, double out_s[PROCESSES])
{
    enum { MOST = 4096 };
    struct process *all = mr_alloc(MOST * sizeof(all[0]));
    size_t count = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL && count < MOST) {
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
                 read_process(entry->d_name, &all[count]);
    }
    closedir(proc);
    memset(out_s, 0, PROCESSES * sizeof(out_s[0]));
    for (size_t i = 0; i < count; i++) {
        if (all[i].pid == bench->streamd) {
            out_s[0] += all[i].cpu_s;
        } else if (all[i].pid == bench->millraced) {
            out_s[1] += all[i].cpu_s;
        } else if (descends(all, count, all[i].pid, bench->millraced)) {
            out_s[strcmp(all[i].name, "bootstrap") == 0 ? 3 : 2] += all[i].cpu_s;
        }
    }
    free(all);
}

/* ---- loading ---- */

static void
load(struct bench *bench, const char *stream, size_t records, size_t bytes)
{
    int fd = dial(bench->streams);
    struct mr_buf data = { 0 }, text = { 0 }, body = { 0 };
    memset(mr_buf_reserve(&data, bytes), 'x', bytes);
    data.size = bytes;
    mr_base64_append(&text, mr_buf_slice(&data));
    size_t batch = bytes > 4096 ? 100 : PUT_BATCH;
    for (size_t put = 0; put < records; put += batch) {
        mr_buf_clear(&body);
        mr_buf_printf(&body, "{\"StreamName\":\"%s\",\"Records\":[", stream);
        for (size_t i = 0; i < batch; i++) {
            mr_buf_printf(&body, "%s{\"PartitionKey\":\"key-%zu\",\"Data\":\"",
                          i == 0 ? "" : ",", put + i);
            mr_buf_append_slice(&body, mr_buf_slice(&text));
            mr_buf_append_str(&body, "\"}");
        }
        mr_buf_append_str(&body, "]}");
        must(bench,
             ask(bench, fd, "POST", "/", "Kinesis_20131202.PutRecords", body.data, body.size),
             "PutRecords");
    }
    close(fd);
    mr_buf_deinit(&data);
    mr_buf_deinit(&text);
    mr_buf_deinit(&body);
}

/* ---- the same work without any of ours ---- */

/* Reads events of a known size and looks at each byte, as a scanner of JSON must. */
static void
bare_handler(int fd, size_t event_bytes)
{
    char *event = mr_alloc(event_bytes);
    size_t size = 0, quotes = 0;
    ssize_t got;
    while ((got = read(fd, event + size, event_bytes - size)) > 0) {
        size += (size_t)got;
        if (size == event_bytes) {
            for (const char *at = event; (at = memchr(at, '"', (size_t)(event + size - at)));
                 at++) {
                quotes++;
            }
            write_all(fd, "ok", 2);
            size = 0;
        }
    }
    _exit(quotes == 0);
}

static double
bare_rate(size_t records, size_t bytes, size_t batch)
{
    size_t text_bytes = (bytes + 2) / 3 * 4, record_bytes = text_bytes + 420;
    size_t event_bytes = record_bytes * batch;
    char *record = mr_alloc(record_bytes), *event = mr_alloc(event_bytes);
    char answer[2];
    int ends[2];
    memset(record, 'x', record_bytes);
    for (size_t i = 0; i < 40; i++) {
        record[i * 10] = '"';
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
        die("socketpair");
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        bare_handler(ends[1], event_bytes);
    }
    close(ends[1]);
    double began = now_s();
    for (size_t done = 0; done < records; done += batch) {
        for (size_t i = 0; i < batch; i++) {
            memcpy(event + i * record_bytes, record, record_bytes);
        }
        write_all(ends[0], event, event_bytes);
        if (read(ends[0], answer, 2) != 2) {
            die("bare handler");
        }
    }
    double took = now_s() - began;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    free(record);
    free(event);
    return (double)records / took;
}

/* ---- a case ---- */

struct measure {
    size_t records, bytes;
    unsigned batch, shards;
};

static void
map(struct bench *bench, int fd, const char *stream, const char *function, unsigned batch)
{
    struct mr_buf body = { 0 };
    mr_buf_printf(&body,
                  "{\"EventSourceArn\":\"arn:aws:kinesis:us-east-1:123456789012:stream/%s\","
                  "\"FunctionName\":\"%s\",\"BatchSize\":%u,\"StartingPosition\":"
                  "\"TRIM_HORIZON\"}",
                  stream, function, batch);
    must(
        bench,
        ask(bench, fd, "POST", "/2015-03-31/event-source-mappings", NULL, body.data, body.size),
        "CreateEventSourceMapping");
    mr_buf_deinit(&body);
}

static void
make_function(struct bench *bench, int fd, const char *name)
{
    struct mr_buf body = { 0 };
    mr_buf_printf(&body,
                  "{\"FunctionName\":\"%s\",\"Runtime\":\"provided.al2023\",\"Handler\":"
                  "\"bootstrap\",\"Role\":\"arn:aws:iam::123456789012:role/bench\","
                  "\"MemorySize\":1769,\"Timeout\":60,\"Code\":{\"S3Bucket\":\"hot-reload\","
                  "\"S3Key\":\"%s/../examples/bench-main-job\"}}",
                  name, bench->own);
    must(bench, ask(bench, fd, "POST", "/2015-03-31/functions", NULL, body.data, body.size),
         "CreateFunction");
    mr_buf_deinit(&body);
}

/* Wait until that mapping, the newest, has succeeded with so many. */
static void
wait_for(struct bench *bench, int fd, const char *stream, size_t records)
{
    char marker[64];
    snprintf(marker, sizeof(marker), "stream/%s\"", stream);
    for (;;) {
        must(bench, ask(bench, fd, "GET", "/_millrace/status", NULL, "", 0), "status");
        const char *mapping = strstr(mr_buf_cstr(&bench->answer), marker);
        const char *succeeded = mapping == NULL ? NULL : strstr(mapping, "\"succeeded\":");
        if (succeeded != NULL && strtoull(succeeded + 12, NULL, 10) >= records) {
            return;
        }
        usleep(5000); /* asking costs the daemon little, and is bounded by the bench's end */
    }
}

static void
run(struct bench *bench, const struct measure *measure, unsigned index)
{
    double before[PROCESSES], after[PROCESSES];
    char stream[32], body[200];
    int streams = dial(bench->streams), control = dial(bench->control);

    snprintf(stream, sizeof(stream), "bench-%u", index);
    snprintf(body, sizeof(body), "{\"StreamName\":\"%s\",\"ShardCount\":%u}", stream,
             measure->shards);
    kinesis(bench, streams, "CreateStream", body);
    load(bench, stream, measure->records, measure->bytes);
    make_function(bench, control, stream);
    double bare = bare_rate(measure->records, measure->bytes, measure->batch);

    read_cpu(bench, before);
    double began = now_s();
    map(bench, control, stream, stream, measure->batch);
    wait_for(bench, control, stream, measure->records);
    double took = now_s() - began, rate = (double)measure->records / took;
    read_cpu(bench, after);

    printf("%6zu B  batch %4u  %u shard%s  %9.0f records/s  bare %9.0f  ratio %.2f   CPU s per "
           "100,000:",
           measure->bytes, measure->batch, measure->shards, measure->shards == 1 ? " " : "s",
           rate, bare, rate / bare);
    for (int i = 0; i < PROCESSES; i++) {
        printf("  %s %.3f", process_names[i],
               (after[i] - before[i]) * 1e5 / (double)measure->records);
    }
    printf("\n");
    fflush(stdout);
    snprintf(body, sizeof(body), "{\"StreamName\":\"%s\"}", stream);
    kinesis(bench, streams, "DeleteStream", body);
    close(streams);
    close(control);
}

/* ---- from PutRecord to the handler's first line ---- */

static void
measure_latency(struct bench *bench)
{
    int streams = dial(bench->streams), control = dial(bench->control);
    struct mr_buf text = { 0 }, body = { 0 };

    kinesis(bench, streams, "CreateStream", "{\"StreamName\":\"latency\",\"ShardCount\":1}");
    make_function(bench, control, "latency");
    map(bench, control, "latency", "latency", 1);
    for (unsigned i = 0; i < LATENCIES; i++) {
        struct timespec now, pause = { .tv_nsec = 2000000 };
        char data[64];
        clock_gettime(CLOCK_REALTIME, &now);
        int n = snprintf(data, sizeof(data), "t=%lld%06ld", (long long)now.tv_sec,
                         now.tv_nsec / 1000);
        mr_buf_clear(&text);
        mr_buf_clear(&body);
        mr_base64_append(&text, mr_slice_of(data, (size_t)n));
        mr_buf_printf(&body,
                      "{\"StreamName\":\"latency\",\"PartitionKey\":\"a\",\"Data\":\"%s\"}",
                      mr_buf_cstr(&text));
        kinesis(bench, streams, "PutRecord", mr_buf_cstr(&body));
        wait_for(bench, control, "latency", i + 1);
        if (i == 20) { /* the cold start is not what is measured */
            must(bench,
                 ask(bench, control, "POST", "/2015-03-31/functions/latency/invocations", NULL,
                     "{\"report\":true}", 15),
                 "Invoke");
        }
        nanosleep(&pause, NULL);
    }
    must(bench,
         ask(bench, control, "POST", "/2015-03-31/functions/latency/invocations", NULL,
             "{\"report\":true}", 15),
         "Invoke");
    printf("PutRecord to the handler's first line, us: %s\n", mr_buf_cstr(&bench->answer));
    close(streams);
    close(control);
    mr_buf_deinit(&text);
    mr_buf_deinit(&body);
}

int
main(int argc, char **argv)
{
    static const struct measure measures[] = {
        { 400000, 256, 100, 1 },  { 400000, 256, 1000, 1 }, { 400000, 256, 100, 4 },
        { 400000, 256, 1000, 4 }, { 40000, 10240, 100, 1 }, { 40000, 10240, 100, 4 },
    };
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    struct bench bench = { 0 };

    begin(&bench);
    for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        struct measure measure = measures[i];
        measure.records /= quick ? 4 : 1;
        run(&bench, &measure, i);
    }
    measure_latency(&bench);
    end(&bench);
    return 0;
}
