/*
 * mappings: event source mappings between the API that describes them and the poller that runs
 * them.
 *
 * control.db holds what a mapping should be; a runner here brings a poller's mapping there:
 * makes, starts, updates, stops, forgets it. The states callers see (Creating, Enabled, ...)
 * follow from both, when somebody asks.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_MAPPINGS_H
#define MR_CONTROL_MAPPINGS_H

#include "control/inside.h"

struct mappings;

/* Makes a runner of every mapping in control.db, and starts what is enabled. */
struct mappings *mappings_new(struct mr_control *control);
/* Stop reading; what is under way may end; then `done`, later. */
void mappings_stop(struct mappings *mappings, mr_loop_fn *done, void *context);
/* NULL is fine. */
void mappings_free(struct mappings *mappings);

/* Let the runner follow its document, new or changed. -EINVAL when the poller refuses it. */
int mappings_follow(struct mappings *mappings, const char *uuid,
                    struct mr_error *err) MR_MUST_USE;
/* The function's settings have changed: its mappings, by any qualifier, follow. */
void mappings_follow_function(struct mappings *mappings, const char *arn);
/* Stop it, then forget it with its checkpoints. */
void mappings_remove(struct mappings *mappings, const char *uuid);

/* What Get shows: the document with its state, or as of a `transition` just begun. */
json_t *mapping_out(struct mr_control *control, const json_t *document, const char *transition);
/* Is a transition still going on? */
bool mapping_is_settling(struct mr_control *control, const json_t *document);

/* Of a runner, into the arena; false when it has none (a source that is not read here). */
bool mappings_status(struct mappings *mappings, const char *uuid, struct mr_arena *arena,
                     struct mr_mapping_status *out_status);
bool mappings_is_drained(struct mappings *mappings, const char *uuid);

/* Stop, move, and go on if it was enabled; `done(err or NULL, context)`, later. */
typedef void(mappings_moved_fn)(const struct mr_error *err, void *context);
int mappings_seek(struct mappings *mappings, const char *uuid,
                  const struct mr_source_place *place, mappings_moved_fn *done, void *context,
                  struct mr_error *err);

#endif
