#include "net/http.h"

#include <string.h>

struct mr_slice
mr_http_header_get(const struct mr_http_header *headers, size_t count, const char *name)
{
    struct mr_slice wanted = mr_slice_str(name);
    for (size_t i = 0; i < count; i++) {
        if (mr_slice_eq_nocase(headers[i].name, wanted)) {
            return headers[i].value;
        }
    }
    return (struct mr_slice){ NULL, 0 };
}

static int
hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

struct mr_slice
mr_http_url_decode(struct mr_slice text, bool plus, struct mr_arena *arena)
{
    if (mr_slice_find(text, '%') < 0 && (!plus || mr_slice_find(text, '+') < 0)) {
        return text;
    }
    uint8_t *out = mr_arena_alloc(arena, text.size);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        int high = c == '%' && i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low >= 0) {
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        out[size++] = c;
    }
    return mr_slice_of(out, size);
}

struct mr_slice
mr_http_query_get(struct mr_slice query, const char *name, struct mr_arena *arena)
{
    while (query.data != NULL) {
        struct mr_slice value = mr_slice_cut(&query, '&');
        struct mr_slice key = mr_slice_cut(&value, '=');
        if (mr_slice_is(mr_http_url_decode(key, true, arena), name)) {
            return value.data == NULL ? MR_SLICE("") : mr_http_url_decode(value, true, arena);
        }
    }
    return (struct mr_slice){ NULL, 0 };
}

const char *
mr_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        { 100, "Continue" },
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 413, "Request Entity Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == status) {
            return rows[i].reason;
        }
    }
    return "Unknown";
}
