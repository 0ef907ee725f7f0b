/*
 * millrace/handler.h: write an AWS Lambda function in C.
 *
 * What Lambda is, in five lines: you write a function. Somebody puts records
 * into a stream; the platform gathers them into a batch, starts your program
 * once, and calls your function with each batch as one JSON text, the event.
 * You return: the batch is done. You fail: it comes again. That somebody may be
 * AWS or a Millrace on your laptop; the program is the same, a single
 * executable called `bootstrap`.
 *
 *     #include <millrace/handler.h>
 *
 *     static int
 *     on_orders(struct mr_ctx *ctx)
 *     {
 *         struct mr_iter records = mr_records(ctx);
 *         struct mr_kinesis record;
 *         while (mr_kinesis_next(&records, &record)) {
 *             struct mr_str data = mr_kinesis_data(ctx, &record);
 *             if (!handle(data)) {
 *                 mr_batch_fail(ctx, record.sequence_number);
 *             }
 *         }
 *         return mr_batch_done(ctx);
 *     }
 *     MR_MAIN(on_orders)
 *
 * Build it: `cc -static -O2 order.c -lmillrace-handler -o bootstrap`. The
 * library needs libc and nothing else; musl works too.
 *
 * Ownership in one paragraph. Everything you are given (event, strings, records)
 * is a view into memory the library owns, valid until your handler returns.
 * Everything you make (responses, decoded data) comes from the invocation's
 * arena and needs no free. No text is NUL-terminated unless the function's name
 * ends in _z. No function takes ownership of your memory.
 *
 * Threads. A context belongs to the thread that runs its handler. Handlers run
 * one at a time unless AWS_LAMBDA_MAX_CONCURRENCY is set; then up to that many
 * run at once, each on a thread of its own with a context of its own.
 *
 * Errors. Functions that can fail say how: false, -1, or an absent string.
 * Out of memory ends the process: the platform reports it and starts another.
 */
#ifndef MILLRACE_HANDLER_H
#define MILLRACE_HANDLER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MR_HANDLER_ABI 1 /* grows when a struct below changes its layout */

/* ---- text -------------------------------------------------------------------------------- */

/* Bytes somebody else owns. {NULL, 0} means absent, {"", 0} means empty. */
struct mr_str {
    const char *data;
    size_t size;
};

#ifdef __cplusplus
#define MR_STR(literal) (mr_str{ (literal), sizeof(literal) - 1 })
#else
#define MR_STR(literal) ((struct mr_str){ (literal), sizeof(literal) - 1 })
#endif
#define MR_STR_ARGS(text)                                              \
    (int)(text).size, (text).data /* printf("%.*s", MR_STR_ARGS(text)) \
                                   */

static inline struct mr_str
mr_str_z(const char *text)
{
    struct mr_str str = { text, text == NULL ? 0 : strlen(text) };
    return str;
}

