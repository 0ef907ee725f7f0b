/*
 * apply: make what a template says true, through the public APIs.
 *
 * What is not there is created, what is there is brought to what the template
 * says, and what an earlier template made and this one does not mention is
 * taken away: but for streams, which hold records. A mapping that has not changed
 * is not touched, and one that has keeps its positions. The names and what was
 * sent are remembered in up.json.
 */
#ifndef MR_CLI_APPLY_H
#define MR_CLI_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/remote.h"
#include "cli/say.h"
#include "sam-templates/template.h"

struct mr_state_file; /* up.json */

struct mr_apply {
    struct mr_remote *remote;
    struct mr_say *say;
    const struct mr_template_model *model;
    char *const *codes; /* of model->functions: directory or zip; NULL: it cannot run here */
    struct mr_state_file *state;
    const char *debug_function; /* logical id of the one under gdbserver, or NULL */
    uint16_t debug_port;
    bool quiet;       /* say only what changed: for --watch */
    unsigned refused; /* out: mappings that cannot run here; each was said */
    unsigned changed; /* out: things created or changed */
};

/* The first failure of the API ends it. */
int mr_apply(struct mr_apply *apply, struct mr_error *err) MR_MUST_USE;

/* Only the functions' code and configuration: what --watch does after a build. */
int mr_apply_function(struct mr_apply *apply, size_t index, struct mr_error *err) MR_MUST_USE;

#endif
