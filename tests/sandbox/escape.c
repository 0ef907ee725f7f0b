/*
 * escape: what hostile native code would try, by name, from inside.
 *
 * Each attempt runs in a child and prints one line: "contained NAME",
 * "ESCAPED NAME: how" or "skipped NAME: why". Being killed for it counts as
 * contained. ESCAPE_NETWORK=host and ESCAPE_LEVEL=3 say what is not there to
 * contain some of them; ESCAPE_PORT, ESCAPE_PID and ESCAPE_SOCKET name things
 * of the host to reach for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum need { ANYWHERE, OWN_NETWORK = 1, NAMESPACES = 2, LISTENER = 3 };

static char why[200];

static bool
escaped(const char *how)
{
    snprintf(why, sizeof(why), "%s", how);
    return false;
}

static long
word(const void *pointer)
{
    return (long)(intptr_t)pointer;
}

/* --- system calls that must not work --- */

static char scratch[4096];
static struct iovec piece = { scratch, 16 };
static struct rlimit high = { 1 << 20, 1 << 20 };
static int zero;

struct refused_call {
    const char *name;
    enum need need;
    long number;
    long a, b, c, d, e;
};

static const struct refused_call *
refused_calls(size_t *out_count)
{
    static struct refused_call calls[160];
    size_t n = 0;
#define CALL(...)                      \
    calls[n++] = (struct refused_call) \
    {                                  \
        __VA_ARGS__                    \
    }
    const long root = word("/"), tmp = word("/tmp");
    CALL("mount a tmpfs", 0, SYS_mount, word("none"), tmp, word("tmpfs"), 0, 0);
    CALL("mount proc again", 0, SYS_mount, word("proc"), tmp, word("proc"), 0, 0);
    CALL("bind / to /tmp", 0, SYS_mount, root, tmp, 0, MS_BIND | MS_REC, 0);
    CALL("remount / writable", 0, SYS_mount, 0, root, 0, MS_REMOUNT | MS_BIND, 0);
    CALL("unmount a mask of /proc", 0, SYS_umount2, word("/proc/keys"), MNT_DETACH, 0, 0, 0);
    CALL("unmount /tmp", 0, SYS_umount2, tmp, MNT_DETACH, 0, 0, 0);
    CALL("pivot_root", 0, SYS_pivot_root, tmp, tmp, 0, 0, 0);
    CALL("chroot", 0, SYS_chroot, tmp, 0, 0, 0, 0);
    CALL("fsopen", 0, 430, word("tmpfs"), 0, 0, 0, 0);
    CALL("open_tree clone", 0, 428, AT_FDCWD, root, 1, 0, 0);
    CALL("move_mount", 0, 429, AT_FDCWD, root, AT_FDCWD, tmp, 0);
    CALL("fsmount", 0, 432, 0, 0, 0, 0, 0);
    CALL("fspick", 0, 433, AT_FDCWD, root, 0, 0, 0);
    CALL("mount_setattr", 0, 442, AT_FDCWD, root, 0, word(scratch), 32);
    CALL("unshare a user namespace", 0, SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0);
    CALL("unshare a mount namespace", 0, SYS_unshare, CLONE_NEWNS, 0, 0, 0, 0);
    CALL("unshare a network", 0, SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0);
    CALL("unshare a process namespace", 0, SYS_unshare, CLONE_NEWPID, 0, 0, 0, 0);
    CALL("clone a user namespace", 0, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    CALL("clone a mount namespace", 0, SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
    CALL("clone a network", 0, SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
    CALL("clone3", 0, 435, word(scratch), 64, 0, 0, 0);
    CALL("ptrace init", 0, SYS_ptrace, 16, 1, 0, 0, 0);
    CALL("seize init", 0, SYS_ptrace, 0x4206, 1, 0, 0, 0);
    CALL("ptrace traceme", 0, SYS_ptrace, 0, 0, 0, 0, 0);
    CALL("read init's memory", 0, SYS_process_vm_readv, 1, word(&piece), 1, word(&piece), 1);
    CALL("write init's memory", 0, SYS_process_vm_writev, 1, word(&piece), 1, word(&piece), 1);
    CALL("kcmp with init", 0, SYS_kcmp, 1, getpid(), 0, 0, 0);
    CALL("take a descriptor of init", 0, 438, 0, 0, 0, 0, 0);
    CALL("set limits of init", 0, SYS_prlimit64, 1, RLIMIT_NOFILE, word(&high), 0, 0);
    CALL("process_madvise", 0, 440, 0, word(&piece), 1, 4, 0);
    CALL("process_mrelease", 0, 448, 0, 0, 0, 0, 0);
    CALL("keyctl", 0, SYS_keyctl, 0, -3, 1, 0, 0);
    CALL("add_key", 0, SYS_add_key, word("user"), word("x"), word("y"), 1, -2);
    CALL("request_key", 0, SYS_request_key, word("user"), word("x"), 0, -2, 0);
    CALL("bpf", 0, SYS_bpf, 0, word(scratch), 64, 0, 0);
    CALL("userfaultfd", 0, SYS_userfaultfd, 0, 0, 0, 0, 0);
    CALL("perf_event_open", 0, SYS_perf_event_open, word(scratch), 0, -1, -1, 0);
    CALL("io_uring_setup", 0, 425, 8, word(scratch), 0, 0, 0);
    CALL("io_uring_register", 0, 427, 0, 0, 0, 0, 0);
    CALL("read the kernel's log", 0, SYS_syslog, 3, word(scratch), sizeof(scratch), 0, 0);
    CALL("size of the kernel's log", 0, SYS_syslog, 10, 0, 0, 0, 0);
    CALL("reboot", 0, SYS_reboot, (long)0xfee1dead, 672274793, 0x89abcdef, 0, 0);
    CALL("kexec_load", 0, SYS_kexec_load, 0, 0, 0, 0, 0);
    CALL("kexec_file_load", 0, SYS_kexec_file_load, 0, 0, 0, 0, 0);
    CALL("init_module", 0, SYS_init_module, word(scratch), 16, word(""), 0, 0);
    CALL("finit_module", 0, SYS_finit_module, 0, word(""), 0, 0, 0);
    CALL("delete_module", 0, SYS_delete_module, word("ext4"), 0, 0, 0, 0);
    CALL("swapon", 0, SYS_swapon, tmp, 0, 0, 0, 0);
    CALL("swapoff", 0, SYS_swapoff, tmp, 0, 0, 0, 0);
    CALL("clock_settime", 0, SYS_clock_settime, 0, word(scratch), 0, 0, 0);
    CALL("settimeofday", 0, SYS_settimeofday, word(scratch), 0, 0, 0, 0);
    CALL("adjtimex", 0, SYS_adjtimex, word(scratch), 0, 0, 0, 0);
    CALL("clock_adjtime", 0, SYS_clock_adjtime, 0, word(scratch), 0, 0, 0);
    CALL("sethostname", 0, SYS_sethostname, word("x"), 1, 0, 0, 0);
    CALL("setdomainname", 0, SYS_setdomainname, word("x"), 1, 0, 0, 0);
    CALL("iopl", 0, SYS_iopl, 3, 0, 0, 0, 0);
    CALL("ioperm", 0, SYS_ioperm, 0, 8, 1, 0, 0);
    CALL("acct", 0, SYS_acct, 0, 0, 0, 0, 0);
    CALL("quotactl", 0, SYS_quotactl, 0x80000100, 0, 0, 0, 0);
    CALL("personality without randomness", 0, SYS_personality, 0x40000, 0, 0, 0, 0);
    CALL("modify_ldt", 0, SYS_modify_ldt, 1, word(scratch), 16, 0, 0);
    CALL("migrate_pages", 0, SYS_migrate_pages, 1, 8, word(scratch), word(scratch), 0);
    CALL("move_pages", 0, SYS_move_pages, 1, 0, 0, 0, 0);
    CALL("memfd_secret", 0, 447, 0, 0, 0, 0, 0);
    CALL("lookup_dcookie", 0, SYS_lookup_dcookie, 1, word(scratch), 100, 0, 0);
    CALL("vhangup", 0, SYS_vhangup, 0, 0, 0, 0, 0);
    CALL("statmount", 0, 457, word(scratch), word(scratch), 100, 0, 0);
    CALL("listmount", 0, 458, word(scratch), word(scratch), 10, 0, 0);
    CALL("fanotify_init", 0, SYS_fanotify_init, 0, 0, 0, 0, 0);
    CALL("name_to_handle_at", 0, SYS_name_to_handle_at, AT_FDCWD, tmp, word(scratch),
         word(&zero), 0);
    CALL("open_by_handle_at", 0, SYS_open_by_handle_at, AT_FDCWD, word(scratch), 0, 0, 0);
    CALL("vmsplice", 0, SYS_vmsplice, 1, word(&piece), 1, 0, 0);
    CALL("remap_file_pages", 0, SYS_remap_file_pages, word(scratch), 4096, 0, 0, 0);
    CALL("setuid 0", 0, SYS_setuid, 0, 0, 0, 0, 0);
    CALL("setgid 0", 0, SYS_setgid, 0, 0, 0, 0, 0);
    CALL("setresuid 0", 0, SYS_setresuid, 0, 0, 0, 0, 0);
    CALL("setreuid 0", 0, SYS_setreuid, 0, 0, 0, 0, 0);
    CALL("setgroups", 0, SYS_setgroups, 1, word(&zero), 0, 0, 0);
    CALL("capset", 0, SYS_capset, word(scratch), word(scratch), 0, 0, 0);
    CALL("raise an ambient capability", 0, SYS_prctl, 47, 2, 21, 0, 0);
    CALL("unlock securebits", 0, SYS_prctl, 28, 0, 0, 0, 0);
    CALL("clear no_new_privs", 0, SYS_prctl, 38, 0, 0, 0, 0);
    CALL("raise the limit of descriptors", 0, SYS_setrlimit, RLIMIT_NOFILE, word(&high), 0, 0,
         0);
    CALL("raise the limit of core files", 0, SYS_setrlimit, RLIMIT_CORE, word(&high), 0, 0, 0);
    CALL("a better priority", 0, SYS_setpriority, 0, 0, -10, 0, 0);
    CALL("a real-time priority", 0, SYS_sched_setscheduler, 0, 1, word(&(int){ 5 }), 0, 0);
    CALL("a socket of raw IP", 0, SYS_socket, AF_INET, SOCK_RAW, 1, 0, 0);
    CALL("a socket of packets", 0, SYS_socket, AF_PACKET, SOCK_RAW, 0, 0, 0);
    CALL("a socket to the hypervisor", 0, SYS_socket, 40, SOCK_STREAM, 0, 0, 0);
    CALL("a socket of kernel crypto", 0, SYS_socket, 38, SOCK_SEQPACKET, 0, 0, 0);
    CALL("a socket of bluetooth", 0, SYS_socket, 31, SOCK_RAW, 1, 0, 0);
    CALL("a socket of uevents", 0, SYS_socket, AF_NETLINK, SOCK_RAW, 15, 0, 0);
    CALL("a socket of netfilter", 0, SYS_socket, AF_NETLINK, SOCK_RAW, 12, 0, 0);
    CALL("a socket of audit", 0, SYS_socket, AF_NETLINK, SOCK_RAW, 9, 0, 0);
    CALL("a socket of CAN", 0, SYS_socket, 29, SOCK_RAW, 1, 0, 0);
    CALL("a socket of TIPC", 0, SYS_socket, 30, SOCK_RDM, 0, 0, 0);
    CALL("a socket of XDP", 0, SYS_socket, 44, SOCK_RAW, 0, 0, 0);
    CALL("push a key into the terminal", 0, SYS_ioctl, 0, 0x5412, word("x"), 0, 0);
    CALL("speak to the console", 0, SYS_ioctl, 0, 0x541c, word("\3"), 0, 0);
    CALL("change a line discipline", 0, SYS_ioctl, 0, 0x5423, word(&zero), 0, 0);
    CALL("a character device by mknod", 0, SYS_mknod, word("/tmp/null2"), S_IFCHR | 0666, 0x103,
         0, 0);
    CALL("a block device by mknodat", 0, SYS_mknodat, AT_FDCWD, word("/tmp/vda2"),
         S_IFBLK | 0666, 0xfe00, 0);
    CALL("hard-link a setuid program", 0, SYS_link, word("/usr/bin/su"), word("/tmp/su"), 0, 0,
         0);
    CALL("give a file capabilities", 0, SYS_setxattr, tmp, word("security.capability"),
         word(scratch), 20, 0);
    CALL("own a file of root's", 0, SYS_chown, word("/etc/passwd"), 993, 990, 0, 0);
    CALL("make /tmp setuid root's", 0, SYS_chown, tmp, 0, 0, 0, 0);
#undef CALL
    *out_count = n;
    return calls;
}

/* --- files that must not open --- */

static const struct {
    const char *path;
    int flags;
    enum need need;
} files[] = {
    { "/dev/mem", O_RDONLY, 0 },
    { "/dev/kmem", O_RDONLY, 0 },
    { "/dev/vda", O_RDONLY, 0 },
    { "/dev/sda", O_RDONLY, 0 },
    { "/dev/kvm", O_RDWR, 0 },
    { "/dev/fuse", O_RDWR, 0 },
    { "/dev/net/tun", O_RDWR, 0 },
    { "/dev/tty", O_RDWR, 0 },
    { "/dev/ptmx", O_RDWR, 0 },
    { "/dev/console", O_RDWR, 0 },
    { "/dev/kmsg", O_RDWR, 0 },
    { "/dev/shm/x", O_RDWR | O_CREAT, 0 },
    { "/dev/new", O_RDWR | O_CREAT, 0 },
    { "/proc/1/mem", O_RDWR, 0 },
    { "/proc/1/environ", O_RDONLY, 0 },
    { "/proc/1/maps", O_RDONLY, 0 },
    { "/proc/1/fd", O_RDONLY, 0 },
    { "/proc/1/root/etc", O_RDONLY, 0 },
    { "/proc/1/cwd/etc", O_RDONLY, 0 },
    { "/proc/1/ns/mnt", O_RDONLY, 0 },
    { "/proc/sysrq-trigger", O_WRONLY, 0 },
    { "/proc/sys/kernel/core_pattern", O_WRONLY, 0 },
    { "/proc/sys/kernel/modprobe", O_WRONLY, 0 },
    { "/proc/sys/kernel/hostname", O_WRONLY, 0 },
    { "/proc/sys/net/ipv4/ip_forward", O_WRONLY, 0 },
    { "/proc/sys/vm/drop_caches", O_WRONLY, 0 },
    { "/proc/irq/default_smp_affinity", O_WRONLY, 0 },
    { "/sys/kernel/uevent_helper", O_WRONLY, 0 },
    { "/sys/fs/cgroup/cgroup.procs", O_WRONLY, 0 },
    { "/sys", O_RDONLY, 0 },
    { "/sys/fs/cgroup", O_RDONLY, 0 },
    { "/sys/kernel/debug", O_RDONLY, 0 },
    { "/root", O_RDONLY, 0 },
    { "/home", O_RDONLY, 0 },
    { "/run", O_RDONLY, 0 },
    { "/var/log", O_RDONLY, 0 },
    { "/var/lib", O_RDONLY, 0 },
    { "/run/docker.sock", O_RDONLY, 0 },
    { "/etc/shadow", O_RDONLY, 0 },
    { "/etc/sudoers", O_RDONLY, 0 },
    { "/etc/ssh/sshd_config", O_RDONLY, NAMESPACES },
    { "/etc/machine-id", O_RDONLY, NAMESPACES },
    { "/etc/ssl/private", O_RDONLY, 0 },
    { "/etc/passwd", O_WRONLY, 0 },
    { "/etc/ld.so.preload", O_WRONLY | O_CREAT, 0 },
    { "/usr/bin/x", O_WRONLY | O_CREAT, 0 },
    { "/usr/bin/env", O_WRONLY, 0 },
    { "/var/task/x", O_WRONLY | O_CREAT, 0 },
    { "/opt/x", O_WRONLY | O_CREAT, 0 },
    { "/x", O_WRONLY | O_CREAT, 0 },
    { "/proc/self/exe", O_WRONLY, 0 },
    { "../../../../../../../../../../../../../../../../../../../../root/.profile", O_RDONLY,
      0 },
    { "/proc/self/cwd/../../root/.bashrc", O_RDONLY, 0 },
    { "/proc/self/root/root", O_RDONLY, 0 },
};

/* Files of the kernel's that may open, and then say nothing. */
static const char *const silent[] = {
    "/proc/kmsg",      "/proc/kallsyms",   "/proc/keys",       "/proc/kcore",
    "/proc/cmdline",   "/proc/timer_list", "/proc/slabinfo",   "/proc/vmallocinfo",
    "/proc/config.gz", "/proc/key-users",  "/proc/interrupts", "/proc/kpagecount"
};

static bool
is_possible(enum need need)
{
    const char *network = getenv("ESCAPE_NETWORK"), *level = getenv("ESCAPE_LEVEL");
    bool host = network != NULL && strcmp(network, "host") == 0;
    bool bare = level != NULL && strcmp(level, "3") == 0;

    if (need == LISTENER && getenv("ESCAPE_NO_LISTENER") != NULL) {
        return false;
    }
    return !(need == OWN_NETWORK && host) && !(need == NAMESPACES && bare);
}

/* --- what takes more than one call --- */

static bool
setns_is_refused(void)
{
    static const char *const names[] = { "user", "mnt", "net", "pid", "uts", "ipc", "cgroup" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && syscall(SYS_setns, fd, 0) == 0) {
            return escaped(path);
        }
    }
    return true;
}

static bool
init_survives_signals(void)
{
    long pidfd = syscall(SYS_pidfd_open, 1, 0);

    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    kill(1, SIGTERM);
    if (pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    }
    return kill(1, 0) == 0 || errno == EPERM || errno == ESRCH;
}

static bool
host_processes_cannot_be_signalled(void)
{
    const char *pid = getenv("ESCAPE_PID");

    return pid == NULL || kill(atoi(pid), 0) < 0 ? true
                                                 : escaped("a host process took a signal");
}

static bool
only_own_processes_are_seen(void)
{
    DIR *dir = opendir("/proc");
    int count = 0;

    for (struct dirent *e = dir ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        count += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    }
    return count <= 4 ? true : escaped("others' processes are listed");
}

static bool
setuid_programs_give_nothing(void)
{
    struct stat stat;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execl("/usr/bin/su", "su", "-c", "id -u", NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    bool refused = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    return refused && (lstat("/usr/bin/su", &stat) < 0 || geteuid() != 0)
               ? true
               : escaped("su worked");
}

static bool
symlinks_lead_nowhere(void)
{
    unlink("/tmp/link");
    if (symlink("/etc/shadow", "/tmp/link") < 0 || open("/tmp/link", O_RDONLY) < 0) {
        return true;
    }
    return escaped("/etc/shadow was read through a link");
}

static bool
is_unreachable(uint32_t address, uint16_t port, int type)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, type, 0);

    to.sin_addr.s_addr = htonl(address);
    if (fd < 0) {
        return true;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    int rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
    if (rc < 0 && errno != EINPROGRESS) {
        return true;
    }
    if (type == SOCK_DGRAM && send(fd, "x", 1, 0) < 0) {
        return true;
    }
    return escaped("there was a route");
}

static bool
metadata_service_is_unreachable(void)
{
    return is_unreachable(0xa9fea9fe, 80, SOCK_STREAM);
}

static bool
metadata_service_is_unreachable_by_udp(void)
{
    return is_unreachable(0xa9fea9fe, 53, SOCK_DGRAM);
}

static bool
private_network_is_unreachable(void)
{
    return is_unreachable(0x0a000001, 22, SOCK_STREAM);
}

static bool
internet_is_unreachable(void)
{
    return is_unreachable(0x01010101, 443, SOCK_STREAM);
}

static bool
name_server_is_unreachable(void)
{
    return is_unreachable(0x08080808, 53, SOCK_DGRAM);
}

static bool
host_loopback_is_unreachable(void)
{
    const char *port = getenv("ESCAPE_PORT");
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(port == NULL ? "1" : port));
    return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0
               ? true
               : escaped("connected to the host's loopback");
}

static bool
host_abstract_socket_is_unreachable(void)
{
    const char *name = getenv("ESCAPE_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s", name == NULL ? "none" : name);
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(to.sun_path + 1));
    return connect(fd, (struct sockaddr *)&to, size) < 0
               ? true
               : escaped("connected to the host's socket");
}

