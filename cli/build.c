#include "cli/build.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { TREE_DEPTH = 32, SHOWN_BYTES = 64 * 1024, LOOK_MS = 2 };

/* ---- files ---- */

int
mr_make_directories(const char *path, struct mr_error *err)
{
    mr_auto_free char *copy = mr_strdup(path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            return mr_fail(err, -errno, "make directory %s: %s", copy, strerror(errno));
        }
        *at = end;
        if (end == '\0') {
            return 0;
        }
    }
}

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

int
mr_tree_remove(const char *path, struct mr_error *err)
{
    struct stat stat;
    if (lstat(path, &stat) < 0 && errno == ENOENT) {
        return 0;
    }
    if (nftw(path, remove_one, TREE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0) {
        return mr_fail(err, -errno, "remove %s: %s", path, strerror(errno));
    }
    return 0;
}

static bool
is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- make ---- */

/* The SDK of the source tree this program was built in, or of the installed package; NULL. */
static char *
find_sdk(void)
{
    static const char *const places[] = { "/../../../handlers/sdk", "/../share/millrace/sdk" };
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (size <= 0) {
        return NULL;
    }
    own[size] = '\0';
    *strrchr(own, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        mr_auto_free char *path = mr_format("%s%s/include/millrace/handler.h", own, places[i]);
        if (access(path, R_OK) == 0) {
            mr_auto_free char *sdk = mr_format("%s%s", own, places[i]);
            return realpath(sdk, NULL);
        }
    }
    return NULL;
}

static void
become_make(const char *directory, const char *target, const char *artifacts, int log_fd)
{
    mr_auto_free char *sdk = find_sdk();
    if (sdk != NULL) {
        setenv("MILLRACE_SDK", sdk, 0);
    }
    setenv("ARTIFACTS_DIR", artifacts, 1);
    signal(SIGPIPE, SIG_DFL);
    umask(022);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, 0);
    dup2(log_fd, 1);
    dup2(log_fd, 2);
    execlp("make", "make", "--no-print-directory", "-C", directory, target, (char *)NULL);
    dprintf(2, "make: %s; install it with: apt-get install make\n", strerror(errno));
    _exit(127);
}

static int
wait_for(pid_t pid, const volatile bool *given_up)
{
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (given_up != NULL && *given_up) {
            kill(pid, SIGTERM);
            waitpid(pid, &status, 0);
            return -EINTR;
        }
        struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
        nanosleep(&pause, NULL);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
show_log(int log_fd)
{
    char text[4096];
    ssize_t got;
    off_t size = lseek(log_fd, 0, SEEK_END);
    lseek(log_fd, size > SHOWN_BYTES ? size - SHOWN_BYTES : 0, SEEK_SET);
    while ((got = read(log_fd, text, sizeof(text))) > 0) {
        fwrite(text, 1, (size_t)got, stderr);
    }
}

static int
run_make(const struct mr_build *build, const struct mr_template_function *function,
         const char *artifacts, struct mr_error *err)
{
    mr_auto_free char *log_directory = mr_format("%s/log", build->data);
    mr_auto_free char *log_path =
        mr_format("%s/build-%s.log", log_directory, function->logical_id);
    mr_auto_free char *target = mr_format("build-%s", function->logical_id);
    if (mr_make_directories(log_directory, err) < 0) {
        return err->code;
    }
    mr_auto_fd int log_fd = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log_fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", log_path, strerror(errno));
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        return mr_fail(err, -errno, "start make: %s", strerror(errno));
    }
    if (pid == 0) {
        become_make(function->code_path, target, artifacts, log_fd);
    }
    int code = wait_for(pid, build->given_up);
    if (code == -EINTR) {
        return mr_fail(err, -EINTR, "interrupted");
    }
    if (code != 0) {
        mr_say_status(build->say, "");
        show_log(log_fd);
        return mr_fail(err, -ENOEXEC, "%s: `make %s` in %s failed with exit code %d",
                       function->logical_id, target, function->code_path, code);
    }
    return 0;
}

/* New code in the place of the old, which stays beside it for who still runs it. */
static int
put_in_place(const char *fresh, const char *place, struct mr_error *err)
{
    mr_auto_free char *old = mr_format("%s.old", place);
    if (mr_tree_remove(old, err) < 0) {
        return err->code;
    }
    if (rename(place, old) < 0 && errno != ENOENT) {
        return mr_fail(err, -errno, "rename %s: %s", place, strerror(errno));
    }
    if (rename(fresh, place) < 0) {
        return mr_fail(err, -errno, "rename %s: %s", fresh, strerror(errno));
    }
    return 0;
}

static bool
wants_bootstrap(const struct mr_template_function *function)
{
    return function->runtime == NULL || strncmp(function->runtime, "provided", 8) == 0;
}

