#include "poller/dead_letters.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

enum {
    DEFAULT_COUNT = 100000,
    DEFAULT_LIMIT = 100,
    MAX_LIMIT = 1000,
    BUSY_MS = 5000,
    SAID_EVERY = 1000, /* dropped letters between two lines in the log */
};
static const uint64_t default_bytes = (uint64_t)1 << 30;

struct mr_dead_letters {
    sqlite3 *db;
    sqlite3_stmt *add, *list, *get, *remove, *size, *oldest, *note_dropped;
    char *path;
    uint64_t max_count, max_bytes;
    uint64_t count, bytes, dropped;
};

static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS letter ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL,"
    "  mapping TEXT NOT NULL, function_arn TEXT NOT NULL, stream_arn TEXT NOT NULL,"
    "  shard_id TEXT NOT NULL, destination_arn TEXT NOT NULL, condition TEXT NOT NULL,"
    "  first_sequence_number TEXT, last_sequence_number TEXT,"
    "  invoke_count INTEGER NOT NULL, batch_size INTEGER NOT NULL, reason TEXT NOT NULL,"
    "  document TEXT NOT NULL, payload BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS dropped (one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  letters INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO dropped VALUES (1, 0);";

#define COLUMNS                                                                             \
    "id, time_ms, mapping, function_arn, stream_arn, shard_id, destination_arn, condition," \
    " first_sequence_number, last_sequence_number, invoke_count, batch_size, reason,"       \
    " length(payload)"
#define BYTES "length(CAST(document AS BLOB)) + length(payload)"

static int
fail(struct mr_dead_letters *letters, const char *doing, struct mr_error *err)
{
    int code = sqlite3_errcode(letters->db);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        return mr_fail(err, -EBADMSG, "%s is damaged (%s): move it away, or restore a copy",
                       letters->path, sqlite3_errmsg(letters->db));
    }
    return mr_fail(err, code == SQLITE_FULL ? -ENOSPC : -EIO, "%s: %s: %s", letters->path,
                   doing, sqlite3_errmsg(letters->db));
}

