/* What apply's files share: apply.c (streams and the whole), apply_function.c, apply_mapping.c.
 */
#ifndef MR_CLI_APPLY_INSIDE_H
#define MR_CLI_APPLY_INSIDE_H

#include <jansson.h>

#include "cli/apply.h"

/* A call of the Lambda API. Takes `body` (may be NULL); `*out_answer` is the caller's. */
int mr_apply_ask(struct mr_apply *apply, const char *method, const char *path, json_t *body,
                 json_t **out_answer, struct mr_error *err);

/* Begin a line, "create  stream  orders-local ", to be followed by text and mr_say_end. False:
 * nothing is to be said of it. */
bool mr_apply_say(struct mr_apply *apply, const char *word, const char *kind, const char *name);

/*
 * Queues and tables at the services whose endpoints are set, and a line about each destination.
 * Their ARNs as those services have them are remembered in the state's "arns".
 */
int mr_apply_elsewhere(struct mr_apply *apply, struct mr_error *err);

int mr_apply_mapping(struct mr_apply *apply, const struct mr_template_mapping *mapping,
                     struct mr_error *err);

#endif