static bool
loopback_cannot_be_taken_down(void)
{
    struct {
        char name[16];
        short flags;
        char rest[24];
    } request = { .name = "lo" };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd < 0 || ioctl(fd, 0x8914, &request) < 0 ? true : escaped("lo is down");
}

static bool
second_listener_is_refused(void)
{
    struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
    struct sock_fprog program = { 1, code };

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                   &program) < 0
               ? true
               : escaped("a second listener");
}

static bool
x32_calls_kill(void)
{
    long pid = syscall(0x40000000 | SYS_getpid);

    return pid < 0 ? true : escaped("x32 works");
}

static bool
i386_calls_kill(void)
{
#ifdef __x86_64__
    int result = 20; /* getpid */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? true : escaped("int 0x80 works");
#else
    return true;
#endif
}

static bool
tmp_has_an_end(void)
{
    static char block[1 << 20];
    uint64_t written = 0;

    for (int i = 0; i < 64; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/tmp/fill-%d", i);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        while (fd >= 0 && written < 256u << 20) {
            ssize_t got = write(fd, block, sizeof(block));
            if (got <= 0) {
                break;
            }
            written += (uint64_t)got;
        }
        close(fd);
    }
    for (int i = 0; i < 64; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/tmp/fill-%d", i);
        unlink(path);
    }
    return written <= 64u << 20 ? true : escaped("more than 64 MB fit");
}

