/* The answers all of the APIs inside an environment share. */
#include "base/json_writer.h"
#include "runtime/inside.h"

void
api_answer(struct mr_http_exchange *exchange, int status, struct mr_slice type,
           struct mr_slice body)
{
    const struct mr_http_response response = { .status = status,
                                               .content_type = type,
                                               .body = body };

    mr_http_respond(exchange, &response);
}

/* Go's encoder writes these three as escapes, and a line's end behind everything. */
static void
append_for_html(struct mr_buf *out, struct mr_slice json)
{
    for (size_t i = 0; i < json.size; i++) {
        uint8_t byte = json.data[i];
        if (byte == '<' || byte == '>' || byte == '&') {
            mr_buf_printf(out, "\\u%04x", byte);
        } else {
            mr_buf_append_byte(out, byte);
        }
    }
    mr_buf_append_byte(out, '\n');
}

void
api_answer_error(struct mr_http_exchange *exchange, int status, const char *type,
                 const char *message)
{
    mr_auto_buf struct mr_buf body = { 0 }, escaped = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);

    mr_json_begin_object(&json);
    mr_json_member_str(&json, "errorMessage", message);
    mr_json_member_str(&json, "errorType", type);
    mr_json_end_object(&json);
    append_for_html(&escaped, mr_buf_slice(&body));
    api_answer(exchange, status, MR_SLICE("application/json"), mr_buf_slice(&escaped));
}

void
api_answer_accepted(struct mr_http_exchange *exchange)
{
    api_answer(exchange, 202, MR_SLICE("application/json"), MR_SLICE("{\"status\":\"OK\"}\n"));
}
