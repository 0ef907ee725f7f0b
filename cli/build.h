/*
 * build: a function's code made ready to run, as `sam build` would.
 *
 * BuildMethod makefile: `make build-LOGICALID` in the function's CodeUri with
 * ARTIFACTS_DIR set; what it leaves there is the code. It is built beside the
 * old code and takes its place only when make succeeded, so a mistake leaves
 * what runs running. Any other function runs as it stands.
 */
#ifndef MR_CLI_BUILD_H
#define MR_CLI_BUILD_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/say.h"
#include "sam-templates/template.h"

struct mr_build {
    const char
        *data; /* the data directory, absolute: DATA/build/LOGICALID is where code goes */
    struct mr_say *say;
    const volatile bool *given_up; /* NULL, or: when true make is ended, and -EINTR returned */
};

/*
 * Builds and says so. `*out_code` is an absolute directory, or a zip file; the caller's to
 * free. -ENOEXEC, with `err`, when it does not build (the compiler's words have gone to
 * stderr); -ENOTSUP when such a function cannot run here.
 */
int mr_build_function(const struct mr_build *build, const struct mr_template_function *function,
                      char **out_code, struct mr_error *err) MR_MUST_USE;

/* mkdir -p; 0700 for what is made. */
int mr_make_directories(const char *path, struct mr_error *err);
/* rm -r; what is not there is fine. */
int mr_tree_remove(const char *path, struct mr_error *err);

#endif