static bool
inodes_have_an_end(void)
{
    char path[32];
    int i = 0;

    mkdir("/tmp/inodes", 0700);
    for (; i < 40000; i++) {
        snprintf(path, sizeof(path), "/tmp/inodes/%d", i);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) {
            break;
        }
        close(fd);
    }
    for (int k = 0; k < i; k++) {
        snprintf(path, sizeof(path), "/tmp/inodes/%d", k);
        unlink(path);
    }
    return i < 40000 ? true : escaped("40000 files fit");
}

static bool
descriptors_have_an_end(void)
{
    int count = 0;

    while (count < 5000 && dup(0) >= 0) {
        count++;
    }
    return count <= 1024 ? true : escaped("5000 descriptors");
}

static bool
huge_files_are_refused(void)
{
    int fd = open("/tmp/huge", O_RDWR | O_CREAT, 0600);

    signal(SIGXFSZ, SIG_IGN);
    bool refused =
        fd < 0 || (ftruncate(fd, 1LL << 40) < 0 && fallocate(fd, 0, 0, 1LL << 40) < 0);
    unlink("/tmp/huge");
    return refused ? true : escaped("a terabyte");
}

static bool
memory_cannot_be_locked(void)
{
    size_t size = 16u << 20;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mlock(memory, size) < 0 ? true : escaped("16 MB are locked");
}

