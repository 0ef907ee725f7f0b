#include "stream/api/output.h"

#include "aws/base64.h"
#include "aws/cbor.h"

struct mr_output
mr_output_on(struct mr_buf *buf, enum mr_format format)
{
    return (struct mr_output){ .format = format, .buf = buf, .json = mr_json_writer_on(buf) };
}

void
mr_output_begin(struct mr_output *output)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_begin_object(&output->json);
    } else {
        mr_cbor_begin_map(output->buf);
    }
}

void
mr_output_end(struct mr_output *output)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_end_object(&output->json);
    } else {
        mr_cbor_end(output->buf);
    }
}

void
mr_output_begin_list(struct mr_output *output)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_begin_array(&output->json);
    } else {
        mr_cbor_begin_array(output->buf);
    }
}

void
mr_output_end_list(struct mr_output *output)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_end_array(&output->json);
    } else {
        mr_cbor_end(output->buf);
    }
}

void
mr_output_key(struct mr_output *output, const char *name)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_key(&output->json, name);
    } else {
        mr_cbor_put_str(output->buf, name);
    }
}

void
mr_output_text(struct mr_output *output, struct mr_slice text)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_put_string(&output->json, text);
    } else {
        mr_cbor_put_text(output->buf, text);
    }
}

void
mr_output_str(struct mr_output *output, const char *text)
{
    mr_output_text(output, mr_slice_str(text));
}

void
mr_output_integer(struct mr_output *output, int64_t value)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_put_i64(&output->json, value);
    } else {
        mr_cbor_put_i64(output->buf, value);
    }
}

void
mr_output_boolean(struct mr_output *output, bool value)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_put_bool(&output->json, value);
    } else {
        mr_cbor_put_bool(output->buf, value);
    }
}

void
mr_output_timestamp(struct mr_output *output, uint64_t unix_ms)
{
    if (output->format == MR_FORMAT_JSON) {
        mr_json_put_seconds(&output->json, unix_ms);
    } else {
        mr_cbor_put_timestamp(output->buf, unix_ms);
    }
}

void
mr_output_blob(struct mr_output *output, struct mr_slice bytes)
{
    if (output->format == MR_FORMAT_CBOR) {
        mr_cbor_put_bytes(output->buf, bytes);
        return;
    }
    mr_json_put_raw(&output->json, MR_SLICE("\""));
    mr_base64_append(output->buf, bytes);
    mr_buf_append_byte(output->buf, '"');
}

void
mr_output_put_text(struct mr_output *output, const char *name, struct mr_slice text)
{
    if (text.data != NULL) {
        mr_output_key(output, name);
        mr_output_text(output, text);
    }
}

void
mr_output_put_str(struct mr_output *output, const char *name, const char *text)
{
    mr_output_put_text(output, name, mr_slice_str(text));
}

void
mr_output_put_integer(struct mr_output *output, const char *name, int64_t value)
{
    mr_output_key(output, name);
    mr_output_integer(output, value);
}

void
mr_output_put_boolean(struct mr_output *output, const char *name, bool value)
{
    mr_output_key(output, name);
    mr_output_boolean(output, value);
}

void
mr_output_put_timestamp(struct mr_output *output, const char *name, uint64_t unix_ms)
{
    mr_output_key(output, name);
    mr_output_timestamp(output, unix_ms);
}
