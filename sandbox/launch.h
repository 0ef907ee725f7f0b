/*
 * launch: the daemon's half of bringing a sandbox to life.
 *
 * Everything that needs a path of the host or a right of the daemon happens
 * here; what happens inside is sandbox/init.h. Afterwards the run is STARTING:
 * init will say over `run.control` what became of it.
 */
#ifndef MR_SANDBOX_LAUNCH_H
#define MR_SANDBOX_LAUNCH_H

#include "sandbox/environment.h"
#include "sandbox/launch_strings.h"

struct mr_launcher {
    struct mr_host *host;
    /* By profile and whether datagrams are refused; NULL where seccomp is missing. */
    struct mr_seccomp_filter *filters[2][2];
};

int mr_launcher_init(struct mr_launcher *launcher, struct mr_host *host,
                     struct mr_error *err) MR_MUST_USE;
void mr_launcher_deinit(struct mr_launcher *launcher);

/*
 * Starts `environment`'s run. Negative with a sentence when it cannot; nothing
 * of the run is left then. `environment` is EMPTY and prepared on failure.
 */
int mr_launch(struct mr_launcher *launcher, struct mr_environment *environment,
              const struct mr_sandbox_request_launch *request,
              struct mr_launch_strings *strings, uint64_t now_us,
              struct mr_error *err) MR_MUST_USE;

#endif
