/*
 * kinesis: the API side of the server: what every call shares.
 *
 * One per program; all its calls run on one loop. It owns nothing it was given:
 * store, loop, auth and faults outlive it.
 */
#ifndef MR_STREAM_API_KINESIS_H
#define MR_STREAM_API_KINESIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/random.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "stream/api/token.h"

struct mr_auth;
struct mr_catalog;
struct mr_faults;
struct mr_store;
struct mr_forward_pool;
struct mr_stream_facts;

struct mr_kinesis_options {
    struct mr_loop *loop;
    struct mr_store *store;
    const char *directory; /* where the catalog is kept */
    const char *region;    /* "us-east-1" */
    const char *account;   /* "000000000000" */
    struct mr_token_key token_key;
    bool limits;              /* AWS's rates are kept */
    bool anonymous;           /* calls without any authentication are let through */
    uint64_t state_delay_ms;  /* how long CREATING, UPDATING, DELETING take; 0: at once */
    uint64_t shard_limit;     /* shards of the account; 0: AWS's default for the region */
    struct mr_auth *auth;     /* NULL: signatures are not verified */
    struct mr_faults *faults; /* NULL: none */
    const char *forward_path; /* NULL: nothing is forwarded */
};

enum { MR_KINESIS_MAX_OPERATIONS = 64 };

struct mr_kinesis {
    struct mr_kinesis_options options;
    struct mr_catalog *catalog;
    uint64_t next_settle_ms; /* something that is DELETING is due then; 0: nothing is */
    struct mr_random random; /* request ids */
    uint64_t calls;          /* served since start */
    uint64_t call_full_us[MR_KINESIS_MAX_OPERATIONS]; /* Unix time at which an operation may be
                                                         called at its full rate again */
    struct mr_list delayed;       /* changes of shards that wait for the state delay */
    struct mr_list waiting;       /* GetRecords that wait for records */
    struct mr_list subscriptions; /* SubscribeToShard, open ones and ones just ended */
};

/*
 * Reads the catalog and squares it with the store: what a crash left on one side only gets
 * AWS's defaults on the other, or goes. NULL with `err` filled when it cannot be read.
 */
MR_MUST_USE
struct mr_kinesis *mr_kinesis_new(const struct mr_kinesis_options *options,
                                  struct mr_error *err);
void mr_kinesis_free(struct mr_kinesis *kinesis);

/* The server stops: what waits for records is answered, subscriptions end. */
void mr_kinesis_wind_down(struct mr_kinesis *kinesis);

/* Encrypt at rest if any stream wants it. Say so when there is no master key. */
void mr_kinesis_apply_encryption(struct mr_kinesis *kinesis);

/* The stream and its records go, now. */
void mr_kinesis_drop_stream(struct mr_kinesis *kinesis, struct mr_stream_facts *facts);
/* Something DELETING is due at `at_ms` (0: nothing is). */
void mr_kinesis_settle_at(struct mr_kinesis *kinesis, uint64_t at_ms);

/* Unix time by the loop's clock. */
static inline uint64_t
mr_kinesis_now_ms(const struct mr_kinesis *kinesis)
{
    return mr_clock_wall_ms(mr_loop_clock(kinesis->options.loop));
}

#endif
