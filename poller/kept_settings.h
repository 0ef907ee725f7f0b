/*
 * kept_settings: a mapping's settings, checked, copied, their filters compiled.
 *
 * Thread: any; read-only once made.
 */
#ifndef MR_POLLER_KEPT_SETTINGS_H
#define MR_POLLER_KEPT_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "poller/mapping.h"

struct mr_filter;

struct mr_kept_settings {
    struct mr_arena arena;
    struct mr_mapping_settings settings; /* without filters: */
    struct mr_filter *filter;            /* NULL: every record passes */
    bool whole_records;                  /* of a table's stream: a record's data is its JSON */
};

/* NULL with -EINVAL and a sentence. */
struct mr_kept_settings *mr_kept_settings_new(const struct mr_mapping_settings *settings,
                                              struct mr_error *err);
void mr_kept_settings_free(struct mr_kept_settings *kept);

#endif