static bool
no_descriptor_leaked(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            return escaped("a descriptor nobody gave");
        }
    }
    return true;
}

static bool
standard_streams_are_pipes(void)
{
    struct stat stat;

    for (int fd = 1; fd < 3; fd++) {
        if (fstat(fd, &stat) < 0 || !S_ISFIFO(stat.st_mode)) {
            return escaped("a stream that is no pipe");
        }
    }
    return !isatty(0) ? true : escaped("a terminal");
}

static bool
variables_are_only_those_given(void)
{
    extern char **environ;

    for (char **v = environ; *v != NULL; v++) {
        if (strncmp(*v, "ESCAPE_", 7) != 0 && strncmp(*v, "TMPDIR=", 7) != 0 &&
            strncmp(*v, "LAMBDA_TASK_ROOT=", 17) != 0) {
            return escaped(*v);
        }
    }
    return true;
}

static bool
init_has_no_secrets_on_its_stack(void)
{
    int fd = open("/proc/1/auxv", O_RDONLY);

    return fd < 0 || read(fd, scratch, 16) <= 0 ? true : escaped("init's auxv was read");
}

static bool
dumps_of_memory_are_off(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_max == 0 ? true : escaped("core files are possible");
}

static bool
there_is_no_capability(void)
{
    char text[4096] = "";
    int fd = open("/proc/self/status", O_RDONLY);

    (void)!read(fd, text, sizeof(text) - 1);
    bool none = strstr(text, "CapEff:\t0000000000000000") != NULL &&
                strstr(text, "CapPrm:\t0000000000000000") != NULL &&
                strstr(text, "CapInh:\t0000000000000000") != NULL &&
                strstr(text, "NoNewPrivs:\t1") != NULL;
    /* An ordinary user without a namespace cannot empty the set that no_new_privs closes. */
    bool bounded =
        strstr(text, "CapBnd:\t0000000000000000") != NULL || !is_possible(NAMESPACES);
    return none && bounded ? true : escaped("a capability is left");
}

