#include "sandbox/protocol.h"

#include <errno.h>
#include <string.h>

#include <stdbool.h>

static bool
is_simple(uint32_t kind)
{
    return kind >= MR_SANDBOX_FREEZE && kind <= MR_SANDBOX_TERMINATE;
}

static int
check_forwards(const struct mr_sandbox_request_launch *launch, struct mr_error *err)
{
    bool ended = false;
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS; i++) {
        if (launch->forwards[i] == 0) {
            ended = true;
        } else if (ended) {
            return mr_fail(err, -EPROTO, "launch: a forward after the end of forwards");
        }
    }
    if (launch->forwards[0] != 0 && launch->network != MR_SANDBOX_NETWORK_NONE) {
        return mr_fail(err, -EPROTO, "launch: forwards need a network of its own");
    }
    return 0;
}

static int
check_launch(const struct mr_sandbox_request_launch *launch, size_t size, size_t fd_count,
             struct mr_error *err)
{
    if (size != sizeof(*launch) || fd_count != 1) {
        return mr_fail(err, -EPROTO, "launch: %zu bytes and %zu descriptors, wanted %zu and 1",
                       size, fd_count, sizeof(*launch));
    }
    if (launch->head.reserved != 0 || launch->reserved != 0 ||
        (launch->flags & ~(uint32_t)MR_SANDBOX_ALL_FLAGS) != 0) {
        return mr_fail(err, -EPROTO, "launch: a reserved field is set");
    }
    const struct {
        const char *name;
        uint32_t value, lowest, highest;
    } ranges[] = {
        { "memory_mb", launch->memory_mb, 64, MR_LAMBDA_MAX_MEMORY_MB },
        { "tmp_mb", launch->tmp_mb, 1, 10240 },
        { "max_pids", launch->max_pids, 1, 32768 },
        { "network", launch->network, MR_SANDBOX_NETWORK_NONE, MR_SANDBOX_NETWORK_HOST },
        { "profile", launch->profile, MR_SANDBOX_PROFILE_DEFAULT, MR_SANDBOX_PROFILE_STRICT },
        { "cpu_permille", launch->cpu_permille, 0, 1024 * 1000 },
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (ranges[i].value < ranges[i].lowest || ranges[i].value > ranges[i].highest) {
            return mr_fail(err, -EPROTO, "launch: %s is %u, not %u..%u", ranges[i].name,
                           ranges[i].value, ranges[i].lowest, ranges[i].highest);
        }
    }
    return check_forwards(launch, err);
}

int
mr_sandbox_request_check(const void *message, size_t size, size_t fd_count,
                         struct mr_error *err)
{
    uint32_t kind;

    if (size < sizeof(kind)) {
        return mr_fail(err, -EPROTO, "a request of %zu bytes", size);
    }
    memcpy(&kind, message, sizeof(kind));
    if (kind == MR_SANDBOX_LAUNCH) {
        union mr_sandbox_request_any any = { 0 };
        memcpy(&any, message, size < sizeof(any) ? size : sizeof(any));
        return check_launch(&any.launch, size, fd_count, err);
    }
    if (!is_simple(kind)) {
        return mr_fail(err, -EPROTO, "no request has the number %u", kind);
    }
    struct mr_sandbox_request simple;
    if (size != sizeof(simple) || fd_count != 0) {
        return mr_fail(err, -EPROTO, "request %u: %zu bytes and %zu descriptors", kind, size,
                       fd_count);
    }
    memcpy(&simple, message, sizeof(simple));
    if (simple.reserved != 0) {
        return mr_fail(err, -EPROTO, "request %u: a reserved field is set", kind);
    }
    return 0;
}

size_t
mr_sandbox_reply_size(uint32_t kind)
{
    switch (kind) {
    case MR_SANDBOX_HELLO:
        return sizeof(struct mr_sandbox_hello);
    case MR_SANDBOX_LAUNCHED:
        return sizeof(struct mr_sandbox_launched);
    case MR_SANDBOX_FAILED:
        return sizeof(struct mr_sandbox_failed);
    case MR_SANDBOX_EXITED:
        return sizeof(struct mr_sandbox_exited);
    case MR_SANDBOX_USED:
        return sizeof(struct mr_sandbox_used);
    case MR_SANDBOX_DENIED:
        return sizeof(struct mr_sandbox_denied);
    default:
        return 0;
    }
}

static bool
text_ends(const void *message, uint32_t kind)
{
    const union mr_sandbox_reply_any *any = message;

    switch (kind) {
    case MR_SANDBOX_HELLO:
        return memchr(any->hello.text, 0, sizeof(any->hello.text)) != NULL;
    case MR_SANDBOX_FAILED:
        return memchr(any->failed.text, 0, sizeof(any->failed.text)) != NULL;
    case MR_SANDBOX_DENIED:
        return memchr(any->denied.text, 0, sizeof(any->denied.text)) != NULL;
    default:
        return true;
    }
}

int
mr_sandbox_reply_check(const void *message, size_t size, size_t fd_count, struct mr_error *err)
{
    uint32_t kind = 0;

    memcpy(&kind, message, size < sizeof(kind) ? size : sizeof(kind));
    size_t wanted = mr_sandbox_reply_size(kind);
    if (wanted == 0 || size != wanted) {
        return mr_fail(err, -EPROTO, "a reply %u of %zu bytes", kind, size);
    }
    if (kind != MR_SANDBOX_LAUNCHED && fd_count != 0) {
        return mr_fail(err, -EPROTO, "a reply %u with descriptors", kind);
    }
    union mr_sandbox_reply_any any;
    memcpy(&any, message, size);
    if (!text_ends(&any, kind)) {
        return mr_fail(err, -EPROTO, "a reply %u whose text does not end", kind);
    }
    return 0;
}
