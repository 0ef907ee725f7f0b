#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "sandbox/filter.h"
#include "sandbox/policy.h"
#include "tests/sandbox/bpf.h"
#include "tests/suite.h"

enum { ALLOW = 0x7fff0000, NOTIFY = 0x7fc00000, NO_CLONE3 = 0x00050000 | ENOSYS };

static const uint32_t kill_process = 0x80000000;

static struct mr_seccomp_filter *
filter_of(enum mr_sandbox_profile profile, bool no_udp, const char *allow)
{
    const char *const allows[] = { allow };
    struct mr_seccomp_filter_options options = { .profile = profile,
                                         .notify = true,
                                         .no_udp = no_udp,
                                         .allows = allows,
                                         .allow_count = allow != NULL };
    struct mr_seccomp_filter *filter = mr_seccomp_filter_new(&options, NULL);
    ck_assert_ptr_nonnull(filter);
    return filter;
}

static uint32_t
ask(const struct mr_seccomp_filter *filter, int number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct seccomp_data call = { .nr = number,
                                 .arch = AUDIT_ARCH_X86_64,
                                 .args = { a0, a1, a2 } };
    return bpf_run(filter->code, filter->length, &call);
}

static bool
is_named(const char *name)
{
    size_t count;
    const char *const *names = mr_policy_default(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Allowed for some arguments only. */
static bool
is_checked(const char *name)
{
    static const char *const names[] = { "socket", "clone", "prlimit64", "personality",
                                         "ioctl",  "mknod", "mknodat" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(every_number_gets_what_its_name_says)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter = filter_of(0, false, NULL);

    for (int number = 0; number < 1024; number++) {
        const char *name = mr_seccomp_filter_call_name(number);
        uint32_t verdict = ask(filter, number, ~0ULL, ~0ULL, ~0ULL);
        if (name != NULL && is_named(name)) {
            ck_assert_msg(verdict == ALLOW, "%s is refused", name);
        } else if (name != NULL && strcmp(name, "clone3") == 0) {
            ck_assert_uint_eq(verdict, NO_CLONE3);
        } else if (name == NULL || !is_checked(name)) {
            ck_assert_msg(verdict == NOTIFY, "%d (%s) is allowed", number, name ? name : "-");
        }
    }
}
END_TEST

START_TEST(strict_only_takes_away)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *usual = filter_of(0, false, NULL);
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *strict = filter_of(1, false, NULL);
    int taken = 0;

    for (int number = 0; number < 1024; number++) {
        uint32_t before = ask(usual, number, 0, 0, 0), after = ask(strict, number, 0, 0, 0);
        ck_assert_msg(after == before || after == NOTIFY, "%d", number);
        taken += after != before;
    }

    ck_assert_int_gt(taken, 30);
}
END_TEST

START_TEST(a_foreign_architecture_is_killed)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter = filter_of(0, false, NULL);
    struct seccomp_data i386 = { .nr = 20, .arch = AUDIT_ARCH_I386 };
    struct seccomp_data x32 = { .nr = 0x40000000 | 39, .arch = AUDIT_ARCH_X86_64 };

    ck_assert_uint_eq(bpf_run(filter->code, filter->length, &i386), kill_process);
    ck_assert_uint_eq(bpf_run(filter->code, filter->length, &x32), kill_process);
}
END_TEST

START_TEST(no_new_namespace_can_be_cloned)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter = filter_of(0, false, NULL);
    const uint64_t kinds[] = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                               CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP };

    ck_assert_uint_eq(ask(filter, SYS_clone, CLONE_VM | CLONE_VFORK | 17, 0, 0), ALLOW);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        ck_assert_uint_eq(ask(filter, SYS_clone, kinds[i] | 17, 0, 0), NOTIFY);
    }
}
END_TEST

