/* invoker: the poller's way to the runtime. */
#ifndef MR_CONTROL_INVOKER_H
#define MR_CONTROL_INVOKER_H

#include "control/inside.h"

/* Its `self` is the control. */
struct mr_invoker invoker_of(struct mr_control *control);

#endif
