#include "stream/api/fault.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"
#include "stream/api/kinesis.h"
#include "stream/api/operation.h"

enum kind { THROTTLE, ERROR, LIMIT, EXPIRE, STALL, TEAR, PARTIAL, LOSE };

static const struct {
    const char *name;
    bool has_value;
} kinds[] = {
    [THROTTLE] = { "throttle", false }, [ERROR] = { "error", false },
    [LIMIT] = { "limit", false },       [EXPIRE] = { "expire", false },
    [STALL] = { "stall", true },        [TEAR] = { "tear", false },
    [PARTIAL] = { "partial", true },    [LOSE] = { "lose", true },
};

struct rule {
    char *operation; /* NULL: all */
    enum kind kind;
    uint64_t value; /* STALL: ms; PARTIAL: percent */
    bool counted;
    uint64_t count_left;
    double rate; /* 0 < rate <= 1 */
    uint64_t struck;
};

struct mr_faults {
    struct mr_random random;
    struct rule rules[MR_FAULT_MAX_RULES];
    size_t count;
};

struct mr_faults *
mr_faults_new(uint64_t seed)
{
    struct mr_faults *faults = mr_alloc_zero(1, sizeof(*faults));
    mr_random_init_seed(&faults->random, seed);
    return faults;
}

void
mr_faults_clear(struct mr_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->rules[i].operation);
    }
    faults->count = 0;
}

void
mr_faults_free(struct mr_faults *faults)
{
    if (faults != NULL) {
        mr_faults_clear(faults);
        free(faults);
    }
}

/* ---- reading a rule ---- */

static bool
parse_kind(struct mr_slice text, struct rule *rule)
{
    struct mr_slice value = text;
    struct mr_slice name = mr_slice_cut(&value, '=');

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (mr_slice_is(name, kinds[i].name)) {
            rule->kind = (enum kind)i;
            return kinds[i].has_value ? mr_slice_to_u64(value, &rule->value)
                                      : value.data == NULL;
        }
    }
    return false;
}

static bool
parse_often(struct mr_slice text, struct rule *rule)
{
    struct mr_slice name = mr_slice_cut(&text, '=');

    if (mr_slice_is(name, "count")) {
        rule->counted = true;
        return mr_slice_to_u64(text, &rule->count_left);
    }
    char number[32] = { 0 }, *end;
    if (!mr_slice_is(name, "rate") || text.size == 0 || text.size >= sizeof(number)) {
        return false;
    }
    memcpy(number, text.data, text.size);
    rule->rate = strtod(number, &end);
    return *end == '\0' && rule->rate > 0 && rule->rate <= 1;
}

int
mr_faults_add(struct mr_faults *faults, struct mr_slice text, struct mr_error *err)
{
    struct rule rule = { .rate = 1 };
    struct mr_slice rest = text;
    struct mr_slice operation = mr_slice_cut(&rest, ':');
    struct mr_slice kind = mr_slice_cut(&rest, ':');

    if (faults->count == MR_FAULT_MAX_RULES) {
        return mr_fail(err, -ENOSPC, "at most %d fault rules; clear them first",
                       MR_FAULT_MAX_RULES);
    }
    if (!mr_slice_is(operation, "*") && mr_operation_find(operation) == NULL) {
        return mr_fail(err, -EINVAL, "fault %.*s: %.*s is no operation (\"*\" means all)",
                       MR_SLICE_ARGS(text), MR_SLICE_ARGS(operation));
    }
    if (!parse_kind(kind, &rule)) {
        return mr_fail(
            err, -EINVAL,
            "fault %.*s: the kind is throttle, error, limit, expire, tear, stall=MS, "
            "partial=PERCENT or lose=PERCENT",
            MR_SLICE_ARGS(text));
    }
    if (rest.data != NULL && !parse_often(rest, &rule)) {
        return mr_fail(err, -EINVAL, "fault %.*s: how often is count=N or rate=0.1",
                       MR_SLICE_ARGS(text));
    }
    rule.operation = mr_slice_is(operation, "*") ? NULL : mr_slice_dup(operation);
    faults->rules[faults->count++] = rule;
    return 0;
}

void
mr_faults_seed(struct mr_faults *faults, uint64_t seed)
{
    mr_random_init_seed(&faults->random, seed);
}

