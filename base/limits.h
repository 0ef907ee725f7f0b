/*
 * limits: every bound of the product, with where its number comes from.
 *
 * A queue, a body, a name or a count that a peer can grow has its end here, so
 * that "how much can this take" has one page as its answer. Sizes in bytes,
 * times in milliseconds unless the name says otherwise.
 */
#ifndef MR_BASE_LIMITS_H
#define MR_BASE_LIMITS_H

enum {
    /* --- Kinesis Data Streams: AWS's service quotas --- */
    MR_KINESIS_MAX_RECORDS_PER_PUT = 500,
    MR_KINESIS_MAX_PUT_BYTES = 10 * 1024 * 1024,       /* data and keys of one PutRecords */
    MR_KINESIS_DEFAULT_RECORD_KIB = 1024,              /* data and key of one record */
    MR_KINESIS_MAX_RECORD_KIB = 10240,
    MR_KINESIS_MAX_GET_RECORDS = 10000,
    MR_KINESIS_MAX_GET_BYTES = 10 * 1024 * 1024,
    MR_KINESIS_MAX_PARTITION_KEY_CHARS = 256,
    MR_KINESIS_MAX_STREAM_NAME = 128,
    MR_KINESIS_ITERATOR_TTL_MS = 300000,
    MR_KINESIS_MIN_RETENTION_HOURS = 24,
    MR_KINESIS_MAX_RETENTION_HOURS = 8760,
    MR_KINESIS_SUBSCRIPTION_MS = 300000,

    /* --- Lambda: AWS's quotas and API ranges --- */
    MR_LAMBDA_MAX_EVENT_BYTES = 6 * 1024 * 1024,       /* synchronous invocation payload */
    MR_LAMBDA_MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100, /* as the Runtime API counts it */
    MR_LAMBDA_MAX_BATCH_SIZE = 10000,
    MR_LAMBDA_MAX_WINDOW_S = 300,
    MR_LAMBDA_MAX_PARALLELIZATION = 10,
    MR_LAMBDA_MAX_RECORD_AGE_S = 604800,
    MR_LAMBDA_MIN_RECORD_AGE_S = 60,
    MR_LAMBDA_MAX_RETRY_ATTEMPTS = 10000,
    MR_LAMBDA_MAX_TUMBLING_S = 900,
    MR_LAMBDA_MAX_TUMBLING_STATE = 1024 * 1024,
    MR_LAMBDA_MAX_FILTERS = 10,                        /* 5 by default, 10 by quota increase */
    MR_LAMBDA_MAX_FILTER_CHARS = 4096,
    MR_LAMBDA_MAX_TIMEOUT_S = 900,
    MR_LAMBDA_MIN_MEMORY_MB = 128,
    MR_LAMBDA_MAX_MEMORY_MB = 10240,
    MR_LAMBDA_MAX_FUNCTION_NAME = 256,
    MR_LAMBDA_MAX_ENVIRONMENT_BYTES = 4096,            /* all variables together */
    MR_LAMBDA_INIT_MS = 10000,

    /* --- HTTP: ours, from what real clients send --- */
    MR_HTTP_MAX_HEAD_BYTES = 1024 * 1024 + 64 * 1024,  /* the Python client sends 1,000,485 */
    MR_HTTP_MAX_HEADERS = 256,
    MR_HTTP_MAX_BODY_BYTES = 16 * 1024 * 1024,         /* 10 MiB of records in base64, and JSON around */
    MR_HTTP_MAX_CONNECTIONS = 10000,                   /* per server; a further one is closed at once */
    MR_HTTP_MAX_STREAMS = 256,                         /* HTTP/2, per connection */
    MR_HTTP_HEAD_TIMEOUT_MS = 30000,                   /* from the first byte of a head to its end */

    /* --- Sandbox: the launch message and what the spawner may be asked for --- */
    MR_SANDBOX_MAX_ARGS = 64,
    MR_SANDBOX_MAX_ENV = 512,
    MR_SANDBOX_MAX_PATH = 4096,
    MR_SANDBOX_MAX_STRINGS = 256 * 1024,               /* all text of one launch */
    MR_SANDBOX_MAX_LAYERS = 5,
    MR_SANDBOX_MAX_FORWARDS = 8,
    MR_SANDBOX_MAX_RUNNING = 1000,
    MR_LOG_MAX_LINE_BYTES = 256 * 1024,                /* a longer line is cut, and says so */
};

#endif
