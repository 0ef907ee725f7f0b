#include "stream/api/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json_writer.h"
#include "base/limits.h"

enum { VERSION = 1, DAY_MS = 24 * 3600 * 1000 };

struct mr_catalog {
    char *path;
    struct mr_stream_facts **streams; /* sorted by name */
    size_t count, capacity;
    struct mr_account account;
};

/* ---- tags and changes ---- */

static void
tags_deinit(struct mr_tags *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        free(tags->items[i].key);
        free(tags->items[i].value);
    }
    free(tags->items);
    *tags = (struct mr_tags){ NULL, 0 };
}

/* The place of the first tag whose key is not before `key`. */
static size_t
tag_place(const struct mr_tags *tags, struct mr_slice key, bool *out_found)
{
    size_t place = 0;

    *out_found = false;
    while (place < tags->count) {
        int order = mr_slice_compare(mr_slice_str(tags->items[place].key), key);
        if (order >= 0) {
            *out_found = order == 0;
            break;
        }
        place++;
    }
    return place;
}

void
mr_tags_set(struct mr_tags *tags, struct mr_slice key, struct mr_slice value)
{
    bool found;
    size_t place = tag_place(tags, key, &found);

    if (found) {
        free(tags->items[place].value);
    } else {
        tags->items = mr_realloc(tags->items, (tags->count + 1) * sizeof(*tags->items));
        memmove(tags->items + place + 1, tags->items + place,
                (tags->count - place) * sizeof(*tags->items));
        tags->items[place].key = mr_slice_dup(key);
        tags->count++;
    }
    tags->items[place].value = mr_slice_dup(value);
}

void
mr_tags_remove(struct mr_tags *tags, struct mr_slice key)
{
    bool found;
    size_t place = tag_place(tags, key, &found);

    if (found) {
        free(tags->items[place].key);
        free(tags->items[place].value);
        tags->count--;
        memmove(tags->items + place, tags->items + place + 1,
                (tags->count - place) * sizeof(*tags->items));
    }
}

size_t
mr_changes_today(struct mr_changes *changes, uint64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < changes->count; i++) {
        if (changes->at_ms[i] + DAY_MS > now_ms) {
            changes->at_ms[kept++] = changes->at_ms[i];
        }
    }
    changes->count = kept;
    return kept;
}

void
mr_changes_add(struct mr_changes *changes, uint64_t now_ms)
{
    if (changes->count == MR_CATALOG_MAX_CHANGES) {
        changes->count--;
        memmove(changes->at_ms, changes->at_ms + 1, changes->count * sizeof(changes->at_ms[0]));
    }
    changes->at_ms[changes->count++] = now_ms;
}

/* ---- streams ---- */

static size_t
stream_place(const struct mr_catalog *catalog, struct mr_slice name, bool *out_found)
{
    size_t low = 0, high = catalog->count;

    *out_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = mr_slice_compare(mr_slice_str(catalog->streams[middle]->name), name);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct mr_stream_facts *
mr_catalog_find(struct mr_catalog *catalog, struct mr_slice name)
{
    bool found;
    size_t place = stream_place(catalog, name, &found);
    return found ? catalog->streams[place] : NULL;
}

struct mr_stream_facts *
mr_catalog_add(struct mr_catalog *catalog, struct mr_slice name)
{
    bool found;
    size_t place = stream_place(catalog, name, &found);
    struct mr_stream_facts *facts = mr_alloc_zero(1, sizeof(*facts));

    facts->name = mr_slice_dup(name);
    facts->max_record_kib = MR_KINESIS_DEFAULT_RECORD_KIB;
    facts->warm_mibps = -1;
    mr_list_init(&facts->consumers);
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity == 0 ? 16 : catalog->capacity * 2;
        catalog->streams =
            mr_realloc(catalog->streams, catalog->capacity * sizeof(*catalog->streams));
    }
    memmove(catalog->streams + place + 1, catalog->streams + place,
            (catalog->count - place) * sizeof(*catalog->streams));
    catalog->streams[place] = facts;
    catalog->count++;
    return facts;
}

static void
free_consumer(struct mr_consumer *consumer)
{
    free(consumer->name);
    free(consumer->policy);
    tags_deinit(&consumer->tags);
    free(consumer);
}