static bool
file_handles_of_others_stay_shut(void)
{
    int fd = open("/proc/self/fd/../../1/fd/3", O_RDONLY);

    return fd < 0 ? true : escaped("a descriptor of init's");
}

static bool
maps_of_ids_stay(void)
{
    static const char *const maps[] = { "/proc/self/uid_map", "/proc/self/gid_map",
                                        "/proc/self/setgroups" };

    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        int fd = open(maps[i], O_WRONLY);
        if (fd >= 0 && write(fd, i == 2 ? "allow" : "0 0 1", 5) > 0) {
            return escaped(maps[i]);
        }
    }
    return true;
}

static bool
preloading_into_setuid_is_useless(void)
{
    return access("/etc/ld.so.preload", W_OK) < 0 ? true : escaped("ld.so.preload");
}

static const struct {
    const char *name;
    bool (*attempt)(void);
    enum need need;
} plays[] = {
    { "setns into any namespace", setns_is_refused, 0 },
    { "kill, stop and pidfd-kill init", init_survives_signals, NAMESPACES },
    { "signal a process of the host", host_processes_cannot_be_signalled, 0 },
    { "see others' processes", only_own_processes_are_seen, NAMESPACES },
    { "become root through su", setuid_programs_give_nothing, 0 },
    { "read shadow through a link", symlinks_lead_nowhere, 0 },
    { "reach the metadata service", metadata_service_is_unreachable, OWN_NETWORK },
    { "reach the metadata service by UDP", metadata_service_is_unreachable_by_udp,
      OWN_NETWORK },
    { "reach a private network", private_network_is_unreachable, OWN_NETWORK },
    { "reach the internet", internet_is_unreachable, OWN_NETWORK },
    { "ask a name server", name_server_is_unreachable, OWN_NETWORK },
    { "connect to the host's loopback", host_loopback_is_unreachable, OWN_NETWORK },
    { "connect to an abstract socket of the host", host_abstract_socket_is_unreachable, 0 },
    { "take the loopback down", loopback_cannot_be_taken_down, 0 },
    { "install a second seccomp listener", second_listener_is_refused, LISTENER },
    { "make x32 calls", x32_calls_kill, 0 },
    { "make i386 calls", i386_calls_kill, 0 },
    { "fill the disk", tmp_has_an_end, NAMESPACES },
    { "use up inodes", inodes_have_an_end, NAMESPACES },
    { "use up descriptors", descriptors_have_an_end, 0 },
    { "make a file of a terabyte", huge_files_are_refused, 0 },
    { "lock 16 MB", memory_cannot_be_locked, 0 },
    { "find a leaked descriptor", no_descriptor_leaked, 0 },
    { "find a terminal", standard_streams_are_pipes, 0 },
    { "find a leaked variable", variables_are_only_those_given, 0 },
    { "read init's auxv", init_has_no_secrets_on_its_stack, 0 },
    { "dump core", dumps_of_memory_are_off, 0 },
    { "use a capability", there_is_no_capability, 0 },
    { "open a descriptor of init's", file_handles_of_others_stay_shut, 0 },
    { "map itself to root", maps_of_ids_stay, 0 },
    { "preload into setuid programs", preloading_into_setuid_is_useless, 0 },
};

