/* What a runtime says about an error, and what the caller gets to read of it. */
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "runtime/inside.h"

static bool
is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* (Runtime|Function)\.[A-Z][a-zA-Z]+ anywhere. */
static bool
is_known_shape(struct mr_slice text)
{
    static const struct mr_slice heads[] = { MR_SLICE_INIT("Runtime."),
                                             MR_SLICE_INIT("Function.") };

    for (size_t at = 0; at < text.size; at++) {
        struct mr_slice rest = mr_slice_from(text, at);
        for (size_t i = 0; i < 2; i++) {
            struct mr_slice name = mr_slice_from(rest, heads[i].size);
            if (mr_slice_starts_with(rest, heads[i]) && name.size >= 2 && name.data[0] >= 'A' &&
                name.data[0] <= 'Z' && is_letter(name.data[1])) {
                return true;
            }
        }
    }
    return false;
}

struct mr_slice
runtime_error_type(struct mr_slice header)
{
    if (is_known_shape(header)) {
        return mr_slice_first(header, 256);
    }
    return mr_slice_starts_with(header, MR_SLICE("Function.")) ? MR_SLICE("Function.Unknown")
                                                               : MR_SLICE("Runtime.Unknown");
}

struct mr_slice
runtime_error_with_cause(struct mr_slice body, struct mr_arena *arena)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, message = MR_SLICE_INIT("\"\""), type = MR_SLICE_INIT("\"\"");
    struct mr_slice trace = { 0 };

    if (mr_json_peek(&json) != MR_JSON_OBJECT || !mr_json_enter(&json)) {
        return MR_SLICE("\"Invalid error body\"");
    }
    while (mr_json_next_key(&json, &key)) {
        struct mr_slice raw = { 0 };
        mr_json_raw(&json, &raw);
        if (mr_slice_is(key, "errorMessage")) {
            message = raw;
        } else if (mr_slice_is(key, "errorType")) {
            type = raw;
        } else if (mr_slice_is(key, "stackTrace")) {
            trace = raw;
        }
    }
    if (!mr_json_done(&json)) {
        return MR_SLICE("\"Invalid error body\"");
    }
    mr_auto_buf struct mr_buf out = { 0 };
    mr_buf_append_str(&out, "{\"errorMessage\":");
    mr_buf_append_slice(&out, message);
    mr_buf_append_str(&out, ",\"errorType\":");
    mr_buf_append_slice(&out, type);
    if (trace.size > 0) {
        mr_buf_append_str(&out, ",\"stackTrace\":");
        mr_buf_append_slice(&out, trace);
    }
    mr_buf_append_str(&out, "}");
    return mr_arena_copy(arena, mr_buf_slice(&out));
}