static void
free_facts(struct mr_stream_facts *facts)
{
    MR_LIST_EACH(node, &facts->consumers)
    {
        free_consumer(MR_CONTAINER_OF(node, struct mr_consumer, node));
    }
    free(facts->name);
    free(facts->key_id);
    free(facts->policy);
    tags_deinit(&facts->tags);
    free(facts);
}

void
mr_catalog_remove(struct mr_catalog *catalog, struct mr_stream_facts *facts)
{
    bool found;
    size_t place = stream_place(catalog, mr_slice_str(facts->name), &found);

    if (found) {
        catalog->count--;
        memmove(catalog->streams + place, catalog->streams + place + 1,
                (catalog->count - place) * sizeof(*catalog->streams));
        free_facts(facts);
    }
}

size_t
mr_catalog_count(const struct mr_catalog *catalog)
{
    return catalog->count;
}

struct mr_stream_facts *
mr_catalog_next(struct mr_catalog *catalog, struct mr_slice after)
{
    bool found = false;
    size_t place = after.data == NULL ? 0 : stream_place(catalog, after, &found);

    place += found;
    return place < catalog->count ? catalog->streams[place] : NULL;
}

struct mr_account *
mr_catalog_account(struct mr_catalog *catalog)
{
    return &catalog->account;
}

/* ---- consumers ---- */

struct mr_consumer *
mr_catalog_find_consumer(struct mr_stream_facts *facts, struct mr_slice name)
{
    MR_LIST_EACH(node, &facts->consumers)
    {
        struct mr_consumer *consumer = MR_CONTAINER_OF(node, struct mr_consumer, node);
        if (mr_slice_is(name, consumer->name)) {
            return consumer;
        }
    }
    return NULL;
}

struct mr_consumer *
mr_catalog_add_consumer(struct mr_stream_facts *facts, struct mr_slice name)
{
    struct mr_consumer *consumer = mr_alloc_zero(1, sizeof(*consumer));
    struct mr_list *place = &facts->consumers;

    consumer->name = mr_slice_dup(name);
    MR_LIST_EACH(node, &facts->consumers)
    {
        if (strcmp(MR_CONTAINER_OF(node, struct mr_consumer, node)->name, consumer->name) > 0) {
            place = node;
            break;
        }
    }
    mr_list_insert_before(place, &consumer->node);
    facts->consumer_count++;
    return consumer;
}

void
mr_catalog_remove_consumer(struct mr_stream_facts *facts, struct mr_consumer *consumer)
{
    mr_list_remove(&consumer->node);
    facts->consumer_count--;
    free_consumer(consumer);
}

/* ---- writing ---- */

static void
write_tags(struct mr_json_writer *json, const struct mr_tags *tags)
{
    mr_json_key(json, "tags");
    mr_json_begin_object(json);
    for (size_t i = 0; i < tags->count; i++) {
        mr_json_key_slice(json, mr_slice_str(tags->items[i].key));
        mr_json_put_str(json, tags->items[i].value);
    }
    mr_json_end_object(json);
}

static void
write_changes(struct mr_json_writer *json, const char *name, const struct mr_changes *changes)
{
    mr_json_key(json, name);
    mr_json_begin_array(json);
    for (size_t i = 0; i < changes->count; i++) {
        mr_json_put_u64(json, changes->at_ms[i]);
    }
    mr_json_end_array(json);
}

static void
write_optional(struct mr_json_writer *json, const char *name, const char *text)
{
    if (text != NULL) {
        mr_json_member_str(json, name, text);
    }
}

static void
write_consumers(struct mr_json_writer *json, const struct mr_stream_facts *facts)
{
    mr_json_key(json, "consumers");
    mr_json_begin_array(json);
    MR_LIST_EACH(node, &facts->consumers)
    {
        const struct mr_consumer *consumer = MR_CONTAINER_OF(node, struct mr_consumer, node);
        mr_json_begin_object(json);
        mr_json_member_str(json, "name", consumer->name);
        mr_json_member_i64(json, "created_ms", (int64_t)consumer->created_ms);
        mr_json_member_i64(json, "active_ms", (int64_t)consumer->active_ms);
        mr_json_member_i64(json, "deleted_ms", (int64_t)consumer->deleted_ms);
        write_tags(json, &consumer->tags);
        write_optional(json, "policy", consumer->policy);
        mr_json_end_object(json);
    }
    mr_json_end_array(json);
}