static int
check_bootstrap(const struct mr_template_function *function, const char *code,
                struct mr_error *err)
{
    mr_auto_free char *bootstrap = mr_format("%s/bootstrap", code);
    mr_auto_free char *shared_object =
        function->handler == NULL
            ? NULL
            : mr_format("%s/%.*s", code, (int)strcspn(function->handler, ":"),
                        function->handler);
    if (!wants_bootstrap(function) || access(bootstrap, X_OK) == 0 ||
        (shared_object != NULL && strstr(shared_object, ".so") != NULL &&
         access(shared_object, R_OK) == 0)) {
        return 0;
    }
    if (function->build_method != NULL) {
        return mr_fail(
            err, -ENOEXEC,
            "%s: `make build-%s` left no executable \"bootstrap\" in $(ARTIFACTS_DIR)",
            function->logical_id, function->logical_id);
    }
    return mr_fail(err, -ENOEXEC,
                   "%s: there is no executable \"bootstrap\" in %s; build it there, or let us: "
                   "`Metadata: { BuildMethod: makefile }` and a target build-%s",
                   function->logical_id, code, function->logical_id);
}

static void
say_built(const struct mr_build *build, const struct mr_template_function *function,
          const char *code, const char *how, double seconds)
{
    struct stat info;
    char size[16];
    mr_auto_free char *bootstrap = mr_format("%s/bootstrap", code);
    bool has_bootstrap = stat(bootstrap, &info) == 0 && S_ISREG(info.st_mode);
    mr_say_begin(build->say, "build");
    mr_say_text(build->say, "%-16s %-28s %5.2f s", function->logical_id, how, seconds);
    mr_say_str(build->say, "function", function->logical_id);
    mr_say_str(build->say, "how", how);
    mr_say_seconds(build->say, "seconds", seconds);
    mr_say_str(build->say, "code", code);
    if (has_bootstrap) {
        mr_say_text(build->say, "   bootstrap %s", mr_bytes_text((uint64_t)info.st_size, size));
        mr_say_number(build->say, "bootstrap_bytes", info.st_size);
    }
    mr_say_end(build->say);
}

static int
build_by_make(const struct mr_build *build, const struct mr_template_function *function,
              char **out_code, struct mr_error *err)
{
    uint64_t begun_us = mr_clock_now_us(mr_clock_system());
    mr_auto_free char *place = mr_format("%s/build/%s", build->data, function->logical_id);
    mr_auto_free char *fresh = mr_format("%s.new", place);
    mr_auto_free char *how = mr_format("make build-%s", function->logical_id);
    mr_auto_free char *status = mr_format("build   %s  %s ...", function->logical_id, how);
    if (!is_directory(function->code_path)) {
        return mr_fail(err, -ENOEXEC, "%s: its CodeUri %s is not a directory with a Makefile",
                       function->logical_id, function->code_path);
    }
    if (mr_tree_remove(fresh, err) < 0 || mr_make_directories(fresh, err) < 0) {
        return err->code;
    }
    mr_say_status(build->say, status);
    if (run_make(build, function, fresh, err) < 0 ||
        check_bootstrap(function, fresh, err) < 0) {
        return err->code;
    }
    if (chmod(fresh, 0755) < 0) { /* a handler runs as another user */
        return mr_fail(err, -errno, "open %s to its handler: %s", fresh, strerror(errno));
    }
    if (put_in_place(fresh, place, err) < 0) {
        return err->code;
    }
    say_built(build, function, place, how,
              (double)(mr_clock_now_us(mr_clock_system()) - begun_us) / 1e6);
    *out_code = MR_TAKE(place);
    return 0;
}

int
mr_build_function(const struct mr_build *build, const struct mr_template_function *function,
                  char **out_code, struct mr_error *err)
{
    if (function->code_refusal != NULL) {
        return mr_fail(err, -ENOTSUP, "%s cannot run here: %s", function->logical_id,
                       function->code_refusal);
    }
    if (function->code_path == NULL) {
        return mr_fail(err, -ENOTSUP, "%s: its code is not on this machine",
                       function->logical_id);
    }
    if (function->build_method != NULL && strcmp(function->build_method, "makefile") == 0) {
        return build_by_make(build, function, out_code, err);
    }
    if (access(function->code_path, R_OK) < 0) {
        return mr_fail(err, -ENOEXEC, "%s: its CodeUri %s: %s", function->logical_id,
                       function->code_path, strerror(errno));
    }
    if (is_directory(function->code_path) &&
        check_bootstrap(function, function->code_path, err) < 0) {
        return err->code;
    }
    say_built(build, function, function->code_path, "as it is", 0);
    *out_code = mr_strdup(function->code_path);
    return 0;
}
