#include "stream/api/kinesis.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "stream/api/catalog.h"
#include "stream/api/records.h"
#include "stream/api/reshard.h"
#include "stream/api/subscribe.h"
#include "stream/store.h"

enum { PAGE = 100 };

/* A stream whose facts a crash has lost keeps its records, with AWS's defaults for the rest. */
static void
adopt_stored_streams(struct mr_kinesis *kinesis)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_stream_info infos[PAGE];
    struct mr_slice after = { NULL, 0 };
    for (bool more = true; more;) {
        size_t count = mr_store_list(kinesis->options.store, after, PAGE, &arena, infos, &more);
        for (size_t i = 0; i < count; i++) {
            if (mr_catalog_find(kinesis->catalog, infos[i].name) == NULL) {
                struct mr_stream_facts *facts = mr_catalog_add(kinesis->catalog, infos[i].name);
                facts->created_ms = facts->active_ms = infos[i].created_ms;
                mr_log(MR_LOG_WARN, "stream",
                       "stream %s was not in the catalog: taken over "
                       "with default settings",
                       facts->name);
            }
            after = infos[i].name;
        }
        more = more && count > 0;
    }
}

/* Facts without a stream are what is left of one that was being made or deleted. */
static void
drop_orphaned_facts(struct mr_kinesis *kinesis)
{
    struct mr_stream_info info;
    struct mr_slice after = { NULL, 0 };
    struct mr_stream_facts *facts;
    while ((facts = mr_catalog_next(kinesis->catalog, after)) != NULL) {
        if (mr_store_glance(kinesis->options.store, mr_slice_str(facts->name), &info)) {
            mr_kinesis_settle_at(kinesis, facts->deleted_ms);
            after = mr_slice_str(facts->name);
        } else {
            mr_catalog_remove(kinesis->catalog, facts);
        }
    }
}

void
mr_kinesis_apply_encryption(struct mr_kinesis *kinesis)
{
    struct mr_slice after = { NULL, 0 };
    const struct mr_stream_facts *facts, *encrypted = NULL;
    while (encrypted == NULL && (facts = mr_catalog_next(kinesis->catalog, after)) != NULL) {
        encrypted = facts->encrypted ? facts : NULL;
        after = mr_slice_str(facts->name);
    }
    if (!mr_store_encrypt(kinesis->options.store, encrypted != NULL)) {
        mr_log(
            MR_LOG_WARN, "stream",
            "stream %s says it is encrypted, but nothing on this disk is: there is no master "
            "key; give one with --master-key-file",
            encrypted->name);
    }
}

struct mr_kinesis *
mr_kinesis_new(const struct mr_kinesis_options *options, struct mr_error *err)
{
    mr_auto(mr_catalog_close) struct mr_catalog *catalog =
        mr_catalog_open(options->directory, err);
    if (catalog == NULL) {
        return NULL;
    }
    struct mr_kinesis *kinesis = mr_alloc_zero(1, sizeof(*kinesis));
    kinesis->options = *options;
    kinesis->catalog = MR_TAKE(catalog);
    mr_list_init(&kinesis->delayed);
    mr_list_init(&kinesis->waiting);
    mr_list_init(&kinesis->subscriptions);
    mr_random_init_system(&kinesis->random);
    adopt_stored_streams(kinesis);
    drop_orphaned_facts(kinesis);
    mr_kinesis_apply_encryption(kinesis);
    if (mr_catalog_save(kinesis->catalog, err) < 0) {
        mr_kinesis_free(kinesis);
        return NULL;
    }
    return kinesis;
}

void
mr_kinesis_free(struct mr_kinesis *kinesis)
{
    if (kinesis != NULL) {
        mr_reshard_forget(kinesis);
        mr_subscribe_forget(kinesis);
        mr_catalog_close(kinesis->catalog);
        free(kinesis);
    }
}

static void
on_dropped(const struct mr_error *err, void *context)
{
    (void)context;
    if (err != NULL) {
        mr_log(MR_LOG_ERROR, "stream", "delete a stream: %s", err->text);
    }
}

void
mr_kinesis_drop_stream(struct mr_kinesis *kinesis, struct mr_stream_facts *facts)
{
    struct mr_change change = { .kind = MR_CHANGE_DELETE, .stream = mr_slice_str(facts->name) };
    mr_store_change(kinesis->options.store, &change, kinesis->options.loop, on_dropped, NULL);
    mr_catalog_remove(kinesis->catalog, facts);
}

void
mr_kinesis_settle_at(struct mr_kinesis *kinesis, uint64_t at_ms)
{
    if (at_ms != 0 && (kinesis->next_settle_ms == 0 || at_ms < kinesis->next_settle_ms)) {
        kinesis->next_settle_ms = at_ms;
    }
}

void
mr_kinesis_wind_down(struct mr_kinesis *kinesis)
{
    mr_records_stop_waiting(kinesis);
    mr_subscribe_end_all(kinesis);
}
