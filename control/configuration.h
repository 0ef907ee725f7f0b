/*
 * configuration: one version of a function as a document: what GetFunctionConfiguration shows,
 * and, in members that begin with "_", what only we need.
 */
#ifndef MR_CONTROL_CONFIGURATION_H
#define MR_CONTROL_CONFIGURATION_H

#include "control/inside.h"

/* Of a CreateFunction call, without its code. NULL after an answer. */
json_t *configuration_new(struct call *call, const char *name);
/* Take over the members an update gives. False after an answer; `version` may be half changed.
 */
bool configuration_take(struct call *call, const char *name, json_t *version);
/* With --settle-ms: shown as "create"d or "update"d for that long. */
void configuration_settle(struct mr_control *control, json_t *version, const char *settling);
/* Put the state of a thing that settles into what is shown. */
void configuration_set_state(json_t *out, const char *settling);
/* The answer of a change: still settling, with a RevisionId of its own, as on AWS. */
json_t *configuration_answer(struct mr_control *control, const json_t *version, const char *arn,
                             const char *settling);
/* Tell the runtime of one version. */
void configuration_register(struct mr_control *control, const json_t *function,
                            json_t *version);

#endif
