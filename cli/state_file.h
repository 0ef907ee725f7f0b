/*
 * state_file: up.json, what `millrace up` tells the other verbs and its own next start.
 *
 * {"endpoint":URL,"region":...,"account":...,"pid":N,"template":PATH,
 *  "streams":{LOGICAL_ID:NAME},"functions":{...},"queues":{...},"mappings":{LOGICAL_ID:UUID},
 *  "applied":{LOGICAL_ID:what was sent}}
 *
 * Written whole, beside and then over the old one.
 */
#ifndef MR_CLI_STATE_FILE_H
#define MR_CLI_STATE_FILE_H

#include <jansson.h>

#include "base/auto.h"
#include "base/error.h"

struct mr_state_file;

/* Never NULL: an absent or unreadable file is an empty one. */
struct mr_state_file *mr_state_file_open(const char *path);
void mr_state_file_close(struct mr_state_file *state);
MR_AUTO_DEFINE(struct mr_state_file, mr_state_file_close)
int mr_state_file_write(struct mr_state_file *state, struct mr_error *err);

/* Top-level text. */
void mr_state_file_set(struct mr_state_file *state, const char *name, const char *value);
void mr_state_file_set_number(struct mr_state_file *state, const char *name, int64_t value);

/* A member of a group ("streams", "applied"); takes `value`; NULL removes. */
void mr_state_file_put(struct mr_state_file *state, const char *group, const char *name,
                       json_t *value);
/* Borrowed; NULL. */
json_t *mr_state_file_get(const struct mr_state_file *state, const char *group,
                          const char *name);
/* The whole group, made when it is not there; borrowed. */
json_t *mr_state_file_group(struct mr_state_file *state, const char *group);

#endif
