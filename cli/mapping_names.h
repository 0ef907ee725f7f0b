/*
 * mapping_names: a mapping as people name it: its logical ID, its UUID, or the function it
 * feeds.
 */
#ifndef MR_CLI_MAPPING_NAMES_H
#define MR_CLI_MAPPING_NAMES_H

#include "base/error.h"
#include "cli/place.h"
#include "cli/remote.h"

/* The logical ID of a UUID, from up.json; NULL. The caller's to free. */
char *mr_mapping_logical_id(const struct mr_place *place, const char *uuid);

/*
 * The UUID `word` means: a UUID, a logical ID, or a function (logical ID or name) that only one
 * mapping feeds. The caller's to free; NULL with `err`.
 */
char *mr_mapping_find(struct mr_place *place, struct mr_remote *remote, const char *word,
                      struct mr_error *err);

#endif
