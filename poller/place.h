/*
 * place: where a shard is read from, as text for the checkpoint store.
 *
 * A sequence number is the last record that is finished. Before there is one: TRIM_HORIZON,
 * LATEST, or AT_TIMESTAMP:<milliseconds>.
 */
#ifndef MR_POLLER_PLACE_H
#define MR_POLLER_PLACE_H

#include "base/buf.h"
#include "poller/source.h"

/* Append it. */
void mr_place_write(struct mr_buf *buf, const struct mr_source_place *place);
/* Without a shard. False when it is none of these; `out_place` then is the trim horizon. */
bool mr_place_read(struct mr_slice text, struct mr_source_place *out_place);
/* Is it a sequence number? */
bool mr_place_is_number(struct mr_slice text);

#endif
