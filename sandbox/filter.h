/*
 * filter: the system call policy as a program for the kernel.
 *
 * Made with libseccomp once and kept as plain BPF instructions: a child loads
 * them with one raw seccomp(2), which costs a tenth of building them again and
 * needs no library. Rules compare for equality, whole or under a 32-bit mask,
 * and nothing else.
 */
#ifndef MR_SANDBOX_FILTER_H
#define MR_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"
#include "sandbox/protocol.h"

struct mr_seccomp_filter {
    struct sock_filter *code; /* ours */
    unsigned short length;
};

struct mr_seccomp_filter_options {
    enum mr_sandbox_profile profile;
    bool notify; /* refused calls ask the daemon; else EPERM and the audit log */
    bool no_udp; /* no datagrams to the network: there is no namespace around it */
    const char *const *allows; /* added to the profile */
    size_t allow_count;
};

/* -EINVAL with a sentence when an added call has no such name on this machine. */
struct mr_seccomp_filter *mr_seccomp_filter_new(const struct mr_seccomp_filter_options *options,
                                                struct mr_error *err);
void mr_seccomp_filter_free(struct mr_seccomp_filter *filter);
MR_AUTO_DEFINE(struct mr_seccomp_filter, mr_seccomp_filter_free)

/* The name of a system call of this machine; NULL when it has none. Valid for ever. */
const char *mr_seccomp_filter_call_name(int number);

#endif
