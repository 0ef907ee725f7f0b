#include "control/state.h"

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "base/alloc.h"

enum { BUSY_MS = 2000, SCHEMA_VERSION = 1 };

struct table {
    json_t *documents; /* by key */
    sqlite3_stmt *put, *remove, *get;
};

struct mr_state {
    char *path;
    sqlite3 *db;
    struct table tables[MR_STATE_TABLES];
};

static const char *const names[MR_STATE_TABLES] = {
    [MR_STATE_FUNCTION] = "function",
    [MR_STATE_MAPPING] = "mapping",
    [MR_STATE_LAYER] = "layer",
    [MR_STATE_EVENT] = "event",
};

static int
fail(const struct mr_state *state, const char *doing, struct mr_error *err)
{
    int code = sqlite3_errcode(state->db);

    switch (code) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return mr_fail(err, -EBADMSG,
                       "%s is damaged (%s): put back a copy of it, or move it away to start "
                       "without functions and mappings",
                       state->path, sqlite3_errmsg(state->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return mr_fail(err, -EBUSY, "%s is in use by another program: stop that one",
                       state->path);
    case SQLITE_FULL:
        return mr_fail(err, -ENOSPC, "%s %s: the disk is full", doing, state->path);
    default:
        return mr_fail(err, -EIO, "%s %s: %s", doing, state->path, sqlite3_errmsg(state->db));
    }
}

static int
execute(struct mr_state *state, const char *sql, struct mr_error *err)
{
    return sqlite3_exec(state->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(state, "open", err);
}

static int
prepare(struct mr_state *state, sqlite3_stmt **out, struct mr_error *err, const char *format,
        const char *name)
{
    char *sql = sqlite3_mprintf(format, name);
    int code = sqlite3_prepare_v3(state->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

    sqlite3_free(sql);
    return code == SQLITE_OK ? 0 : fail(state, "open", err);
}

static int
check_version(struct mr_state *state, struct mr_error *err)
{
    sqlite3_stmt *statement;
    int version;

    if (prepare(state, &statement, err, "PRAGMA user_version", NULL) < 0) {
        return err->code;
    }
    version = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    if (version < 0) {
        return fail(state, "open", err);
    }
    if (version > SCHEMA_VERSION) {
        return mr_fail(err, -EINVAL, "%s was written by a newer Millrace: use that one",
                       state->path);
    }
    return execute(state, "PRAGMA user_version = 1", err);
}

/* ---- reading it all ---- */

static int
load_row(struct mr_state *state, json_t *documents, sqlite3_stmt *rows, const char *name,
         struct mr_error *err)
{
    json_error_t error;
    const char *key = (const char *)sqlite3_column_text(rows, 0);
    const char *text = (const char *)sqlite3_column_text(rows, 1);
    json_t *document = key == NULL || text == NULL ? NULL : json_loads(text, 0, &error);

    if (!json_is_object(document)) {
        json_decref(document);
        return mr_fail(err, -EBADMSG,
                       "%s is damaged: row \"%.60s\" of table %s is no JSON document: mend it "
                       "with sqlite3, or delete the row",
                       state->path, key != NULL ? key : "", name);
    }
    json_object_set_new(documents, key, document);
    return 0;
}

static int
load(struct mr_state *state, struct table *table, const char *name, struct mr_error *err)
{
    sqlite3_stmt *rows;
    int code, result = 0;

    table->documents = json_object();
    if (prepare(state, &rows, err, "SELECT key, document FROM \"%w\" ORDER BY rowid", name) <
        0) {
        return err->code;
    }
    while (result == 0 && (code = sqlite3_step(rows)) != SQLITE_DONE) {
        result = code == SQLITE_ROW ? load_row(state, table->documents, rows, name, err)
                                    : fail(state, "read", err);
    }
    sqlite3_finalize(rows);
    return result;
}

static int
open_table(struct mr_state *state, enum mr_state_table which, struct mr_error *err)
{
    struct table *table = &state->tables[which];
    const char *name = names[which];
    char *sql = sqlite3_mprintf("CREATE TABLE IF NOT EXISTS \"%w\" (key TEXT NOT NULL UNIQUE,"
                                " document TEXT NOT NULL)",
                                name);
    int result = execute(state, sql, err);

    sqlite3_free(sql);
    if (result < 0 ||
        prepare(state, &table->put, err,
                "INSERT INTO \"%w\" VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET document ="
                " excluded.document",
                name) < 0 ||
        prepare(state, &table->get, err, "SELECT document FROM \"%w\" WHERE key = ?", name) <
            0 ||
        prepare(state, &table->remove, err, "DELETE FROM \"%w\" WHERE key = ?", name) < 0) {
        return err->code;
    }
    return load(state, table, name, err);
}

struct mr_state *
mr_state_open(const char *path, struct mr_error *err)
{
    mr_auto(mr_state_close) struct mr_state *state = mr_alloc_zero(1, sizeof(*state));

    state->path = mr_strdup(path);
    if (sqlite3_open(path, &state->db) != SQLITE_OK) {
        fail(state, "open", err);
        return NULL;
    }
    sqlite3_busy_timeout(state->db, BUSY_MS);
    if (execute(state,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                " PRAGMA temp_store = MEMORY",
                err) < 0 ||
        check_version(state, err) < 0) {
        return NULL;
    }
    for (int i = 0; i < MR_STATE_TABLES; i++) {
        if (open_table(state, (enum mr_state_table)i, err) < 0) {
            return NULL;
        }
    }
    return MR_TAKE(state);
}

void
mr_state_close(struct mr_state *state)
{
    if (state == NULL) {
        return;
    }
    for (int i = 0; i < MR_STATE_TABLES; i++) {
        sqlite3_finalize(state->tables[i].put);
        sqlite3_finalize(state->tables[i].remove);
        sqlite3_finalize(state->tables[i].get);
        json_decref(state->tables[i].documents);
    }
    sqlite3_close(state->db);
    free(state->path);
    free(state);
}

json_t *
mr_state_get(const struct mr_state *state, enum mr_state_table table, const char *key)
{
    return json_object_get(state->tables[table].documents, key);
}

json_t *
mr_state_all(const struct mr_state *state, enum mr_state_table table)
{
    return state->tables[table].documents;
}

static int
run(struct mr_state *state, sqlite3_stmt *statement, struct mr_error *err)
{
    int code = sqlite3_step(statement);
    int result = code == SQLITE_DONE ? 0 : fail(state, "write", err);

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
}

/* Let memory say again what the disk says. */
static void
take_back(struct mr_state *state, enum mr_state_table table, const char *key)
{
    struct table *own = &state->tables[table];
    json_t *document = NULL;

    sqlite3_bind_text(own->get, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(own->get) == SQLITE_ROW) {
        document = json_loads((const char *)sqlite3_column_text(own->get, 0), 0, NULL);
    }
    sqlite3_reset(own->get);
    sqlite3_clear_bindings(own->get);
    if (document != NULL) {
        json_object_set_new(own->documents, key, document);
    }
}

int
mr_state_put(struct mr_state *state, enum mr_state_table table, const char *key,
             json_t *document, struct mr_error *err)
{
    struct table *own = &state->tables[table];
    char *text = json_dumps(document, JSON_COMPACT);

    if (text == NULL) {
        return mr_fail(err, -EINVAL, "%s of %s cannot be written as JSON", names[table], key);
    }
    sqlite3_bind_text(own->put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(own->put, 2, text, -1, SQLITE_STATIC);
    int result = run(state, own->put, err);
    free(text);
    if (result == 0) {
        json_object_set(own->documents, key, document);
    } else if (json_object_get(own->documents, key) == document) {
        take_back(state, table, key); /* changed in memory, and not on disk */
    }
    return result;
}

int
mr_state_delete(struct mr_state *state, enum mr_state_table table, const char *key,
                struct mr_error *err)
{
    struct table *own = &state->tables[table];

    sqlite3_bind_text(own->remove, 1, key, -1, SQLITE_STATIC);
    int result = run(state, own->remove, err);
    if (result == 0) {
        json_object_del(own->documents, key);
    }
    return result;
}
