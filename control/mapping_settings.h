/* mapping_settings: what the poller is told of a mapping's document. */
#ifndef MR_CONTROL_MAPPING_SETTINGS_H
#define MR_CONTROL_MAPPING_SETTINGS_H

#include "control/inside.h"

/* Views into the document; `filters` has room for MR_LAMBDA_MAX_FILTERS. */
struct mr_mapping_settings mapping_settings_of(struct mr_control *control,
                                               const json_t *document, struct mr_slice *filters,
                                               struct mr_arena *arena);

/* The patterns alone; how many. */
size_t mapping_filters_of(const json_t *document, struct mr_slice *list);

#endif
