/*
 * json_writer: append JSON to a buffer, commas and quotes taken care of.
 *
 * The writer owns nothing and keeps only where it stands. Whoever opens an
 * object or array closes it; that is asserted.
 *
 *     struct mr_json_writer json = mr_json_writer_on(&buf);
 *     mr_json_begin_object(&json);
 *     mr_json_key(&json, "StreamName");
 *     mr_json_put_string(&json, name);
 *     mr_json_end_object(&json);
 */
#ifndef MR_BASE_JSON_WRITER_H
#define MR_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct mr_json_writer {
    struct mr_buf *buf; /* the caller's */
    unsigned depth;
    bool comma; /* the next value or key needs one before it */
};

struct mr_json_writer mr_json_writer_on(struct mr_buf *buf);

void mr_json_begin_object(struct mr_json_writer *json);
void mr_json_end_object(struct mr_json_writer *json);
void mr_json_begin_array(struct mr_json_writer *json);
void mr_json_end_array(struct mr_json_writer *json);

/* `name` is our own and needs no escaping; mr_json_key_slice escapes. */
void mr_json_key(struct mr_json_writer *json, const char *name);
void mr_json_key_slice(struct mr_json_writer *json, struct mr_slice name);

void mr_json_put_string(struct mr_json_writer *json, struct mr_slice text);
void mr_json_put_str(struct mr_json_writer *json, const char *text);
void mr_json_put_i64(struct mr_json_writer *json, int64_t value);
void mr_json_put_u64(struct mr_json_writer *json, uint64_t value);
void mr_json_put_bool(struct mr_json_writer *json, bool value);
void mr_json_put_null(struct mr_json_writer *json);
/* Shortest decimal text that reads back as the same double; no exponent below 1e21. */
void mr_json_put_f64(struct mr_json_writer *json, double value);
/* Seconds with up to three decimals, no exponent: AWS's JSON timestamps. */
void mr_json_put_seconds(struct mr_json_writer *json, uint64_t unix_ms);
/* Text that is JSON already. */
void mr_json_put_raw(struct mr_json_writer *json, struct mr_slice raw);

/* Key and value in one line. */
void mr_json_member_string(struct mr_json_writer *json, const char *name, struct mr_slice text);
void mr_json_member_str(struct mr_json_writer *json, const char *name, const char *text);
void mr_json_member_i64(struct mr_json_writer *json, const char *name, int64_t value);
void mr_json_member_bool(struct mr_json_writer *json, const char *name, bool value);

/* Append `text` escaped, without quotes. UTF-8 stays as it is; bytes that are not
 * UTF-8 become U+FFFD. */
void mr_json_escape(struct mr_buf *buf, struct mr_slice text);

#endif
