/*
 * root: init makes the sandbox's tree its root.
 *
 * Thread: init's only. 0, or a negative errno with the step that failed.
 */
#ifndef MR_SANDBOX_ROOT_H
#define MR_SANDBOX_ROOT_H

#include "sandbox/init.h"

int mr_root_enter(const struct mr_init_plan *plan, enum mr_init_step *out_step);

#endif
