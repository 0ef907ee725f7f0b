#include "poller/checkpoint.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

enum { FLUSH_MS = 100, FLUSH_CHANGES = 1000, BUSY_MS = 5000 };

/*
 * Changes go into one open transaction, which is what makes them cheap and visible to us at
 * once; the timer, or their number, commits it.
 */
struct mr_checkpoints {
    sqlite3 *db;
    sqlite3_stmt *put, *list, *has, *remove, *forget;
    struct mr_timer timer;
    unsigned changes; /* in the open transaction; 0: none is open */
    char *path;
};

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS checkpoint ("
    "  mapping TEXT NOT NULL, stream_created_ms INTEGER NOT NULL, shard_id TEXT NOT NULL,"
    "  sequence_number TEXT, finished INTEGER NOT NULL,"
    "  PRIMARY KEY (mapping, stream_created_ms, shard_id)) WITHOUT ROWID;";

static int
fail(struct mr_checkpoints *checkpoints, const char *doing, struct mr_error *err)
{
    int code = sqlite3_errcode(checkpoints->db);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        return mr_fail(err, -EBADMSG,
                       "%s is damaged (%s): move it away to start from the mappings' starting "
                       "positions, or restore a copy",
                       checkpoints->path, sqlite3_errmsg(checkpoints->db));
    }
    return mr_fail(err, -EIO, "%s: %s: %s", checkpoints->path, doing,
                   sqlite3_errmsg(checkpoints->db));
}

