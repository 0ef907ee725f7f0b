#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Frame types of the platform's log pipe: text or JSON, the level beside it. */
enum { FRAME_TEXT = 0x3, FRAME_JSON = 0x2 };
#define FRAME_BASE 0xa55a0000u

static const char *const level_names[] = {
    [MR_TRACE] = "TRACE", [MR_DEBUG] = "DEBUG", [MR_INFO] = "INFO",
    [MR_WARN] = "WARN",   [MR_ERROR] = "ERROR", [MR_FATAL] = "FATAL",
};

static struct {
    enum mr_level lowest;
    bool json;
    int frame_fd; /* -1: plain lines on stdout */
    pthread_mutex_t lock;
} out = { .lowest = MR_TRACE, .frame_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void
open_once(void)
{
    const char *format = getenv("AWS_LAMBDA_LOG_FORMAT");
    const char *level = getenv("AWS_LAMBDA_LOG_LEVEL");
    const char *fd = getenv("_LAMBDA_TELEMETRY_LOG_FD");
    out.json = format != NULL && strcasecmp(format, "JSON") == 0;
    out.lowest = out.json ? MR_INFO : MR_TRACE; /* the platform's defaults */
    for (int i = MR_TRACE; level != NULL && i <= MR_FATAL; i++) {
        if (strcasecmp(level, level_names[i]) == 0) {
            out.lowest = (enum mr_level)i;
        }
    }
    if (fd != NULL && *fd != '\0') {
        out.frame_fd = atoi(fd);
        unsetenv(
            "_LAMBDA_TELEMETRY_LOG_FD"); /* ours alone: children would mix their bytes in */
    }
}

void
log_open(void)
{
    pthread_once(&opened, open_once);
}

bool
mr_log_enabled(enum mr_level level)
{
    log_open();
    return level >= out.lowest;
}

static void
timestamp(char text[32], struct timespec now)
{
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    size_t size = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + size, 32 - size, ".%03ldZ", now.tv_nsec / 1000000);
}

/* One line of text; a line break inside becomes \r, which log readers show as one. */
static void
text_line(struct bytes *line, const char *time, struct mr_str id, const char *level,
          struct mr_str message)
{
    char head[128];
    int size = snprintf(head, sizeof(head), "%s\t%.*s\t%s\t", time,
                        id.size == 0 ? 1 : (int)id.size, id.size == 0 ? "-" : id.data, level);
    bytes_append(line, head, (size_t)size);
    for (size_t i = 0; i < message.size; i++) {
        bytes_append(line, message.data[i] == '\n' ? "\r" : &message.data[i], 1);
    }
}

static void
json_line(struct bytes *line, const char *time, struct mr_str id, const char *level,
          struct mr_str message)
{
    char head[96];
    int size =
        snprintf(head, sizeof(head), "{\"timestamp\":\"%s\",\"level\":\"%s\"", time, level);
    bytes_append(line, head, (size_t)size);
    if (id.size > 0) {
        bytes_append(line, ",\"requestId\":", 13);
        bytes_append_json(line, id);
    }
    bytes_append(line, ",\"message\":", 11);
    bytes_append_json(line, message);
    bytes_append(line, "}", 1);
}

static void
write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return; /* nobody reads our log any more */
        }
        data += wrote;
        size -= (size_t)wrote;
    }
}

static void
big_endian(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    }
}

static void
emit(const struct bytes *line, enum mr_level level, struct timespec now)
{
    struct bytes all = { 0 };
    if (out.frame_fd >= 0) {
        unsigned char head[16];
        big_endian(head,
                   FRAME_BASE | (out.json ? FRAME_JSON : FRAME_TEXT) | (uint64_t)level << 2, 4);
        big_endian(head + 4, line->size, 4);
        big_endian(head + 8, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, 8);
        bytes_append(&all, head, sizeof(head));
    }
    bytes_append(&all, line->data, line->size);
    if (out.frame_fd < 0) {
        bytes_append(&all, "\n", 1);
    }
    pthread_mutex_lock(&out.lock);
    write_all(out.frame_fd >= 0 ? out.frame_fd : STDOUT_FILENO, all.data, all.size);
    pthread_mutex_unlock(&out.lock);
    free(all.data);
}

void
mr_logf(struct mr_ctx *ctx, enum mr_level level, const char *format, ...)
{
    if (level < MR_TRACE || level > MR_FATAL || !mr_log_enabled(level)) {
        return;
    }
    char *message = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&message, format, args);
    va_end(args);
    if (size < 0) {
        return;
    }

    struct timespec now;
    char time[32];
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp(time, now);
    struct mr_str id = ctx == NULL ? (struct mr_str){ NULL, 0 } : ctx->request_id;
    struct bytes line = { 0 };
    (out.json ? json_line : text_line)(&line, time, id, level_names[level],
                                       (struct mr_str){ message, (size_t)size });
    emit(&line, level, now);
    free(line.data);
    free(message);
}
