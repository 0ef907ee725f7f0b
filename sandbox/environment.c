#include "sandbox/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/remove_tree.h"

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void
mr_run_init(struct mr_run *run)
{
    *run = (struct mr_run){ .pid = -1,
                            .pidfd = -1,
                            .control = -1,
                            .notify = -1,
                            .output_fd = -1,
                            .stderr_fd = -1,
                            .stdin_fd = -1,
                            .listener_fd = -1 };
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS; i++) {
        run->forward_fds[i] = -1;
    }
}

void
mr_run_close(struct mr_run *run)
{
    close_fd(&run->pidfd);
    close_fd(&run->control);
    close_fd(&run->notify);
    close_fd(&run->output_fd);
    close_fd(&run->stderr_fd);
    close_fd(&run->stdin_fd);
    close_fd(&run->listener_fd);
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS; i++) {
        close_fd(&run->forward_fds[i]);
    }
}

/* --- /tmp --- */

/* L3 has no mounts: a directory of the host, as large as the host lets it be. */
static int
make_tmp_dir(struct mr_environment *environment, const struct mr_host *host,
             struct mr_error *err)
{
    snprintf(environment->tmp_path, sizeof(environment->tmp_path), "%s/tmp-%u",
             host->skeleton.run_dir, environment->slot);
    if (mkdir(environment->tmp_path, 0700) < 0 ||
        (host->root && chown(environment->tmp_path, environment->uid, environment->gid) < 0)) {
        return mr_fail(err, -errno, "make %s: %s", environment->tmp_path, strerror(errno));
    }
    return 0;
}

static void
remove_tmp(struct mr_environment *environment, const struct mr_host *host)
{
    if (!environment->has_tmp) {
        return;
    }
    environment->has_tmp = false;
    if (host->skeleton_built) {
        mr_skeleton_tmp_remove(&host->skeleton, environment->slot);
    } else {
        mr_remove_tree(AT_FDCWD, environment->tmp_path);
    }
}

static int
make_tmp(struct mr_environment *environment, const struct mr_host *host, uint32_t tmp_mb,
         struct mr_error *err)
{
    if (environment->has_tmp && environment->tmp_mb == tmp_mb) {
        return 0;
    }
    remove_tmp(environment, host);
    int rc = host->skeleton_built
                 ? mr_skeleton_tmp_make(&host->skeleton, environment->slot, tmp_mb,
                                        environment->uid, environment->gid, err)
                 : make_tmp_dir(environment, host, err);
    environment->has_tmp = rc == 0;
    environment->tmp_mb = tmp_mb;
    return rc;
}

/* --- cgroup --- */

static int
make_cgroup(struct mr_environment *environment, struct mr_host *host,
            const struct mr_sandbox_request_launch *request, struct mr_error *err)
{
    uint32_t by_memory = (uint32_t)((uint64_t)request->memory_mb * 1000 / 1769);
    struct mr_cgroup_limits limits = {
        .memory_bytes = ((uint64_t)request->memory_mb + request->tmp_mb) << 20,
        .cpu_permille = request->cpu_permille > 0 ? request->cpu_permille : by_memory,
        .max_pids = request->max_pids + 1, /* init */
    };

    if (host->cgroups == NULL) {
        return 0;
    }
    if (environment->cgroup != NULL) {
        return mr_cgroup_limit(environment->cgroup, &limits, err);
    }
    environment->cgroup = mr_cgroup_create(host->cgroups, environment->slot, &limits, err);
    return environment->cgroup == NULL ? err->code : 0;
}

int
mr_environment_prepare(struct mr_environment *environment, struct mr_host *host,
                       const struct mr_sandbox_request_launch *request, struct mr_error *err)
{
    environment->uid = host->root ? host->first_uid + environment->slot : host->uid;
    environment->gid = host->root ? host->first_uid + environment->slot : host->gid;
    if (host->level == MR_SANDBOX_L0) {
        environment->uid = host->uid;
        environment->gid = host->gid;
        return 0;
    }
    int rc = make_cgroup(environment, host, request, err);
    return rc < 0 ? rc : make_tmp(environment, host, request->tmp_mb, err);
}

void
mr_environment_clear(struct mr_environment *environment, struct mr_host *host)
{
    mr_run_close(&environment->run);
    mr_cgroup_destroy(environment->cgroup);
    environment->cgroup = NULL;
    remove_tmp(environment, host);
    environment->used = false;
}

/* --- life --- */

void
mr_environment_kill(struct mr_environment *environment)
{
    if (environment->state == MR_ENVIRONMENT_EMPTY) {
        return;
    }
    if (!environment->run.pid_ns) {
        char told = MR_INIT_KILL;
        (void)send(environment->run.control, &told, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        return;
    }
    /*
     * The end of init is the end of its process namespace. Not cgroup.kill: kernels to 6.18
     * at least then kill whatever is cloned into that group ever after.
     */
    (void)syscall(SYS_pidfd_send_signal, environment->run.pidfd, SIGKILL, NULL, 0);
    if (environment->cgroup != NULL) {
        mr_cgroup_hasten(environment->cgroup);
        mr_cgroup_thaw(environment->cgroup); /* v1 delivers a SIGKILL only then */
    }
}

void
mr_environment_terminate(struct mr_environment *environment)
{
    char told = MR_INIT_TERMINATE;

    if (environment->state == MR_ENVIRONMENT_RUNNING) {
        (void)send(environment->run.control, &told, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void
mr_environment_set_frozen(struct mr_environment *environment, const struct mr_host *host,
                          bool frozen)
{
    if (environment->state != MR_ENVIRONMENT_RUNNING) {
        return;
    }
    if (environment->cgroup != NULL && mr_host_has(host, MR_SANDBOX_HAS_FREEZER) &&
        mr_cgroup_set_frozen(environment->cgroup, frozen) == 0) {
        return;
    }
    char told = frozen ? MR_INIT_STOP : MR_INIT_CONTINUE;
    (void)send(environment->run.control, &told, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
mr_environment_usage(struct mr_environment *environment, struct mr_sandbox_usage *out_usage)
{
    *out_usage =
        (struct mr_sandbox_usage){ .cpu_us = environment->run.last.cpu_us,
                                   .memory_peak_bytes = environment->run.last.max_rss_bytes };
    if (environment->cgroup != NULL) {
        mr_cgroup_read_usage(environment->cgroup, out_usage);
    }
    out_usage->denied_calls = environment->run.denied_calls;
}