void
mr_faults_swap(struct mr_faults *a, struct mr_faults *b)
{
    struct mr_faults before = *a;
    *a = *b;
    *b = before;
}

static void
print_rule(struct mr_buf *buf, const struct rule *rule)
{
    mr_buf_printf(buf, "%s:%s", rule->operation == NULL ? "*" : rule->operation,
                  kinds[rule->kind].name);
    if (kinds[rule->kind].has_value) {
        mr_buf_printf(buf, "=%llu", (unsigned long long)rule->value);
    }
    if (rule->counted) {
        mr_buf_printf(buf, ":count=%llu", (unsigned long long)rule->count_left);
    } else if (rule->rate < 1) {
        mr_buf_printf(buf, ":rate=%g", rule->rate);
    }
}

void
mr_faults_list(const struct mr_faults *faults, struct mr_json_writer *json)
{
    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        mr_auto_buf struct mr_buf text = { 0 };
        print_rule(&text, &faults->rules[i]);
        mr_json_begin_object(json);
        mr_json_member_string(json, "rule", mr_buf_slice(&text));
        mr_json_member_i64(json, "struck", (int64_t)faults->rules[i].struck);
        mr_json_end_object(json);
    }
}

/* ---- striking ---- */

static bool
strikes(struct mr_faults *faults, struct rule *rule)
{
    if (rule->counted) {
        if (rule->count_left == 0) {
            return false;
        }
        rule->count_left--;
    } else if (rule->rate < 1 &&
               (double)(mr_random_u64(&faults->random) >> 11) * 0x1p-53 >= rule->rate) {
        return false;
    }
    rule->struck++;
    return true;
}

/* An answer held back. */
struct stall {
    struct mr_timer timer;
    struct mr_call *call;
};

static void
on_stalled(void *context)
{
    struct stall *stall = context;
    struct mr_call *call = stall->call;

    mr_http_exchange_on_abort(call->exchange, NULL, NULL);
    if (call->operation->reads_body || mr_operation_read_input(call)) {
        call->operation->act(call);
    }
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct stall *stall = context;

    (void)exchange;
    mr_timer_stop(&stall->timer);
}

static void
begin_stall(struct mr_call *call, uint64_t ms)
{
    struct stall *stall = mr_arena_zero(call->arena, sizeof(*stall));

    stall->call = call;
    mr_timer_init(&stall->timer, call->kinesis->options.loop, MR_TIME_INJECTED, on_stalled,
                  stall);
    mr_http_exchange_on_abort(call->exchange, on_abort, stall);
    mr_timer_start(&stall->timer, ms);
}

static void
strike(struct mr_call *call, const struct rule *rule)
{
    switch (rule->kind) {
    case THROTTLE:
        mr_call_fail(call, "ProvisionedThroughputExceededException",
                     "Rate exceeded (a fault asked for on this server).");
        break;
    case LIMIT:
        mr_call_fail(call, "LimitExceededException",
                     "Rate exceeded (a fault asked for on this server).");
        break;
    case ERROR:
        mr_call_fail(call, "InternalFailure", "Internal Service Failure");
        break;
    case EXPIRE:
        mr_call_fail(call, "ExpiredIteratorException",
                     "Iterator expired (a fault asked for on this server).");
        break;
    case STALL:
        begin_stall(call, rule->value);
        break;
    case TEAR:
        mr_http_abort(call->exchange);
        break;
    case PARTIAL:
    case LOSE:
        break;
    }
}

static bool
concerns(const struct rule *rule, const struct mr_call *call)
{
    return rule->operation == NULL || strcmp(rule->operation, call->operation->name) == 0;
}

bool
mr_fault_before(struct mr_call *call)
{
    struct mr_faults *faults = call->kinesis->options.faults;

    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        struct rule *rule = &faults->rules[i];
        if (rule->kind < PARTIAL && concerns(rule, call) && strikes(faults, rule)) {
            strike(call, rule);
            return true;
        }
    }
    return false;
}

int
mr_fault_record(struct mr_call *call)
{
    struct mr_faults *faults = call->kinesis->options.faults;

    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        struct rule *rule = &faults->rules[i];
        if (rule->kind >= PARTIAL && concerns(rule, call) &&
            mr_random_below(&faults->random, 100) < rule->value && strikes(faults, rule)) {
            return rule->kind == PARTIAL ? -EBUSY : -EIO;
        }
    }
    return 0;
}
