#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

enum { READ_BYTES = 64 * 1024 };

void
mr_record_input_init(struct mr_record_input *input, enum mr_record_input_form form,
                     const char *const *paths)
{
    *input = (struct mr_record_input){ .form = form, .paths = paths, .fd = -1 };
}

static void
close_file(struct mr_record_input *input)
{
    if (input->fd > STDIN_FILENO) {
        close(input->fd);
    }
    input->fd = -1;
    input->json_begun = false;
    mr_buf_clear(&input->buf);
    input->taken = 0;
}

void
mr_record_input_deinit(struct mr_record_input *input)
{
    close_file(input);
    mr_buf_deinit(&input->buf);
}

static int
open_path(const char *path, struct mr_error *err)
{
    if (strcmp(path, "-") == 0) {
        return STDIN_FILENO;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? mr_fail(err, -errno, "open %s: %s", path, strerror(errno)) : fd;
}

/* 1 when there is more behind, 0 at the end. */
static int
read_some(int fd, const char *name, struct mr_buf *buf, struct mr_error *err)
{
    uint8_t *room = mr_buf_reserve(buf, READ_BYTES);
    ssize_t got;
    do {
        got = read(fd, room, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return mr_fail(err, -errno, "read %s: %s", name, strerror(errno));
    }
    buf->size += (size_t)got;
    return got > 0;
}

static int
read_all(int fd, const char *path, size_t max_bytes, struct mr_buf *out, struct mr_error *err)
{
    int more;
    while ((more = read_some(fd, path, out, err)) > 0) {
        if (out->size > max_bytes) {
            return mr_fail(err, -EFBIG, "%s is larger than %zu bytes", path, max_bytes);
        }
    }
    return more;
}

int
mr_record_input_read_file(const char *path, size_t max_bytes, struct mr_buf *out,
                          struct mr_error *err)
{
    int fd = open_path(path, err);
    if (fd < 0) {
        return fd;
    }
    int result = read_all(fd, path, max_bytes, out, err);
    if (fd > STDIN_FILENO) {
        close(fd);
    }
    return result;
}

static int
open_next(struct mr_record_input *input, struct mr_error *err)
{
    if (input->paths == NULL || input->paths[input->path] == NULL) {
        return 0;
    }
    input->name = input->paths[input->path++];
    input->fd = open_path(input->name, err);
    input->at_end = false;
    input->line = 0;
    return input->fd < 0 ? input->fd : 1;
}

/* 1 with a line, 0 at the end of this file. */
static int
next_line(struct mr_record_input *input, struct mr_slice *out_line, struct mr_error *err)
{
    size_t searched = 0;
    for (;;) {
        struct mr_slice rest = mr_slice_from(mr_buf_slice(&input->buf), input->taken);
        ptrdiff_t end = mr_slice_find(mr_slice_from(rest, searched), '\n');
        if (end >= 0) {
            *out_line = mr_slice_first(rest, searched + (size_t)end);
            input->taken += out_line->size + 1;
            input->line++;
            return 1;
        }
        if (input->at_end) {
            *out_line = rest;
            input->taken = input->buf.size;
            input->line++;
            return rest.size > 0;
        }
        searched = rest.size;
        if (searched > MR_INPUT_MAX_RECORD_BYTES) {
            return mr_fail(err, -EFBIG, "%s:%zu: longer than %d bytes, a record's limit",
                           input->name, input->line + 1, MR_INPUT_MAX_RECORD_BYTES);
        }
        mr_buf_consume(&input->buf, input->taken);
        input->taken = 0;
        int more = read_some(input->fd, input->name, &input->buf, err);
        if (more < 0) {
            return more;
        }
        input->at_end = more == 0;
    }
}

static int
not_json(const struct mr_record_input *input, struct mr_error *err)
{
    size_t line = 1;
    for (size_t i = 0; i < mr_json_offset(&input->json) && i < input->buf.size; i++) {
        line += input->buf.data[i] == '\n';
    }
    return mr_fail(err, -EINVAL, "%s:%zu: not JSON", input->name, line);
}

static void
skip_blanks(struct mr_json *json)
{
    while (json->cursor < json->end && strchr(" \t\r\n", *json->cursor) != NULL) {
        json->cursor++;
    }
}

static int
next_value(struct mr_record_input *input, struct mr_slice *out_value, struct mr_error *err)
{
    if (!input->json_begun) {
        int result =
            read_all(input->fd, input->name, MR_INPUT_MAX_FILE_BYTES, &input->buf, err);
        if (result < 0) {
            return result;
        }
        input->json = mr_json_of(mr_buf_slice(&input->buf));
        input->json_array = mr_json_peek(&input->json) == MR_JSON_ARRAY;
        input->json_begun = true;
        if (input->json_array) {
            mr_json_enter(&input->json);
        }
    }
    if (input->json_array) {
        if (!mr_json_next_element(&input->json)) {
            return input->json.bad ? not_json(input, err) : 0;
        }
    } else {
        /* One document behind the other: each is read as a text of its own. */
        skip_blanks(&input->json);
        if (input->json.cursor == input->json.end) {
            return 0;
        }
        input->json.first = true;
    }
    return mr_json_raw(&input->json, out_value) ? 1 : not_json(input, err);
}

static int
next_of_file(struct mr_record_input *input, struct mr_slice *out_record, struct mr_error *err)
{
    if (input->form == MR_INPUT_JSON) {
        return next_value(input, out_record, err);
    }
    if (input->form == MR_INPUT_WHOLE) {
        if (input->at_end) {
            return 0;
        }
        input->at_end = true;
        int result =
            read_all(input->fd, input->name, MR_INPUT_MAX_RECORD_BYTES, &input->buf, err);
        *out_record = mr_buf_slice(&input->buf);
        return result < 0 ? result : 1;
    }
    int result;
    do {
        result = next_line(input, out_record, err);
    } while (result > 0 && out_record->size == 0);
    return result;
}

int
mr_record_input_next(struct mr_record_input *input, struct mr_slice *out_record,
                     struct mr_error *err)
{
    for (;;) {
        if (input->fd < 0) {
            int opened = open_next(input, err);
            if (opened <= 0) {
                return opened;
            }
        }
        int result = next_of_file(input, out_record, err);
        if (result != 0) {
            return result;
        }
        close_file(input);
    }
}

bool
mr_record_input_would_wait(const struct mr_record_input *input)
{
    if (input->fd < 0 || input->form != MR_INPUT_LINES || input->at_end) {
        return false;
    }
    struct mr_slice rest = mr_slice_from(mr_buf_slice(&input->buf), input->taken);
    struct pollfd poll_fd = { .fd = input->fd, .events = POLLIN };
    return mr_slice_find(rest, '\n') < 0 && poll(&poll_fd, 1, 0) == 0;
}
