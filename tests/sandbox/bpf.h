/* bpf: runs a classic BPF program on one system call, as the kernel would. For tests. */
#ifndef MR_TESTS_SANDBOX_BPF_H
#define MR_TESTS_SANDBOX_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

/* The program's verdict (SECCOMP_RET_*). An instruction we do not know fails the test. */
uint32_t bpf_run(const struct sock_filter *code, unsigned length,
                 const struct seccomp_data *call);

#endif
