#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/harden.h"
#include "base/landlock.h"
#include "tests/suite.h"

static char directory[] = "/tmp/millrace-harden-XXXXXX"; /* each test makes it anew */

static void
make_directory(void)
{
    strcpy(directory, "/tmp/millrace-harden-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* Each play runs in a child, hardened; its result is the child's status. */
static int
hardened(bool may_exec, int (*play)(void))
{
    int status = 0;

    pid_t pid = fork();
    if (pid == 0) {
        const char *const readable[] = { "/usr", "/lib", "/lib64", "/etc/hostname", NULL };
        const char *const writable[] = { directory, NULL };
        const struct mr_harden harden = { .read_paths = readable,
                                          .write_paths = writable,
                                          .may_exec = may_exec };
        int took = mr_harden_process(&harden, NULL);
        _exit(took < 0 ? 100 : play());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
write_own_file(void)
{
    char path[64];

    strcpy(path, directory);
    strcat(path, "/file");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && unlink(path) == 0 ? 0 : 1;
}

static int
read_others_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 0 : 1;
}

static int
write_readable_file(void)
{
    int fd = open("/etc/hostname", O_RDONLY);

    return fd >= 0 && open("/etc/hostname", O_WRONLY) < 0 ? 0 : 1;
}

static int
change_the_host(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL) < 0 && unshare(CLONE_NEWUSER) < 0 &&
                   ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0
               ? 0
               : 1;
}

static void *
nothing(void *context)
{
    return context;
}

static int
start_a_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0
               ? 0
               : 1;
}

static int
start_a_program(void)
{
    execl("/usr/bin/true", "true", NULL);
    return errno == EPERM ? 42 : 43;
}

/* The same for the one call our daemons make. */
static int
hardened_daemon(const char *dir, int (*play)(void))
{
    int status = 0;

    pid_t pid = fork();
    if (pid == 0) {
        char took[160];
        const struct mr_harden_daemon daemon = { .data_dir = dir };
        _exit(mr_harden_daemon(&daemon, took, sizeof(took), NULL) < 0 ? 100 : play());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int
look_around(void)
{
    int fd = open("/tmp/millrace-not-mine", O_RDWR | O_CREAT, 0600);

    return fd < 0 && open("/etc/shadow", O_RDONLY) < 0 && open("/proc/1/environ", O_RDONLY) < 0 &&
                   open("/etc/hosts", O_RDONLY) >= 0 && open("/dev/null", O_RDWR) >= 0
               ? 0
               : 1;
}

static int
who_am_i(void)
{
    return geteuid() == 12345 && getegid() == 12345 && setuid(0) < 0 ? write_own_file() : 1;
}

START_TEST(a_daemon_of_ours_has_its_directory_and_what_the_system_shows_everybody)
{
    make_directory();

    ck_assert_int_eq(hardened_daemon(directory, write_own_file), 0);
    ck_assert_int_eq(hardened_daemon(directory, start_a_thread), 0);
    ck_assert_int_eq(hardened_daemon(directory, start_a_program), 42);
    ck_assert_int_eq(hardened_daemon(directory, change_the_host), 0);
    if (mr_landlock_abi() > 0) {
        ck_assert_int_eq(hardened_daemon(directory, look_around), 0);
    }
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(directory, 12345, 12345), 0);
        ck_assert_int_eq(hardened_daemon(directory, who_am_i), 0);
    }

    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_hardened_daemon_keeps_its_own_directory_and_threads)
{
    make_directory();

    ck_assert_int_eq(hardened(false, write_own_file), 0);
    ck_assert_int_eq(hardened(false, start_a_thread), 0);

    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_hardened_daemon_reads_nothing_else_and_changes_no_host)
{
    if (mr_landlock_abi() > 0) {
        ck_assert_int_eq(hardened(false, write_readable_file), 0);
        ck_assert_int_eq(hardened(false, read_others_file), 0);
    }
    ck_assert_int_eq(hardened(false, change_the_host), 0);
}
END_TEST

START_TEST(a_hardened_daemon_starts_programs_only_when_it_said_so)
{
    ck_assert_int_eq(hardened(false, start_a_program), 42);
    ck_assert_int_eq(hardened(true, start_a_program), 0);
}
END_TEST

MR_SUITE("base.harden",
         MR_TEST(a_daemon_of_ours_has_its_directory_and_what_the_system_shows_everybody),
         MR_TEST(a_hardened_daemon_keeps_its_own_directory_and_threads),
         MR_TEST(a_hardened_daemon_reads_nothing_else_and_changes_no_host),
         MR_TEST(a_hardened_daemon_starts_programs_only_when_it_said_so))
