/*
 * function_settings: what Lambda has no word for, of a function that is up: one member at a
 * time.
 *
 * The local API replaces a function's settings as a whole; who changes one of them leaves the
 * others as they are.
 */
#ifndef MR_CLI_FUNCTION_SETTINGS_H
#define MR_CLI_FUNCTION_SETTINGS_H

#include <jansson.h>

#include "base/error.h"
#include "cli/remote.h"

/*
 * The functions that the daemon knows, as its status shows them; the caller's to release. NULL
 * with `err` (which may be NULL) when there is no Lambda behind this endpoint.
 */
json_t *mr_functions_fetch(struct mr_remote *remote, struct mr_error *err);

/* A function's settings among them, by its name; borrowed, NULL when it has none. */
const json_t *mr_function_settings(const json_t *functions, const char *name);

/* Set one member; `value` is taken, NULL takes the member away. */
int mr_function_settings_put(struct mr_remote *remote, const char *function, const char *member,
                             json_t *value, struct mr_error *err) MR_MUST_USE;

#endif
