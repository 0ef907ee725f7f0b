#include "sandbox/notify.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sandbox/policy.h"

static void
stop_listening(struct mr_run *run)
{
    close(run->notify);
    run->notify = -1;
}

/* True the first time. */
static bool
is_new(struct mr_run *run, int number)
{
    unsigned index = (unsigned)number % (8 * 64);
    uint64_t bit = 1ULL << (index % 64);

    if ((run->denied_set[index / 64] & bit) != 0) {
        return false;
    }
    run->denied_set[index / 64] |= bit;
    return run->denied_lines++ < MR_ENVIRONMENT_MAX_DENIED_LINES;
}

static void
describe(const struct mr_environment *environment, const struct seccomp_notif *call,
         const char *name, struct mr_sandbox_denied *out_denied)
{
    static const char *const profiles[] = { "default", "strict" };

    *out_denied = (struct mr_sandbox_denied){ .kind = MR_SANDBOX_DENIED,
                                              .call = (uint32_t)call->data.nr,
                                              .environment = environment->number };
    snprintf(
        out_denied->text, sizeof(out_denied->text),
        "Sandbox: handler '%.60s' called %s(0x%llx, 0x%llx): denied by profile \"%s\". Allow "
        "with Sandbox: {AllowSyscalls: [%s]}",
        environment->name, name, (unsigned long long)call->data.args[0],
        (unsigned long long)call->data.args[1], profiles[environment->run.profile], name);
}

bool
mr_notify_answer(struct mr_environment *environment, struct mr_sandbox_denied *out_denied)
{
    struct mr_run *run = &environment->run;
    struct seccomp_notif call;

    memset(&call, 0, sizeof(call)); /* the kernel insists */
    if (ioctl(run->notify, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
        if (errno != ENOENT && errno != EINTR) {
            stop_listening(run);
        }
        return false; /* the caller died before we asked */
    }
    const char *name = mr_seccomp_filter_call_name(call.data.nr);
    struct seccomp_notif_resp answer = {
        .id = call.id,
        .error = -mr_policy_errno(call.data.nr, name, call.data.args[0], run->profile),
    };
    (void)ioctl(run->notify, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    run->denied_calls++;
    bool tell = name != NULL && !mr_policy_is_quiet(name) && is_new(run, call.data.nr);
    if (tell) {
        describe(environment, &call, name, out_denied);
    }
    if (run->denied_calls >= MR_ENVIRONMENT_MAX_DENIALS) {
        stop_listening(run);
    }
    return tell;
}