static void
write_stream(struct mr_json_writer *json, const struct mr_stream_facts *facts)
{
    mr_json_begin_object(json);
    mr_json_member_str(json, "name", facts->name);
    mr_json_member_i64(json, "created_ms", (int64_t)facts->created_ms);
    mr_json_member_i64(json, "active_ms", (int64_t)facts->active_ms);
    mr_json_member_i64(json, "updated_ms", (int64_t)facts->updated_ms);
    mr_json_member_i64(json, "deleted_ms", (int64_t)facts->deleted_ms);
    mr_json_member_bool(json, "on_demand", facts->on_demand);
    mr_json_member_i64(json, "max_record_kib", facts->max_record_kib);
    mr_json_member_i64(json, "warm_mibps", facts->warm_mibps);
    mr_json_member_bool(json, "encrypted", facts->encrypted);
    write_optional(json, "key_id", facts->key_id);
    mr_json_member_i64(json, "metrics", facts->metrics);
    write_tags(json, &facts->tags);
    write_optional(json, "policy", facts->policy);
    write_consumers(json, facts);
    write_changes(json, "mode_changes", &facts->mode_changes);
    write_changes(json, "count_changes", &facts->count_changes);
    mr_json_end_object(json);
}

static void
write_document(struct mr_buf *buf, const struct mr_catalog *catalog)
{
    struct mr_json_writer json = mr_json_writer_on(buf);

    mr_json_begin_object(&json);
    mr_json_member_i64(&json, "version", VERSION);
    mr_json_key(&json, "account");
    mr_json_begin_object(&json);
    mr_json_member_bool(&json, "commitment", catalog->account.commitment);
    mr_json_member_i64(&json, "commitment_started_ms",
                       (int64_t)catalog->account.commitment_started_ms);
    mr_json_member_i64(&json, "commitment_ended_ms",
                       (int64_t)catalog->account.commitment_ended_ms);
    mr_json_end_object(&json);
    mr_json_key(&json, "streams");
    mr_json_begin_array(&json);
    for (size_t i = 0; i < catalog->count; i++) {
        write_stream(&json, catalog->streams[i]);
    }
    mr_json_end_array(&json);
    mr_json_end_object(&json);
    mr_buf_append_byte(buf, '\n');
}

static int
write_all(int fd, struct mr_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t wrote = write(fd, bytes.data, bytes.size);
        if (wrote < 0 && errno != EINTR) {
            return -errno;
        }
        bytes = mr_slice_from(bytes, wrote < 0 ? 0 : (size_t)wrote);
    }
    return 0;
}

/* The rename is durable once the directory is synced. */
static int
sync_directory(const char *path)
{
    mr_auto_free char *directory = mr_strdup(path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    mr_auto_fd int fd =
        open(slash != NULL ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int
mr_catalog_save(struct mr_catalog *catalog, struct mr_error *err)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_auto_free char *fresh = mr_format("%s.new", catalog->path);

    write_document(&buf, catalog);
    mr_auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = fd < 0 ? -errno : write_all(fd, mr_buf_slice(&buf));
    if (code == 0 && (fsync(fd) < 0 || rename(fresh, catalog->path) < 0)) {
        code = -errno;
    }
    if (code == 0) {
        code = sync_directory(catalog->path);
    }
    return code == 0 ? 0 : mr_fail(err, code, "write %s: %s", fresh, strerror(-code));
}

/* ---- reading ---- */

static uint64_t
read_u64(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value < 0 ? 0 : (uint64_t)value;
}

static char *
read_str(const json_t *object, const char *name)
{
    return mr_strdup(json_string_value(json_object_get(object, name)));
}

static void
read_tags(json_t *object, struct mr_tags *tags)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(object, "tags"), key, value)
    {
        mr_tags_set(tags, mr_slice_str(key), mr_slice_str(json_string_value(value)));
    }
}