static int
execute(struct mr_dead_letters *letters, const char *sql, struct mr_error *err)
{
    return sqlite3_exec(letters->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fail(letters, "write", err);
}

static void
reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* An absent text is an empty one: only sequence numbers may be missing. */
static void
bind_text(sqlite3_stmt *statement, int at, struct mr_slice text)
{
    sqlite3_bind_text(statement, at, text.size == 0 ? "" : (const char *)text.data,
                      (int)text.size, SQLITE_STATIC);
}

static uint64_t
size_of(const struct mr_dead_letter *letter)
{
    return letter->document.size + letter->payload.size;
}

/* ---- room ---- */

/* Would `bytes` more be too much? */
static bool
is_full(const struct mr_dead_letters *letters, uint64_t bytes)
{
    return letters->count > 0 && (letters->count >= letters->max_count ||
                                  letters->bytes + bytes > letters->max_bytes);
}

static int
run(struct mr_dead_letters *letters, sqlite3_stmt *statement, const char *doing,
    struct mr_error *err)
{
    int result = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(letters, doing, err);
    reset(statement);
    return result;
}

static int
drop_oldest(struct mr_dead_letters *letters, struct mr_error *err)
{
    if (sqlite3_step(letters->oldest) != SQLITE_ROW) {
        sqlite3_reset(letters->oldest);
        return fail(letters, "find the oldest letter", err);
    }
    sqlite3_bind_int64(letters->remove, 1, sqlite3_column_int64(letters->oldest, 0));
    uint64_t bytes = (uint64_t)sqlite3_column_int64(letters->oldest, 1);
    sqlite3_reset(letters->oldest);
    if (run(letters, letters->remove, "drop the oldest letter", err) < 0 ||
        run(letters, letters->note_dropped, "write", err) < 0) {
        return -EIO;
    }
    letters->count--;
    letters->bytes -= bytes;
    if (letters->dropped++ % SAID_EVERY == 0) {
        mr_log(MR_LOG_WARN, "poller",
               "the dead-letter store %s is full: the oldest letters are dropped, %llu so far",
               letters->path, (unsigned long long)letters->dropped);
    }
    return 0;
}

/* The oldest letters go until there is room for `bytes` more. Within a transaction. */
static int
make_room(struct mr_dead_letters *letters, uint64_t bytes, struct mr_error *err)
{
    int result = 0;
    while (result == 0 && is_full(letters, bytes)) {
        result = drop_oldest(letters, err);
    }
    return result;
}

/* ---- writing ---- */

static int
insert(struct mr_dead_letters *letters, const struct mr_dead_letter *letter,
       struct mr_error *err)
{
    sqlite3_stmt *add = letters->add;
    sqlite3_bind_int64(add, 1, (sqlite3_int64)letter->time_ms);
    bind_text(add, 2, letter->mapping_uuid);
    bind_text(add, 3, letter->function_arn);
    bind_text(add, 4, letter->stream_arn);
    bind_text(add, 5, letter->shard_id);
    bind_text(add, 6, letter->destination_arn);
    bind_text(add, 7, letter->condition);
    if (letter->first_sequence_number.data != NULL) {
        bind_text(add, 8, letter->first_sequence_number);
        bind_text(add, 9, letter->last_sequence_number);
    }
    sqlite3_bind_int64(add, 10, (sqlite3_int64)letter->invoke_count);
    sqlite3_bind_int64(add, 11, (sqlite3_int64)letter->batch_size);
    bind_text(add, 12, letter->reason);
    bind_text(add, 13, letter->document);
    sqlite3_bind_blob64(add, 14,
                        letter->payload.size == 0 ? (const void *)"" : letter->payload.data,
                        letter->payload.size, SQLITE_STATIC);
    return run(letters, add, "add a letter", err);
}

int64_t
mr_dead_letters_add(struct mr_dead_letters *letters, const struct mr_dead_letter *letter,
                    struct mr_error *err)
{
    uint64_t count = letters->count, bytes = letters->bytes, dropped = letters->dropped;

    if (size_of(letter) > letters->max_bytes) {
        return mr_fail(err, -EFBIG, "a letter of %llu bytes is more than %s may hold",
                       (unsigned long long)size_of(letter), letters->path);
    }
    if (execute(letters, "BEGIN IMMEDIATE", err) < 0) {
        return err == NULL ? -EIO : err->code;
    }
    int result = make_room(letters, size_of(letter), err);
    if (result == 0) {
        result = insert(letters, letter, err);
    }
    int64_t id = sqlite3_last_insert_rowid(letters->db);
    if (result == 0) {
        result = execute(letters, "COMMIT", err);
    }
    if (result < 0) {
        (void)execute(letters, "ROLLBACK", NULL);
        letters->count = count;
        letters->bytes = bytes;
        letters->dropped = dropped;
        return result;
    }
    letters->count++;
    letters->bytes += size_of(letter);
    return id;
}

int
mr_dead_letters_remove(struct mr_dead_letters *letters, int64_t id, struct mr_error *err)
{
    sqlite3_bind_int64(letters->size, 1, id);
    int code = sqlite3_step(letters->size);
    uint64_t bytes = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(letters->size, 0) : 0;
    reset(letters->size);
    if (code != SQLITE_ROW) {
        return code == SQLITE_DONE
                   ? mr_fail(err, -ENOENT, "there is no dead letter %lld", (long long)id)
                   : fail(letters, "read", err);
    }
    sqlite3_bind_int64(letters->remove, 1, id);
    int result = run(letters, letters->remove, "remove", err);
    if (result == 0) {
        letters->count--;
        letters->bytes -= bytes;
    }
    return result;
}

/* ---- reading ---- */

static struct mr_slice
column(sqlite3_stmt *statement, int at, struct mr_arena *arena)
{
    const void *data = sqlite3_column_blob(statement, at);
    size_t size = (size_t)sqlite3_column_bytes(statement, at);
    if (sqlite3_column_type(statement, at) == SQLITE_NULL) {
        return (struct mr_slice){ NULL, 0 };
    }
    return mr_arena_copy(arena, mr_slice_of(data == NULL ? "" : data, size));
}

static void
read_row(sqlite3_stmt *row, struct mr_arena *arena, struct mr_dead_letter *letter)
{
    *letter = (struct mr_dead_letter){
        .id = sqlite3_column_int64(row, 0),
        .time_ms = (uint64_t)sqlite3_column_int64(row, 1),
        .mapping_uuid = column(row, 2, arena),
        .function_arn = column(row, 3, arena),
        .stream_arn = column(row, 4, arena),
        .shard_id = column(row, 5, arena),
        .destination_arn = column(row, 6, arena),
        .condition = column(row, 7, arena),
        .first_sequence_number = column(row, 8, arena),
        .last_sequence_number = column(row, 9, arena),
        .invoke_count = (uint64_t)sqlite3_column_int64(row, 10),
        .batch_size = (uint64_t)sqlite3_column_int64(row, 11),
        .reason = column(row, 12, arena),
        .payload_bytes = (uint64_t)sqlite3_column_int64(row, 13),
    };
}

int
mr_dead_letters_list(struct mr_dead_letters *letters, const struct mr_dead_letters_query *query,
                     struct mr_arena *arena, struct mr_dead_letter **out_list,
                     struct mr_error *err)
{
    sqlite3_stmt *list = letters->list;
    uint32_t limit = query->limit == 0 ? DEFAULT_LIMIT : query->limit;
    limit = limit > MAX_LIMIT ? MAX_LIMIT : limit;
    struct mr_dead_letter *rows = mr_arena_alloc(arena, limit * sizeof(*rows));
    int count = 0, code;

    sqlite3_bind_int64(list, 1, query->after_id);
    bind_text(list, 2, query->mapping_uuid);
    bind_text(list, 3, query->function_arn);
    bind_text(list, 4, query->destination_arn);
    sqlite3_bind_int64(list, 5, limit);
    while ((code = sqlite3_step(list)) == SQLITE_ROW) {
        read_row(list, arena, &rows[count++]);
    }
    count = code == SQLITE_DONE ? count : fail(letters, "read", err);
    reset(list);
    *out_list = rows;
    return count;
}

int
mr_dead_letters_get(struct mr_dead_letters *letters, int64_t id, struct mr_arena *arena,
                    struct mr_dead_letter *out_letter, struct mr_error *err)
{
    int result = 0;
    sqlite3_bind_int64(letters->get, 1, id);
    int code = sqlite3_step(letters->get);
    if (code == SQLITE_ROW) {
        read_row(letters->get, arena, out_letter);
        out_letter->document = column(letters->get, 14, arena);
        out_letter->payload = column(letters->get, 15, arena);
    } else {
        result = code == SQLITE_DONE
                     ? mr_fail(err, -ENOENT, "there is no dead letter %lld", (long long)id)
                     : fail(letters, "read", err);
    }
    reset(letters->get);
    return result;
}

uint64_t
mr_dead_letters_count(const struct mr_dead_letters *letters)
{
    return letters->count;
}

uint64_t
mr_dead_letters_dropped(const struct mr_dead_letters *letters)
{
    return letters->dropped;
}

/* ---- life ---- */

static int
prepare_all(struct mr_dead_letters *letters, struct mr_error *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        { &letters->add, "INSERT INTO letter (time_ms, mapping, function_arn, stream_arn,"
                         " shard_id, destination_arn, condition, first_sequence_number,"
                         " last_sequence_number, invoke_count, batch_size, reason, document,"
                         " payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
        { &letters->list, "SELECT " COLUMNS " FROM letter WHERE id > ?1"
                          " AND (?2 = '' OR mapping = ?2) AND (?3 = '' OR function_arn = ?3)"
                          " AND (?4 = '' OR destination_arn = ?4) ORDER BY id LIMIT ?5" },
        { &letters->get, "SELECT " COLUMNS ", document, payload FROM letter WHERE id = ?" },
        { &letters->remove, "DELETE FROM letter WHERE id = ?" },
        { &letters->size, "SELECT " BYTES " FROM letter WHERE id = ?" },
        { &letters->oldest, "SELECT id, " BYTES " FROM letter ORDER BY id LIMIT 1" },
        { &letters->note_dropped, "UPDATE dropped SET letters = letters + 1" },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (sqlite3_prepare_v3(letters->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               all[i].statement, NULL) != SQLITE_OK) {
            return fail(letters, "prepare", err);
        }
    }
    return 0;
}

static int
read_counts(struct mr_dead_letters *letters, struct mr_error *err)
{
    sqlite3_stmt *counts = NULL;
    int code = sqlite3_prepare_v2(letters->db,
                                  "SELECT count(*), coalesce(sum(" BYTES "), 0),"
                                  " (SELECT letters FROM dropped) FROM letter",
                                  -1, &counts, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(counts)) == SQLITE_ROW) {
        letters->count = (uint64_t)sqlite3_column_int64(counts, 0);
        letters->bytes = (uint64_t)sqlite3_column_int64(counts, 1);
        letters->dropped = (uint64_t)sqlite3_column_int64(counts, 2);
    }
    sqlite3_finalize(counts);
    return code == SQLITE_ROW ? 0 : fail(letters, "read", err);
}

