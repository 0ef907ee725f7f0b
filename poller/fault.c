#include "poller/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"

/* ---- rules ---- */

struct word {
    const char *subject, *name; /* subject NULL: a function's logical id */
    enum mr_fault_kind kind;
};

static const struct word words[] = {
    { NULL, "crash", MR_FAULT_CRASH },
    { NULL, "error", MR_FAULT_ERROR },
    { NULL, "hang", MR_FAULT_HANG },
    { NULL, "slow", MR_FAULT_SLOW },
    { NULL, "throttle", MR_FAULT_THROTTLE },
    { "kinesis", "ProvisionedThroughputExceeded", MR_FAULT_READ_THROTTLED },
    { "kinesis", "ExpiredIterator", MR_FAULT_READ_EXPIRED },
    { "kinesis", "InternalFailure", MR_FAULT_READ_TROUBLE },
    { "dest", "AccessDenied", MR_FAULT_DESTINATION },
};

static const struct word *
find_word(struct mr_slice subject, struct mr_slice name)
{
    bool platform = mr_slice_is(subject, "kinesis") || mr_slice_is(subject, "dest");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct word *word = &words[i];
        bool fits = word->subject == NULL ? !platform : mr_slice_is(subject, word->subject);
        if (fits && mr_slice_is(name, word->name)) {
            return word;
        }
    }
    return NULL;
}

/* Cut what stands behind `mark` off the end of `*text`; absent when it is not there. */
static struct mr_slice
cut_behind(struct mr_slice *text, char mark)
{
    ptrdiff_t at = mr_slice_find(*text, (uint8_t)mark);
    if (at < 0) {
        return (struct mr_slice){ 0 };
    }
    struct mr_slice behind = mr_slice_from(*text, (size_t)at + 1);
    *text = mr_slice_first(*text, (size_t)at);
    return behind;
}

static bool
parse_chance(struct mr_slice text, double *out_chance)
{
    char copy[32], *end;
    if (text.size < 2 || text.size > sizeof(copy) || text.data[text.size - 1] != '%') {
        return false;
    }
    memcpy(copy, text.data, text.size - 1);
    copy[text.size - 1] = '\0';
    *out_chance = strtod(copy, &end) / 100;
    return *end == '\0' && *out_chance > 0 && *out_chance <= 1;
}

/* "2s", "2s±500ms". */
static bool
parse_slow(struct mr_slice text, struct mr_fault *fault)
{
    static const char plus_minus[] = "\xC2\xB1";
    const uint8_t *at = memmem(text.data, text.size, plus_minus, 2);
    if (at != NULL) {
        size_t before = (size_t)(at - text.data);
        if (!mr_duration_parse(mr_slice_from(text, before + 2), &fault->jitter_ms)) {
            return false;
        }
        text = mr_slice_first(text, before);
    }
    return mr_duration_parse(text, &fault->slow_ms) && fault->jitter_ms <= fault->slow_ms;
}

int
mr_fault_parse(struct mr_slice rule, struct mr_fault *out_fault, struct mr_error *err)
{
    struct mr_slice rest = mr_slice_trim(rule);
    struct mr_fault fault = { .chance = 1, .left = UINT64_MAX };
    struct mr_slice count = cut_behind(&rest, '#');
    struct mr_slice chance = cut_behind(&rest, '@');
    struct mr_slice value = cut_behind(&rest, '=');
    struct mr_slice name = cut_behind(&rest, ':');

    const struct word *word = find_word(rest, name);
    if (word == NULL || rest.size == 0) {
        return mr_fail(err, -EINVAL,
                       "\"%.*s\" is no fault: handler:crash, handler:error, handler:hang, "
                       "handler:slow=2s, handler:throttle, kinesis:ExpiredIterator, "
                       "dest:AccessDenied, with @10%% or #3 behind it",
                       MR_SLICE_ARGS(mr_slice_first(rule, 60)));
    }
    fault.kind = word->kind;
    if (word->subject == NULL && !mr_slice_is(rest, "handler")) {
        fault.function = rest;
    }
    if (chance.data != NULL && !parse_chance(chance, &fault.chance)) {
        return mr_fail(err, -EINVAL, "\"%.*s\": behind @ stands a chance such as 5%%",
                       MR_SLICE_ARGS(mr_slice_first(rule, 60)));
    }
    if (count.data != NULL && (!mr_slice_to_u64(count, &fault.left) || fault.left == 0)) {
        return mr_fail(err, -EINVAL, "\"%.*s\": behind # stands how often, 1 or more",
                       MR_SLICE_ARGS(mr_slice_first(rule, 60)));
    }
    if ((fault.kind == MR_FAULT_SLOW) != (value.data != NULL) ||
        (fault.kind == MR_FAULT_SLOW && !parse_slow(value, &fault))) {
        return mr_fail(err, -EINVAL,
                       "\"%.*s\": slow takes a duration, slow=2s or slow=2s\xC2\xB1"
                       "500ms; the others take none",
                       MR_SLICE_ARGS(mr_slice_first(rule, 60)));
    }
    *out_fault = fault;
    return 0;
}

bool
mr_fault_strikes(struct mr_fault *fault, struct mr_random *random)
{
    enum { FINE = 1000000 };
    if (fault->left == 0) {
        return false;
    }
    if (fault->chance < 1 &&
        mr_random_below(random, FINE) >= (uint64_t)(fault->chance * FINE)) {
        return false;
    }
    fault->left--;
    return true;
}