static inline bool
mr_str_eq(struct mr_str a, struct mr_str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ---- the invocation ---------------------------------------------------------------------- */

struct mr_ctx; /* one invocation; never shared between threads */

struct mr_str mr_request_id(const struct mr_ctx *ctx);   /* a UUID; the same again on a retry */
struct mr_str mr_function_arn(const struct mr_ctx *ctx); /* as invoked, with its qualifier */
struct mr_str mr_trace_id(const struct mr_ctx *ctx);     /* X-Ray header, or absent */
struct mr_str mr_client_context(const struct mr_ctx *ctx);
struct mr_str mr_cognito_identity(const struct mr_ctx *ctx);
struct mr_str mr_tenant_id(const struct mr_ctx *ctx);
struct mr_str mr_event(const struct mr_ctx *ctx); /* the raw event */
struct mr_str mr_content_type(const struct mr_ctx *ctx);
int64_t mr_deadline_ms(const struct mr_ctx *ctx);  /* Unix time; then the process is killed */
int64_t mr_remaining_ms(const struct mr_ctx *ctx); /* until then; never below 0 */
void *mr_user(const struct mr_ctx *ctx);           /* what `init` returned */

/* Memory that lives until the response is posted; 16-byte aligned, never NULL. */
void *mr_alloc_in(struct mr_ctx *ctx, size_t size);
void *mr_alloc_zero_in(struct mr_ctx *ctx, size_t size);
char *mr_copy_z(struct mr_ctx *ctx, struct mr_str text); /* NUL-terminated copy */
struct mr_str mr_printf(struct mr_ctx *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the handler ------------------------------------------------------------------------- */

/*
 * Return 0: the response you set stands (`null` when you set none). Return anything else: an
 * error is posted, the one you gave to mr_fail or a general one.
 */
typedef int(mr_handler_fn)(struct mr_ctx *ctx);

struct mr_handler {
    uint32_t abi;     /* MR_HANDLER_ABI */
    const char *name; /* chosen by the last part of _HANDLER; NULL: the only or the first one */
    mr_handler_fn *run;
    /*
     * Optional, once a process before the first event: open what you keep. What it returns
     * is mr_user(). On failure return NULL and set `*out_error` to a sentence; the platform
     * is told and the process ends.
     */
    void *(*init)(const char **out_error);
    /*
     * Optional: called on SIGTERM with the milliseconds left. Asking for it registers an
     * internal extension, as the platform wants; without it there is no SIGTERM.
     */
    void (*shutdown)(void *user, int64_t left_ms);
};

/* The loop: takes events until the platform ends the process. Returns an exit code. */
int mr_handler_main(const struct mr_handler *handlers, size_t count);

#define MR_MAIN(function)                                                                 \
    int main(void)                                                                        \
    {                                                                                     \
        static const struct mr_handler handler_ = { MR_HANDLER_ABI, NULL, function, NULL, \
                                                    NULL };                               \
        return mr_handler_main(&handler_, 1);                                             \
    }

/*
 * Built as a shared object instead: the same handlers under one exported symbol, run by
 * `millrace-bootstrap` with _HANDLER=libx.so.name.
 */
#define MR_EXPORT(...)                     \
    __attribute__((visibility("default"))) \
    const struct mr_handler mr_handlers[] = { __VA_ARGS__, { 0, NULL, NULL, NULL, NULL } };

/* ---- responding -------------------------------------------------------------------------- */

/* `body` must live until the handler returns. NULL content type: application/json. 6 MiB at
 * most. */
int mr_respond(struct mr_ctx *ctx, struct mr_str body, const char *content_type);
int mr_respondf(struct mr_ctx *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Say what went wrong. Returns non-zero: `return mr_fail(ctx, "Order.Invalid", "no id");` */
int mr_fail(struct mr_ctx *ctx, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, and the process ends after it was posted: state is broken, start afresh. */
int mr_fail_fatal(struct mr_ctx *ctx, const char *type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Stream the response while you make it. After the first byte mr_fail reports in the
 * trailers. All return 0, or -1 when the connection is gone. mr_stream_http begins an HTTP
 * response with status and a JSON object of headers (NULL: none).
 */
int mr_stream_begin(struct mr_ctx *ctx, const char *content_type);
int mr_stream_http(struct mr_ctx *ctx, int status, const char *headers_json);
int mr_stream_write(struct mr_ctx *ctx, const void *data, size_t size);

/* ---- JSON: a pull reader, no tree, and a writer -------------------------------------------
 */

/* On your stack. Copying it is a bookmark. */
struct mr_reader {
    const char *cursor, *end;
    int depth;
    bool first, bad;
};

enum mr_kind {
    MR_KIND_END, /* nothing left, or not JSON (`bad` is set) */
    MR_KIND_OBJECT,
    MR_KIND_ARRAY,
    MR_KIND_STRING,
    MR_KIND_NUMBER,
    MR_KIND_TRUE,
    MR_KIND_FALSE,
    MR_KIND_NULL,
};

struct mr_reader mr_read(struct mr_str json);
enum mr_kind mr_read_peek(struct mr_reader *reader);
bool mr_read_enter(struct mr_reader *reader);                       /* into { or [ */
bool mr_read_key(struct mr_reader *reader, struct mr_str *out_key); /* raw; false at } */
bool mr_read_element(struct mr_reader *reader);                     /* false at ] */
struct mr_str mr_read_raw(struct mr_reader *reader);        /* the whole value as it stands */
struct mr_str mr_read_string_raw(struct mr_reader *reader); /* between quotes, escapes kept */
struct mr_str mr_read_string(struct mr_ctx *ctx, struct mr_reader *reader); /* unescaped */
bool mr_read_i64(struct mr_reader *reader, int64_t *out_value);
bool mr_read_f64(struct mr_reader *reader, double *out_value);
bool mr_read_bool(struct mr_reader *reader, bool *out_value);
void mr_read_skip(struct mr_reader *reader);
/* The raw value at "detail.items[2].id", or absent. Keys are compared as they stand. */
struct mr_str mr_find(struct mr_str json, const char *path);
/* The text of a raw string value ("\"a\"" to "a", unescaped); absent when it is no string. */
struct mr_str mr_text(struct mr_ctx *ctx, struct mr_str raw);

/* Writes JSON into the arena; commas and quotes taken care of. */
struct mr_writer {
    struct mr_ctx *ctx;
    char *data;
    size_t size, capacity;
    bool comma;
};

struct mr_writer mr_write(struct mr_ctx *ctx);
void mr_write_object(struct mr_writer *writer);
void mr_write_array(struct mr_writer *writer);
void mr_write_end_object(struct mr_writer *writer);
void mr_write_end_array(struct mr_writer *writer);
void mr_write_key(struct mr_writer *writer, struct mr_str key);
void mr_write_string(struct mr_writer *writer, struct mr_str text);
void mr_write_raw(struct mr_writer *writer, struct mr_str json);
void mr_write_i64(struct mr_writer *writer, int64_t value);
void mr_write_f64(struct mr_writer *writer, double value);
void mr_write_bool(struct mr_writer *writer, bool value);
void mr_write_null(struct mr_writer *writer);
struct mr_str mr_written(const struct mr_writer *writer);
int
mr_write_respond(struct mr_writer *writer); /* what was written is the response; returns 0 */

/* ---- base64 (RFC 4648, padded) ------------------------------------------------------------
 */

#define MR_BASE64_MAX(size) ((size) / 4 * 3 + 3) /* room that decoding so much text needs */
/* Bytes written to `out`, or -1 when it is not base64 or `capacity` is too small. */
ptrdiff_t mr_base64_into(struct mr_str base64, void *out, size_t capacity);
struct mr_str mr_base64(struct mr_ctx *ctx, struct mr_str base64); /* absent when malformed */

/* ---- records of an event -------------------------------------------------------------------
 */

enum mr_source {
    MR_SOURCE_UNKNOWN,
    MR_SOURCE_KINESIS,
    MR_SOURCE_DYNAMODB,
    MR_SOURCE_SQS,
    MR_SOURCE_SNS,
    MR_SOURCE_S3,
    MR_SOURCE_KAFKA,
};
enum mr_source mr_event_source(const struct mr_ctx *ctx);

/* Walks "Records" (Kafka: "records"). On your stack. */
struct mr_iter {
    struct mr_ctx *ctx;
    struct mr_reader reader;
    struct mr_str current; /* the raw record last returned */
    size_t index;          /* of that record, from 0 */
    int state;
    bool bad; /* the event is not what its records should be; iteration ended */
};
struct mr_iter mr_records(struct mr_ctx *ctx);

struct mr_kinesis {
    struct mr_str event_id, sequence_number, partition_key, data_base64, event_source_arn;
    struct mr_str shard_id; /* from event_id */
    double arrival_time;    /* seconds since 1970 */
};
bool mr_kinesis_next(struct mr_iter *records, struct mr_kinesis *out_record);
/* Decoded into the arena; absent when it is not base64. */
struct mr_str mr_kinesis_data(struct mr_ctx *ctx, const struct mr_kinesis *record);

/*
 * A record the Kinesis Producer Library aggregated holds several user records. Walks them;
 * for a plain record it gives that one, once.
 */
struct mr_kpl {
    struct mr_str partition_key, explicit_hash_key, data;
    uint64_t sub_sequence_number; /* 0, 1, 2, ... inside the aggregate */
    struct mr_str rest, whole;    /* where the walk stands: not for you, down to the end */
    struct {
        struct mr_str rest, last;
        uint64_t next;
    } partition_keys, hash_keys;
    bool aggregated;
};
struct mr_kpl mr_kpl_open(struct mr_str data, struct mr_str partition_key);
bool mr_kpl_next(struct mr_kpl *records);

enum mr_dynamodb_event { MR_DYNAMODB_INSERT, MR_DYNAMODB_MODIFY, MR_DYNAMODB_REMOVE };
struct mr_dynamodb {
    struct mr_str event_id, sequence_number, event_source_arn;
    struct mr_str keys, new_image, old_image; /* raw JSON in AttributeValue form, or absent */
    enum mr_dynamodb_event event;
    double creation_time; /* seconds since 1970 */
    int64_t size_bytes;
    bool is_ttl_delete;
};
bool mr_dynamodb_next(struct mr_iter *records, struct mr_dynamodb *out_record);

enum mr_attribute_kind {
    MR_ATTRIBUTE_NONE,
    MR_ATTRIBUTE_S,
    MR_ATTRIBUTE_N,
    MR_ATTRIBUTE_B,
    MR_ATTRIBUTE_BOOL,
    MR_ATTRIBUTE_NULL,
    MR_ATTRIBUTE_M,
    MR_ATTRIBUTE_L,
    MR_ATTRIBUTE_SS,
    MR_ATTRIBUTE_NS,
    MR_ATTRIBUTE_BS,
};
struct mr_attribute {
    enum mr_attribute_kind kind;
    struct mr_str raw; /* the value inside {"S": ...} */
};
/* "address.city", "tags[0]"; kind NONE when it is not there. */
struct mr_attribute mr_attribute_get(struct mr_str image, const char *path);
/* S unescaped, N as digits, B decoded; absent for other kinds. */
struct mr_str mr_attribute_text(struct mr_ctx *ctx, struct mr_attribute attribute);

struct mr_sqs {
    struct mr_str message_id, receipt_handle, event_source_arn, group_id;
    struct mr_str body;       /* unescaped */
    struct mr_str attributes; /* raw JSON */
    int64_t sent_ms;
    int64_t receive_count;
};
bool mr_sqs_next(struct mr_iter *records, struct mr_sqs *out_record);

/* ---- partial batch responses (the mapping says ReportBatchItemFailures) --------------------
 */

/* Report one: its sequence number (streams) or message id (SQS). Copied. */
void mr_batch_fail(struct mr_ctx *ctx, struct mr_str identifier);
/*
 * Respond {"batchItemFailures":[...]}, with the window's state when there is one. An empty
 * list says: all done. Use its value as your handler's.
 */
int mr_batch_done(struct mr_ctx *ctx);

/* ---- tumbling windows -----------------------------------------------------------------------
 */

#define MR_WINDOW_STATE_MAX (1024 * 1024) /* bytes of state AWS keeps, per shard */

struct mr_window {
    bool present; /* false: the mapping has no tumbling window */
    bool is_final, terminated_early;
    struct mr_str start, end; /* "2020-07-30T17:00:00Z" */
    struct mr_str shard_id, event_source_arn;
    struct mr_str state; /* raw JSON object, as the last invocation returned it; {} at first */
};
struct mr_window mr_window_of(struct mr_ctx *ctx);
/* A value of the state as raw JSON; absent when it is not there. */
struct mr_str mr_window_get(const struct mr_window *window, const char *key);
/* Set a value for the next state; other keys are carried over. mr_batch_done sends it. */
void mr_window_put(struct mr_ctx *ctx, const char *key, struct mr_str raw_json);

/* ---- logging
 * ---------------------------------------------------------------------------------- */

/*
 * One line to the function's log, in the format AWS_LAMBDA_LOG_FORMAT asks for (text or
 * JSON), if AWS_LAMBDA_LOG_LEVEL lets it through. Thread: any with its own context; `ctx`
 * may be NULL outside an invocation.
 */
enum mr_level { MR_TRACE = 1, MR_DEBUG, MR_INFO, MR_WARN, MR_ERROR, MR_FATAL };
void mr_logf(struct mr_ctx *ctx, enum mr_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool mr_log_enabled(enum mr_level level);

/* ---- testing: run a handler with no platform at all
 * ------------------------------------------- */

struct mr_test_result {
    int status;               /* what the handler returned */
    struct mr_str body;       /* response, or the error document */
    struct mr_str error_type; /* absent unless it failed */
};
/* The views live until the next call on this thread. Calls `init` on first use. */
struct mr_test_result mr_test_invoke(const struct mr_handler *handler, struct mr_str event,
                                     int64_t timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
