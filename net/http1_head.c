#include "net/http1_head.h"

#include <errno.h>
#include <string.h>

/* RFC 9110 token characters. */
static bool
is_token(uint8_t c)
{
    static const uint8_t others[] = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && memchr(others, c, sizeof(others) - 1) != NULL);
}

static bool
all_token(struct mr_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (!is_token(slice.data[i])) {
            return false;
        }
    }
    return slice.size > 0;
}

/* Visible ASCII: what a request target is made of. */
static bool
all_visible(struct mr_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] <= ' ' || slice.data[i] == 0x7f) {
            return false;
        }
    }
    return slice.size > 0;
}

/* A header's value: anything but control characters; UTF-8 and Latin-1 come by. */
static bool
is_value(struct mr_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        uint8_t c = slice.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/*
 * The next line without its CRLF. 1: there is one; 0: it is not complete; -EBADMSG: a bare LF.
 * A bare CR is caught by whoever looks at the line's characters.
 */
static int
next_line(struct mr_slice *rest, struct mr_slice *out_line)
{
    ptrdiff_t lf = mr_slice_find(*rest, '\n');
    if (lf < 0) {
        return 0;
    }
    if (lf == 0 || rest->data[lf - 1] != '\r') {
        return -EBADMSG;
    }
    *out_line = mr_slice_of(rest->data, (size_t)lf - 1);
    *rest = mr_slice_from(*rest, (size_t)lf + 1);
    return 1;
}

static int
parse_request_line(struct mr_http1_head *head, struct mr_slice line, struct mr_error *err)
{
    struct mr_slice rest = line;
    head->method = mr_slice_cut(&rest, ' ');
    head->target = mr_slice_cut(&rest, ' ');
    if (!all_token(head->method) || head->method.size > 32) {
        return mr_fail(err, -EBADMSG, "the request's method is not a word");
    }
    if (!all_visible(head->target)) {
        return mr_fail(err, -EBADMSG,
                       "the request's target has characters that may not be there");
    }
    if (mr_slice_is(rest, "HTTP/1.1")) {
        head->version = 11;
    } else if (mr_slice_is(rest, "HTTP/1.0")) {
        head->version = 10;
    } else {
        return mr_fail(err, -EBADMSG, "the request is not HTTP/1.1");
    }
    return 0;
}

static int
parse_field(struct mr_slice line, struct mr_http_header *out_header, struct mr_error *err)
{
    struct mr_slice rest = line;
    struct mr_slice name = mr_slice_cut(&rest, ':');
    if (rest.data == NULL || !all_token(name)) {
        return mr_fail(err, -EBADMSG,
                       "a header line is folded, has a blank before its colon, "
                       "or none");
    }
    struct mr_slice value = mr_slice_trim(rest);
    if (!is_value(value)) {
        return mr_fail(err, -EBADMSG, "header %.*s has a control character in its value",
                       MR_SLICE_ARGS(mr_slice_first(name, 64)));
    }
    *out_header = (struct mr_http_header){ name, value };
    return 0;
}

ssize_t
mr_http1_fields_parse(struct mr_slice input, struct mr_http_header *out_headers, size_t max,
                      size_t *out_count, struct mr_error *err)
{
    struct mr_slice rest = input;
    struct mr_slice line;
    *out_count = 0;
    for (;;) {
        int got = next_line(&rest, &line);
        if (got == 0) {
            return 0;
        }
        if (got < 0) {
            return mr_fail(err, -EBADMSG, "a line ends in LF without CR");
        }
        if (line.size == 0) {
            return (ssize_t)(input.size - rest.size);
        }
        if (*out_count == max) {
            return mr_fail(err, -E2BIG, "more than %zu headers", max);
        }
        if (parse_field(line, &out_headers[*out_count], err) < 0) {
            return -EBADMSG;
        }
        (*out_count)++;
    }
}

/* "keep-alive, Upgrade" has the word "upgrade". */
static bool
has_word(struct mr_slice value, struct mr_slice word)
{
    while (value.data != NULL) {
        if (mr_slice_eq_nocase(mr_slice_trim(mr_slice_cut(&value, ',')), word)) {
            return true;
        }
    }
    return false;
}

static int
take_length(struct mr_http1_head *head, struct mr_slice value, struct mr_error *err)
{
    uint64_t length;
    if (!mr_slice_to_u64(value, &length)) {
        return mr_fail(err, -EBADMSG, "Content-Length is not a number");
    }
    if (head->has_length && head->length != length) {
        return mr_fail(err, -EBADMSG, "two Content-Lengths that differ");
    }
    head->has_length = true;
    head->length = length;
    return 0;
}

static int
take_encoding(struct mr_http1_head *head, struct mr_slice value, struct mr_error *err)
{
    if (head->chunked || !mr_slice_eq_nocase(value, MR_SLICE("chunked"))) {
        return mr_fail(err, -EBADMSG, "a Transfer-Encoding other than chunked");
    }
    head->chunked = true;
    return 0;
}

/* What the headers say about the body and the connection. */
static int
interpret(struct mr_http1_head *head, struct mr_error *err)
{
    head->keep_alive = head->version == 11;
    for (size_t i = 0; i < head->header_count; i++) {
        struct mr_slice name = head->headers[i].name;
        struct mr_slice value = head->headers[i].value;
        int result = 0;
        if (mr_slice_eq_nocase(name, MR_SLICE("content-length"))) {
            result = take_length(head, value, err);
        } else if (mr_slice_eq_nocase(name, MR_SLICE("transfer-encoding"))) {
            result = take_encoding(head, value, err);
        } else if (mr_slice_eq_nocase(name, MR_SLICE("connection"))) {
            head->keep_alive = has_word(value, MR_SLICE("close"))        ? false
                               : has_word(value, MR_SLICE("keep-alive")) ? true
                                                                         : head->keep_alive;
        } else if (mr_slice_eq_nocase(name, MR_SLICE("expect"))) {
            head->expect_continue = mr_slice_eq_nocase(value, MR_SLICE("100-continue"));
        }
        if (result < 0) {
            return result;
        }
    }
    if (head->chunked && (head->has_length || head->version == 10)) {
        return mr_fail(err, -EBADMSG, "Transfer-Encoding with Content-Length, or in HTTP/1.0");
    }
    return 0;
}

/* Where the head ends, or 0; looks only at what was not looked at before. */
static size_t
find_end(struct mr_slice input, size_t *scanned)
{
    size_t from = *scanned > 3 ? *scanned - 3 : 0;
    const uint8_t *found = memmem(input.data + from, input.size - from, "\r\n\r\n", 4);
    *scanned = input.size;
    return found == NULL ? 0 : (size_t)(found - input.data) + 4;
}

ssize_t
mr_http1_head_parse(struct mr_http1_head *head, struct mr_slice input, size_t *scanned,
                    struct mr_error *err)
{
    if (input.size == 0) {
        return 0;
    }
    size_t size = find_end(input, scanned);
    if (size == 0 && input.size <= MR_HTTP_MAX_HEAD_BYTES) {
        return 0;
    }
    if (size == 0 || size > MR_HTTP_MAX_HEAD_BYTES) {
        return mr_fail(err, -E2BIG, "a head of more than %d bytes", MR_HTTP_MAX_HEAD_BYTES);
    }

    struct mr_slice rest = mr_slice_first(input, size);
    struct mr_slice line;
    head->header_count = 0;
    head->chunked = head->has_length = head->expect_continue = false;
    head->length = 0;
    if (next_line(&rest, &line) != 1) {
        return mr_fail(err, -EBADMSG, "a line ends in LF without CR");
    }
    if (parse_request_line(head, line, err) < 0) {
        return -EBADMSG;
    }
    ssize_t fields = mr_http1_fields_parse(rest, head->headers, MR_HTTP_MAX_HEADERS,
                                           &head->header_count, err);
    if (fields < 0) {
        return fields;
    }
    int result = interpret(head, err);
    return result < 0 ? result : (ssize_t)size;
}
