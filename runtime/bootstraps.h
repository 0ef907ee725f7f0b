/*
 * bootstraps: where the programs are that run Python and Node functions.
 *
 * Thread: any.
 */
#ifndef MR_RUNTIME_BOOTSTRAPS_H
#define MR_RUNTIME_BOOTSTRAPS_H

/*
 * The first that is there: MILLRACE_BOOTSTRAPS, bootstraps beside the program's own directory
 * (the build tree), lib/millrace/bootstraps beside it (installed). Absolute, the caller's to
 * free; NULL when there is none.
 */
char *mr_bootstraps_find(void);

#endif