static int
execute(struct mr_checkpoints *checkpoints, const char *sql, struct mr_error *err)
{
    return sqlite3_exec(checkpoints->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(checkpoints, "write", err);
}

static int
prepare(struct mr_checkpoints *checkpoints, const char *sql, sqlite3_stmt **out,
        struct mr_error *err)
{
    return sqlite3_prepare_v3(checkpoints->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) ==
                   SQLITE_OK
               ? 0
               : fail(checkpoints, "prepare", err);
}

int
mr_checkpoints_flush(struct mr_checkpoints *checkpoints, struct mr_error *err)
{
    mr_timer_stop(&checkpoints->timer);
    if (checkpoints->changes == 0) {
        return 0;
    }
    int result = execute(checkpoints, "COMMIT", err);
    if (result == 0) {
        checkpoints->changes = 0;
    }
    return result;
}

/* A commit that fails is tried again: positions wait, records come twice at worst. */
static void
on_timer(void *context)
{
    struct mr_checkpoints *checkpoints = context;
    struct mr_error err = { 0 };
    if (mr_checkpoints_flush(checkpoints, &err) < 0) {
        mr_log(MR_LOG_ERROR, "poller", "checkpoints are not written: %s", err.text);
        mr_timer_start(&checkpoints->timer, FLUSH_MS);
    }
}

static void
changed(struct mr_checkpoints *checkpoints)
{
    if (++checkpoints->changes >= FLUSH_CHANGES) {
        on_timer(checkpoints);
    } else if (!mr_timer_started(&checkpoints->timer)) {
        mr_timer_start(&checkpoints->timer, FLUSH_MS);
    }
}

static void
begin(struct mr_checkpoints *checkpoints)
{
    struct mr_error err = { 0 };
    if (checkpoints->changes == 0 && execute(checkpoints, "BEGIN", &err) < 0) {
        mr_log(MR_LOG_ERROR, "poller", "%s", err.text);
    }
}

static void
bind_text(sqlite3_stmt *statement, int at, struct mr_slice text)
{
    if (text.data == NULL) {
        sqlite3_bind_null(statement, at);
    } else {
        sqlite3_bind_text(statement, at, (const char *)text.data, (int)text.size,
                          SQLITE_STATIC);
    }
}

static void
step(struct mr_checkpoints *checkpoints, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        mr_log(MR_LOG_ERROR, "poller", "%s: %s", checkpoints->path,
               sqlite3_errmsg(checkpoints->db));
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

void
mr_checkpoints_put(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                   uint64_t stream_created_ms, const struct mr_checkpoint *checkpoint)
{
    begin(checkpoints);
    bind_text(checkpoints->put, 1, mapping);
    sqlite3_bind_int64(checkpoints->put, 2, (sqlite3_int64)stream_created_ms);
    bind_text(checkpoints->put, 3, checkpoint->shard_id);
    bind_text(checkpoints->put, 4, checkpoint->sequence_number);
    sqlite3_bind_int(checkpoints->put, 5, checkpoint->finished);
    step(checkpoints, checkpoints->put);
    changed(checkpoints);
}

void
mr_checkpoints_forget(struct mr_checkpoints *checkpoints, struct mr_slice mapping)
{
    begin(checkpoints);
    bind_text(checkpoints->forget, 1, mapping);
    step(checkpoints, checkpoints->forget);
    changed(checkpoints);
}

void
mr_checkpoints_remove(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                      uint64_t stream_created_ms)
{
    begin(checkpoints);
    bind_text(checkpoints->remove, 1, mapping);
    sqlite3_bind_int64(checkpoints->remove, 2, (sqlite3_int64)stream_created_ms);
    step(checkpoints, checkpoints->remove);
    changed(checkpoints);
}

bool
mr_checkpoints_has(struct mr_checkpoints *checkpoints, struct mr_slice mapping)
{
    bind_text(checkpoints->has, 1, mapping);
    bool has = sqlite3_step(checkpoints->has) == SQLITE_ROW;
    sqlite3_reset(checkpoints->has);
    sqlite3_clear_bindings(checkpoints->has);
    return has;
}

static struct mr_slice
column_text(sqlite3_stmt *statement, int at, struct mr_arena *arena)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    if (text == NULL) {
        return (struct mr_slice){ NULL, 0 };
    }
    return mr_arena_copy(arena, mr_slice_of(text, (size_t)sqlite3_column_bytes(statement, at)));
}

int
mr_checkpoints_list(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                    uint64_t stream_created_ms, struct mr_arena *arena,
                    struct mr_checkpoint **out_list, struct mr_error *err)
{
    sqlite3_stmt *list = checkpoints->list;
    size_t count = 0, capacity = 16;
    struct mr_checkpoint *rows = mr_arena_alloc(arena, capacity * sizeof(rows[0]));
    int code;
    bind_text(list, 1, mapping);
    sqlite3_bind_int64(list, 2, (sqlite3_int64)stream_created_ms);
    while ((code = sqlite3_step(list)) == SQLITE_ROW) {
        if (count == capacity) {
            struct mr_checkpoint *more = mr_arena_alloc(arena, 2 * capacity * sizeof(rows[0]));
            memcpy(more, rows, count * sizeof(rows[0]));
            rows = more;
            capacity *= 2;
        }
        rows[count++] =
            (struct mr_checkpoint){ column_text(list, 0, arena), column_text(list, 1, arena),
                                    sqlite3_column_int(list, 2) != 0 };
    }
    int result = code == SQLITE_DONE ? (int)count : fail(checkpoints, "read", err);
    sqlite3_reset(list);
    sqlite3_clear_bindings(list);
    *out_list = rows;
    return result;
}

struct mr_checkpoints *
mr_checkpoints_open(const char *path, struct mr_loop *loop, struct mr_error *err)
{
    mr_auto(mr_checkpoints_close) struct mr_checkpoints *checkpoints =
        mr_alloc_zero(1, sizeof(*checkpoints));
    checkpoints->path = mr_strdup(path);
    mr_timer_init(&checkpoints->timer, loop, MR_TIME_INJECTED, on_timer, checkpoints);
    if (sqlite3_open(path, &checkpoints->db) != SQLITE_OK) {
        fail(checkpoints, "open", err);
        return NULL;
    }
    sqlite3_busy_timeout(checkpoints->db, BUSY_MS);
    if (execute(checkpoints, schema, err) < 0 ||
        prepare(checkpoints, "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?)",
                &checkpoints->put, err) < 0 ||
        prepare(checkpoints,
                "SELECT shard_id, sequence_number, finished FROM checkpoint"
                " WHERE mapping = ? AND stream_created_ms = ? ORDER BY shard_id",
                &checkpoints->list, err) < 0 ||
        prepare(checkpoints,
                "SELECT 1 FROM checkpoint WHERE mapping = ? AND stream_created_ms > 0 LIMIT 1",
                &checkpoints->has, err) < 0 ||
        prepare(checkpoints,
                "DELETE FROM checkpoint WHERE mapping = ? AND stream_created_ms = ?",
                &checkpoints->remove, err) < 0 ||
        prepare(checkpoints, "DELETE FROM checkpoint WHERE mapping = ?", &checkpoints->forget,
                err) < 0) {
        return NULL;
    }
    return MR_TAKE(checkpoints);
}

void
mr_checkpoints_close(struct mr_checkpoints *checkpoints)
{
    struct mr_error err = { 0 };
    if (checkpoints == NULL) {
        return;
    }
    if (mr_checkpoints_flush(checkpoints, &err) < 0) {
        mr_log(MR_LOG_ERROR, "poller", "the last checkpoints are lost: %s", err.text);
    }
    sqlite3_finalize(checkpoints->put);
    sqlite3_finalize(checkpoints->list);
    sqlite3_finalize(checkpoints->has);
    sqlite3_finalize(checkpoints->remove);
    sqlite3_finalize(checkpoints->forget);
    sqlite3_close(checkpoints->db);
    free(checkpoints->path);
    free(checkpoints);
}
