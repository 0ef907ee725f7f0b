/* tags: the rules of tags, for every operation that takes some. */
#ifndef MR_STREAM_API_TAGS_H
#define MR_STREAM_API_TAGS_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"

/*
 * May the input's map `Tags` be set on what has `tags` (NULL: nothing yet) and is called
 * `name`? Absent is fine. False: answered.
 */
bool mr_tags_check(struct mr_call *call, const struct mr_tags *tags, const char *name);

/* Set what `Tags` of the input says. */
void mr_tags_take(struct mr_call *call, struct mr_tags *tags);

#endif