static const struct {
    int number;
    uint64_t a0, a1, a2;
    bool allowed, allowed_without_udp;
} calls[] = {
    { SYS_socket, AF_UNIX, SOCK_DGRAM, 0, true, true },
    { SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, true, true },
    { SYS_socket, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0, true, true },
    { SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, true, false },
    { SYS_socket, AF_INET6, SOCK_DGRAM, 0, true, false },
    { SYS_socket, AF_INET, SOCK_RAW, 1, false, false },
    { SYS_socket, AF_PACKET, SOCK_RAW, 0, false, false },
    { SYS_socket, AF_NETLINK, SOCK_RAW, 0, true, true },
    { SYS_socket, AF_NETLINK, SOCK_RAW, 15, false, false },
    { SYS_socket, 40 /* AF_VSOCK */, SOCK_STREAM, 0, false, false },
    { SYS_socket, 38 /* AF_ALG */, SOCK_SEQPACKET, 0, false, false },
    { SYS_ioctl, 0, 0x5401 /* TCGETS */, 0, true, true },
    { SYS_ioctl, 0, 0x5412 /* TIOCSTI */, 0, false, false },
    { SYS_ioctl, 0, 0x541c /* TIOCLINUX */, 0, false, false },
    { SYS_ioctl, 0, 0x100005412ULL, 0, false, false },
    { SYS_personality, 0, 0, 0, true, true },
    { SYS_personality, 0xffffffff, 0, 0, true, true },
    { SYS_personality, 0x40000, 0, 0, false, false },
    { SYS_prlimit64, 0, 7, 0, true, true },
    { SYS_prlimit64, 1, 7, 0, false, false },
    { SYS_mknod, 0, 0x1000 | 0644, 0, true, true },
    { SYS_mknod, 0, 0x2000 | 0644, 0, false, false },
    { SYS_mknodat, 0, 0, 0x6000 | 0644, false, false },
    { SYS_mknodat, 0, 0, 0x8000 | 0644, true, true },
    { SYS_ptrace, 16, 1, 0, false, false },
    { SYS_mount, 0, 0, 0, false, false },
    { SYS_unshare, CLONE_NEWUSER, 0, 0, false, false },
};

START_TEST(arguments_decide_where_a_name_does_not)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter = filter_of(0, false, NULL);
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *no_udp = filter_of(0, true, NULL);
    int number = calls[_i].number;
    uint64_t a0 = calls[_i].a0, a1 = calls[_i].a1, a2 = calls[_i].a2;

    ck_assert_uint_eq(ask(filter, number, a0, a1, a2), calls[_i].allowed ? ALLOW : NOTIFY);
    ck_assert_uint_eq(ask(no_udp, number, a0, a1, a2),
                      calls[_i].allowed_without_udp ? ALLOW : NOTIFY);
}
END_TEST

START_TEST(a_function_may_be_allowed_one_call_more)
{
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter = filter_of(0, false, "ptrace");

    ck_assert_uint_eq(ask(filter, SYS_ptrace, 16, 1, 0), ALLOW);
    ck_assert_uint_eq(ask(filter, SYS_bpf, 0, 0, 0), NOTIFY);
}
END_TEST

START_TEST(a_call_that_does_not_exist_cannot_be_allowed)
{
    const char *const allows[] = { "ptraze" };
    struct mr_seccomp_filter_options options = { .notify = true, .allows = allows, .allow_count = 1 };
    struct mr_error err;

    ck_assert_ptr_null(mr_seccomp_filter_new(&options, &err));

    ck_assert_ptr_nonnull(strstr(err.text, "ptraze"));
}
END_TEST

START_TEST(what_nobody_knows_yet_is_told_that_it_does_not_exist)
{
    ck_assert_int_eq(mr_policy_errno(463, NULL, 0, 0), ENOSYS);
    ck_assert_int_eq(mr_policy_errno(425, "io_uring_setup", 0, 0), ENOSYS);
    ck_assert_int_eq(mr_policy_errno(SYS_socket, "socket", AF_PACKET, 0), EAFNOSUPPORT);
    ck_assert_int_eq(mr_policy_errno(SYS_ptrace, "ptrace", 0, 0), EPERM);
}
END_TEST

MR_SUITE("sandbox.filter", MR_TEST(every_number_gets_what_its_name_says),
         MR_TEST(strict_only_takes_away), MR_TEST(a_foreign_architecture_is_killed),
         MR_TEST(no_new_namespace_can_be_cloned),
         MR_TEST_LOOP(arguments_decide_where_a_name_does_not, sizeof(calls) / sizeof(calls[0])),
         MR_TEST(a_function_may_be_allowed_one_call_more),
         MR_TEST(a_call_that_does_not_exist_cannot_be_allowed),
         MR_TEST(what_nobody_knows_yet_is_told_that_it_does_not_exist))
