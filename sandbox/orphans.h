/*
 * orphans: what a handler left behind, where no process namespace ends it.
 *
 * The caller is a subreaper (PR_SET_CHILD_SUBREAPER), so what loses its parent
 * becomes its child.
 */
#ifndef MR_SANDBOX_ORPHANS_H
#define MR_SANDBOX_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether the child `pid` is none of them. */
typedef bool(mr_orphans_keep_fn)(void *context, pid_t pid);

/*
 * Kills and reaps every child for which `keep` is false (all, when it is NULL),
 * and then what these leave behind, until there is none.
 */
void mr_orphans_end(mr_orphans_keep_fn *keep, void *context);

#endif
