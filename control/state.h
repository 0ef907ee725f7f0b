/*
 * state: what the control API was told, kept: control.db.
 *
 * One SQLite file in WAL mode with full durability: what a call was answered is there after a
 * power cut. A table a kind, a row a thing: its key and its document as JSON, so that `sqlite3
 * control.db` shows and mends all of it. Everything is also held in memory and read from there.
 * docs/formats/control-db.md has the documents' members.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_STATE_H
#define MR_CONTROL_STATE_H

#include <jansson.h>

#include "base/auto.h"
#include "base/error.h"

struct mr_state;

enum mr_state_table {
    MR_STATE_FUNCTION, /* by name: configuration of every version, aliases, tags, ... */
    MR_STATE_MAPPING,  /* by UUID */
    MR_STATE_LAYER,    /* by name, with all versions */
    MR_STATE_EVENT,    /* asynchronous invocations accepted and not finished, by request id */
    MR_STATE_TABLES,
};

/*
 * Opens or makes the file. NULL with one line when it cannot be used: -EBADMSG when it is
 * damaged, with what to do.
 */
MR_MUST_USE
struct mr_state *mr_state_open(const char *path, struct mr_error *err);
void mr_state_close(struct mr_state *state); /* NULL is fine */
MR_AUTO_DEFINE(struct mr_state, mr_state_close)

/* The document, the state's own: change it and put it, or leave it alone. NULL: none. */
json_t *mr_state_get(const struct mr_state *state, enum mr_state_table table, const char *key);
/* All documents of a table by their keys, in the order they were made. The state's own. */
json_t *mr_state_all(const struct mr_state *state, enum mr_state_table table);

/* Write it down. `document` may be the one that mr_state_get gave. Negative: not written. */
int mr_state_put(struct mr_state *state, enum mr_state_table table, const char *key,
                 json_t *document, struct mr_error *err) MR_MUST_USE;
int mr_state_delete(struct mr_state *state, enum mr_state_table table, const char *key,
                    struct mr_error *err) MR_MUST_USE;

#endif