struct mr_dead_letters *
mr_dead_letters_open(const struct mr_dead_letters_options *options, struct mr_error *err)
{
    mr_auto(mr_dead_letters_close) struct mr_dead_letters *letters =
        mr_alloc_zero(1, sizeof(*letters));
    letters->path = mr_strdup(options->path);
    letters->max_count = options->max_count == 0 ? DEFAULT_COUNT : options->max_count;
    letters->max_bytes = options->max_bytes == 0 ? default_bytes : options->max_bytes;
    if (sqlite3_open(options->path, &letters->db) != SQLITE_OK) {
        fail(letters, "open", err);
        return NULL;
    }
    sqlite3_busy_timeout(letters->db, BUSY_MS);
    if (execute(letters, schema, err) < 0 || prepare_all(letters, err) < 0 ||
        read_counts(letters, err) < 0) {
        return NULL;
    }
    return MR_TAKE(letters);
}

void
mr_dead_letters_close(struct mr_dead_letters *letters)
{
    if (letters == NULL) {
        return;
    }
    sqlite3_finalize(letters->add);
    sqlite3_finalize(letters->list);
    sqlite3_finalize(letters->get);
    sqlite3_finalize(letters->remove);
    sqlite3_finalize(letters->size);
    sqlite3_finalize(letters->oldest);
    sqlite3_finalize(letters->note_dropped);
    sqlite3_close(letters->db);
    free(letters->path);
    free(letters);
}