/* --- running them --- */

static int failures;

/* In a child, so that one that is killed, or that works, does not spoil the next. */
static void
run(const char *name, enum need need, bool (*attempt)(const void *), const void *argument)
{
    int status = 0;

    if (!is_possible(need)) {
        printf("skipped %s: not in this mode\n", name);
        return;
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        bool held = attempt(argument);
        if (!held) {
            printf("ESCAPED %s: %s\n", name, why);
            fflush(stdout);
        }
        _exit(held ? 0 : 1);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
        failures++;
    } else {
        printf("contained %s\n", name);
    }
}

static bool
try_call(const void *argument)
{
    const struct refused_call *call = argument;
    long rc = syscall(call->number, call->a, call->b, call->c, call->d, call->e, 0);

    if (rc == 0 && call->number == SYS_clone) {
        _exit(1); /* we are the child in a namespace of its own */
    }
    return rc < 0 ? true : escaped("the call worked");
}

static bool
try_open(const void *argument)
{
    size_t i = *(const size_t *)argument;

    return open(files[i].path, files[i].flags | O_NONBLOCK, 0600) < 0 ? true
                                                                      : escaped("it opened");
}

static bool
try_read(const void *argument)
{
    const char *path = argument;
    int fd = open(path, O_RDONLY | O_NONBLOCK);

    return fd < 0 || read(fd, scratch, sizeof(scratch)) <= 0 ? true : escaped("it speaks");
}

static bool
try_play(const void *argument)
{
    return plays[*(const size_t *)argument].attempt();
}

int
main(void)
{
    size_t count;
    const struct refused_call *calls = refused_calls(&count);
    char name[160];

    for (size_t i = 0; i < count; i++) {
        run(calls[i].name, calls[i].need, try_call, &calls[i]);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(name, sizeof(name), "open %s%s", files[i].path,
                 (files[i].flags & O_ACCMODE) == O_RDONLY ? "" : " for writing");
        run(name, files[i].need, try_open, &i);
    }
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        snprintf(name, sizeof(name), "read %s", silent[i]);
        run(name, NAMESPACES, try_read, silent[i]);
    }
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        run(plays[i].name, plays[i].need, try_play, &i);
    }
    printf("%d escaped\n", failures);
    return failures == 0 ? 0 : 1;
}
