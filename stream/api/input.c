#include "stream/api/input.h"

#include <math.h>

void
mr_input_init(struct mr_input *input, enum mr_format format, struct mr_slice body,
              struct mr_arena *arena)
{
    input->format = format;
    input->arena = arena;
    if (format == MR_FORMAT_JSON) {
        input->json = mr_json_of(body);
    } else {
        input->cbor = mr_cbor_of(body);
    }
}

enum mr_input_kind
mr_input_peek(struct mr_input *input)
{
    static const enum mr_input_kind json_kinds[] = {
        [MR_JSON_BAD] = MR_INPUT_BAD,       [MR_JSON_OBJECT] = MR_INPUT_OBJECT,
        [MR_JSON_ARRAY] = MR_INPUT_LIST,    [MR_JSON_STRING] = MR_INPUT_STRING,
        [MR_JSON_NUMBER] = MR_INPUT_NUMBER, [MR_JSON_TRUE] = MR_INPUT_BOOLEAN,
        [MR_JSON_FALSE] = MR_INPUT_BOOLEAN, [MR_JSON_NULL] = MR_INPUT_NULL,
    };
    static const enum mr_input_kind cbor_kinds[] = {
        [MR_CBOR_BAD] = MR_INPUT_BAD,         [MR_CBOR_UINT] = MR_INPUT_NUMBER,
        [MR_CBOR_NEGATIVE] = MR_INPUT_NUMBER, [MR_CBOR_BYTES] = MR_INPUT_BYTES,
        [MR_CBOR_TEXT] = MR_INPUT_STRING,     [MR_CBOR_ARRAY] = MR_INPUT_LIST,
        [MR_CBOR_MAP] = MR_INPUT_OBJECT,      [MR_CBOR_FLOAT] = MR_INPUT_NUMBER,
        [MR_CBOR_TRUE] = MR_INPUT_BOOLEAN,    [MR_CBOR_FALSE] = MR_INPUT_BOOLEAN,
        [MR_CBOR_NULL] = MR_INPUT_NULL,
    };
    return input->format == MR_FORMAT_JSON ? json_kinds[mr_json_peek(&input->json)]
                                           : cbor_kinds[mr_cbor_peek(&input->cbor)];
}

bool
mr_input_enter(struct mr_input *input)
{
    return input->format == MR_FORMAT_JSON ? mr_json_enter(&input->json)
                                           : mr_cbor_enter(&input->cbor);
}

bool
mr_input_next_key(struct mr_input *input, struct mr_slice *out_key)
{
    if (input->format == MR_FORMAT_CBOR) {
        return mr_cbor_next_key(&input->cbor, input->arena, out_key);
    }
    struct mr_slice raw;
    if (!mr_json_next_key(&input->json, &raw)) {
        return false;
    }
    *out_key = mr_json_unescape(raw, input->arena);
    return true;
}

bool
mr_input_next_element(struct mr_input *input)
{
    return input->format == MR_FORMAT_JSON ? mr_json_next_element(&input->json)
                                           : mr_cbor_next_element(&input->cbor);
}

bool
mr_input_skip(struct mr_input *input)
{
    return input->format == MR_FORMAT_JSON ? mr_json_skip(&input->json)
                                           : mr_cbor_skip(&input->cbor);
}

bool
mr_input_string(struct mr_input *input, struct mr_slice *out_text)
{
    return input->format == MR_FORMAT_JSON
               ? mr_json_string(&input->json, input->arena, out_text)
               : mr_cbor_text(&input->cbor, input->arena, out_text);
}

bool
mr_input_bytes(struct mr_input *input, struct mr_slice *out_bytes)
{
    return input->format == MR_FORMAT_CBOR &&
           mr_cbor_bytes(&input->cbor, input->arena, out_bytes);
}

bool
mr_input_number(struct mr_input *input, double *out_value)
{
    return input->format == MR_FORMAT_JSON ? mr_json_f64(&input->json, out_value)
                                           : mr_cbor_f64(&input->cbor, out_value);
}

static int64_t
capped(double value)
{
    if (!(value > -9.2e18)) {
        return INT64_MIN;
    }
    return value < 9.2e18 ? (int64_t)floor(value) : INT64_MAX;
}

bool
mr_input_integer(struct mr_input *input, int64_t *out_value)
{
    double value;

    if (input->format == MR_FORMAT_JSON ? mr_json_i64(&input->json, out_value)
                                        : mr_cbor_i64(&input->cbor, out_value)) {
        return true;
    }
    if (!mr_input_number(input, &value)) {
        return false;
    }
    *out_value = capped(value);
    return true;
}

bool
mr_input_timestamp(struct mr_input *input, int64_t *out_unix_ms)
{
    double seconds;

    if (input->format == MR_FORMAT_CBOR) {
        return mr_cbor_timestamp(&input->cbor, out_unix_ms);
    }
    if (!mr_json_f64(&input->json, &seconds)) {
        return false;
    }
    *out_unix_ms = capped(round(seconds * 1000));
    return true;
}

bool
mr_input_boolean(struct mr_input *input, bool *out_value)
{
    return input->format == MR_FORMAT_JSON ? mr_json_bool(&input->json, out_value)
                                           : mr_cbor_bool(&input->cbor, out_value);
}

bool
mr_input_done(struct mr_input *input)
{
    return input->format == MR_FORMAT_JSON ? mr_json_done(&input->json)
                                           : mr_cbor_done(&input->cbor);
}

bool
mr_input_is_object(enum mr_format format, struct mr_slice body, struct mr_arena *arena)
{
    struct mr_input input;
    mr_input_init(&input, format, body, arena);
    return mr_input_peek(&input) == MR_INPUT_OBJECT && mr_input_skip(&input) &&
           mr_input_done(&input);
}