static void
read_changes(const json_t *object, const char *name, struct mr_changes *changes)
{
    const json_t *list = json_object_get(object, name);

    for (size_t i = 0; i < json_array_size(list); i++) {
        mr_changes_add(changes, (uint64_t)json_integer_value(json_array_get(list, i)));
    }
}

static bool
read_consumer(struct mr_stream_facts *facts, json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    if (name == NULL) {
        return false;
    }
    struct mr_consumer *consumer = mr_catalog_add_consumer(facts, mr_slice_str(name));
    consumer->created_ms = read_u64(object, "created_ms");
    consumer->active_ms = read_u64(object, "active_ms");
    consumer->deleted_ms = read_u64(object, "deleted_ms");
    consumer->policy = read_str(object, "policy");
    read_tags(object, &consumer->tags);
    return true;
}

static bool
read_stream(struct mr_catalog *catalog, json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    if (name == NULL || mr_catalog_find(catalog, mr_slice_str(name)) != NULL) {
        return false;
    }
    struct mr_stream_facts *facts = mr_catalog_add(catalog, mr_slice_str(name));
    const json_t *consumers = json_object_get(object, "consumers");
    facts->created_ms = read_u64(object, "created_ms");
    facts->active_ms = read_u64(object, "active_ms");
    facts->updated_ms = read_u64(object, "updated_ms");
    facts->deleted_ms = read_u64(object, "deleted_ms");
    facts->on_demand = json_is_true(json_object_get(object, "on_demand"));
    facts->max_record_kib = (int64_t)read_u64(object, "max_record_kib");
    facts->warm_mibps = json_integer_value(json_object_get(object, "warm_mibps"));
    facts->encrypted = json_is_true(json_object_get(object, "encrypted"));
    facts->key_id = read_str(object, "key_id");
    facts->metrics = (unsigned)read_u64(object, "metrics");
    facts->policy = read_str(object, "policy");
    read_tags(object, &facts->tags);
    read_changes(object, "mode_changes", &facts->mode_changes);
    read_changes(object, "count_changes", &facts->count_changes);
    for (size_t i = 0; i < json_array_size(consumers); i++) {
        if (!read_consumer(facts, json_array_get(consumers, i))) {
            return false;
        }
    }
    return true;
}

static int
read_document(struct mr_catalog *catalog, struct mr_error *err)
{
    json_error_t mistake;
    json_t *document = json_load_file(catalog->path, JSON_REJECT_DUPLICATES, &mistake);
    const json_t *streams = json_object_get(document, "streams");
    const json_t *account = json_object_get(document, "account");
    int code = 0;

    if (document == NULL) {
        code =
            mr_fail(err, -EBADMSG, "%s: line %d: %s; put back a copy of the file or remove it",
                    catalog->path, mistake.line, mistake.text);
    } else if (read_u64(document, "version") != VERSION || !json_is_array(streams)) {
        code =
            mr_fail(err, -EBADMSG, "%s is not a catalog of version %d", catalog->path, VERSION);
    }
    for (size_t i = 0; code == 0 && i < json_array_size(streams); i++) {
        if (!read_stream(catalog, json_array_get(streams, i))) {
            code =
                mr_fail(err, -EBADMSG, "%s: stream %zu does not make sense", catalog->path, i);
        }
    }
    catalog->account.commitment = json_is_true(json_object_get(account, "commitment"));
    catalog->account.commitment_started_ms = read_u64(account, "commitment_started_ms");
    catalog->account.commitment_ended_ms = read_u64(account, "commitment_ended_ms");
    json_decref(document);
    return code;
}

struct mr_catalog *
mr_catalog_open(const char *directory, struct mr_error *err)
{
    struct mr_catalog *catalog = mr_alloc_zero(1, sizeof(*catalog));

    catalog->path = mr_format("%s/catalog.json", directory);
    if (access(catalog->path, F_OK) == 0 && read_document(catalog, err) < 0) {
        mr_catalog_close(catalog);
        return NULL;
    }
    return catalog;
}

void
mr_catalog_close(struct mr_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        free_facts(catalog->streams[i]);
    }
    free(catalog->streams);
    free(catalog->path);
    free(catalog);
}
