#include "base/harden.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/landlock.h"

enum { MAX_PATHS = 60, MAX_OWN_PATHS = 12, MAX_CODE = 160, NEW_NAMESPACES = 0x7E020000 };

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "base/harden.c: name this machine's AUDIT_ARCH"
#endif

/* No daemon of ours that faces the network has business with these. */
static const unsigned refused[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    438 /* pidfd_getfd */,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    428,
    429,
    430,
    431,
    432,
    433,
    442 /* the new mount calls */,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_syslog,
    SYS_vhangup,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    SYS_personality,
    SYS_migrate_pages,
    SYS_move_pages,
#if defined(__x86_64__)
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
#endif
};

/* Told that the kernel has none, so that a library does it another way. */
static const unsigned absent[] = { 425, 426, 427 /* io_uring */, 435 /* clone3 */ };

/* --- the filter --- */

struct program {
    struct sock_filter code[MAX_CODE];
    unsigned short length;
};

static void
emit(struct program *program, struct sock_filter instruction)
{
    program->code[program->length++] = instruction;
}

static void
answer_call(struct program *program, unsigned number, unsigned code)
{
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code));
}

static void
write_program(struct program *program, bool may_exec)
{
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, arch)));
    emit(program,
         (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, nr)));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        answer_call(program, refused[i], EPERM);
    }
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        answer_call(program, absent[i], ENOSYS);
    }
    if (!may_exec) {
        answer_call(program, SYS_execve, EPERM);
        answer_call(program, SYS_execveat, EPERM);
    }
    /* clone, unless it makes a namespace. */
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, args)));
    emit(program,
         (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static int
refuse_calls(bool may_exec, struct mr_error *err)
{
    struct program program = { .length = 0 };

    write_program(&program, may_exec);
    struct sock_fprog filter = { program.length, program.code };
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0) {
        return MR_HARDENED_CALLS;
    }
    return errno == EINVAL
               ? 0
               : mr_fail(err, -errno, "load our system call filter: %s", strerror(errno));
}

/* --- files --- */

static int
fence_files(const struct mr_harden *harden, struct mr_error *err)
{
    struct mr_landlock_path_rule rules[MAX_PATHS + 1] = { { NULL, false } };
    struct mr_landlock_rules fence = { .abi = mr_landlock_abi(), .paths = rules };
    const char *const *lists[] = { harden->read_paths, harden->write_paths };
    size_t count = 0;

    if (fence.abi == 0 || (lists[0] == NULL && lists[1] == NULL)) {
        return 0;
    }
    for (size_t list = 0; list < 2; list++) {
        for (size_t i = 0; lists[list] != NULL && lists[list][i] != NULL; i++) {
            if (count == MAX_PATHS) {
                return mr_fail(err, -E2BIG, "more than %d paths to keep open", MAX_PATHS);
            }
            rules[count++] = (struct mr_landlock_path_rule){ lists[list][i], list == 1 };
        }
    }
    int rc = mr_landlock_enter_files(&fence);
    return rc < 0 ? mr_fail(err, rc, "fence our files with Landlock: %s", strerror(-rc))
                  : MR_HARDENED_FILES;
}

/* --- rights --- */

static int
drop_rights(const struct mr_harden *harden, struct mr_error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
    int done = 0;

    if (harden->uid != 0 && geteuid() == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(harden->gid, harden->gid, harden->gid) < 0 ||
            setresuid(harden->uid, harden->uid, harden->uid) < 0) {
            return mr_fail(err, -errno, "become user %u: %s", harden->uid, strerror(errno));
        }
        done = MR_HARDENED_USER;
    }
    if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        return mr_fail(err, -errno, "give up our rights: %s", strerror(errno));
    }
    return done;
}

int
mr_harden_process(const struct mr_harden *harden, struct mr_error *err)
{
    int user = drop_rights(harden, err);
    int files = user < 0 ? user : fence_files(harden, err);
    int calls = files < 0 ? files : refuse_calls(harden->may_exec, err);

    return calls < 0 ? calls : user | files | calls;
}

/* --- the usual daemon --- */

/* Libraries, certificates, names, time zones. Not /etc itself: root reads its shadow there. */
static const char *const system_paths[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/ld.so.cache",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
};
static const char null_device[] = "/dev/null";

static size_t
add_paths(const char **list, size_t count, size_t most, const char *const *more)
{
    for (size_t i = 0; more != NULL && more[i] != NULL && i < most; i++) {
        list[count++] = more[i];
    }
    return count;
}

static void
describe(int took, uid_t uid, char *out_text, size_t capacity)
{
    char user[64] = "";

    if ((took & MR_HARDENED_USER) != 0) {
        snprintf(user, sizeof(user), ", as user %u", (unsigned)uid);
    }
    snprintf(out_text, capacity, "no capabilities%s, %s, %s", user,
             (took & MR_HARDENED_FILES) != 0 ? "own files only (Landlock)"
                                             : "ALL FILES (no Landlock here)",
             (took & MR_HARDENED_CALLS) != 0 ? "system calls filtered (seccomp)"
                                             : "ALL SYSTEM CALLS (no seccomp here)");
}

int
mr_harden_daemon(const struct mr_harden_daemon *daemon, char *out_text, size_t capacity,
                 struct mr_error *err)
{
    const size_t system_count = sizeof(system_paths) / sizeof(system_paths[0]);
    const char *reads[sizeof(system_paths) / sizeof(system_paths[0]) + MAX_OWN_PATHS + 1] = {
        NULL
    };
    const char *writes[MAX_OWN_PATHS + 3] = { daemon->data_dir, null_device };
    struct stat stat_of_data;

    if (stat(daemon->data_dir, &stat_of_data) < 0) {
        return mr_fail(err, -errno, "data directory %s: %s", daemon->data_dir, strerror(errno));
    }
    memcpy(reads, system_paths, sizeof(system_paths));
    add_paths(reads, system_count, MAX_OWN_PATHS, daemon->read_paths);
    add_paths(writes, 2, MAX_OWN_PATHS, daemon->write_paths);
    const struct mr_harden harden = { .read_paths = reads,
                                      .write_paths = writes,
                                      .uid = stat_of_data.st_uid,
                                      .gid = stat_of_data.st_gid,
                                      .may_exec = daemon->may_exec };
    int took = mr_harden_process(&harden, err);
    if (took >= 0) {
        describe(took, stat_of_data.st_uid, out_text, capacity);
    }
    return took;
}

int
mr_harden_give(const char *path, const char *data_dir, struct mr_error *err)
{
    struct stat data;

    if (geteuid() != 0) {
        return 0;
    }
    if (stat(data_dir, &data) < 0 || lchown(path, data.st_uid, data.st_gid) < 0) {
        return mr_fail(err, -errno, "give %s to the owner of %s: %s", path, data_dir,
                       strerror(errno));
    }
    return 0;
}
