#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pulls the whole value through the reader and writes it again. */
static void
copy_value(struct mr_json *json, struct mr_json_writer *writer, struct mr_arena *arena)
{
    struct mr_slice text;
    switch (mr_json_peek(json)) {
    case MR_JSON_OBJECT:
        mr_json_enter(json);
        mr_json_begin_object(writer);
        while (mr_json_next_key(json, &text)) {
            mr_json_key_slice(writer, mr_json_unescape(text, arena));
            copy_value(json, writer, arena);
        }
        mr_json_end_object(writer);
        break;
    case MR_JSON_ARRAY:
        mr_json_enter(json);
        mr_json_begin_array(writer);
        while (mr_json_next_element(json)) {
            copy_value(json, writer, arena);
        }
        mr_json_end_array(writer);
        break;
    case MR_JSON_STRING:
        if (mr_json_string(json, arena, &text)) {
            mr_json_put_string(writer, text);
        } else {
            mr_json_put_null(writer);
        }
        break;
    default:
        if (mr_json_raw(json, &text)) {
            mr_json_put_raw(writer, text);
        } else {
            mr_json_put_null(writer);
        }
    }
}

/* What was read and written again is valid, and one walk agrees with the other. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice text = mr_slice_of(data, size);
    struct mr_json json = mr_json_of(text);
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf copy = { 0 };
    struct mr_json_writer writer = mr_json_writer_on(&copy);

    bool valid = mr_json_valid(text);
    copy_value(&json, &writer, &arena);
    mr_assert(mr_json_done(&json) == valid);
    mr_assert(!valid || mr_json_valid(mr_buf_slice(&copy)));
    return 0;
}
