/*
 * mapping_creation: from a document that keeps the rules to a mapping that runs.
 *
 * Where its source can be asked, the stream or the queue must be there: the call is answered
 * when the source has answered.
 */
#ifndef MR_CONTROL_MAPPING_CREATION_H
#define MR_CONTROL_MAPPING_CREATION_H

#include "base/buf.h"
#include "control/inside.h"

/* Is there another mapping of this source and this very function? Then AWS's sentence. */
bool mapping_is_duplicate(struct mr_control *control, const json_t *document,
                          struct mr_buf *out_text);

/* Answers the call, now or later. */
void mapping_create(struct call *call, json_t *document);

#endif
