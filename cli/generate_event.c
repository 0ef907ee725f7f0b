/*
 * millrace generate-event: the event a template's mapping would hand to its function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/alloc.h"
#include "cli/input.h"
#include "cli/putter.h"
#include "cli/remote.h"
#include "cli/template_flags.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "harness/generate_event.h"

enum { RECORDS = 256, KEYS, DATA, WINDOW, SHAPE, PUT, MAX_DATA_BYTES = 1024 * 1024 };

static const char *const shapes[] = { "insert",     "modify",     "remove", "ddb-insert",
                                      "ddb-modify", "ddb-remove", NULL };

static const struct argp_option options[] = {
    { "records", RECORDS, "N", 0, "How many records (1)", 0 },
    { "keys", KEYS, "N", 0,
      "How many different keys among them (as many as records, at most 8)", 0 },
    { "data", DATA, "TEXT|@FILE", 0, "A record's data; ${n} becomes its number ({\"n\":${n}})",
      0 },
    { "window", WINDOW, NULL, 0, "With what a tumbling window adds", 0 },
    { "shape", SHAPE, "insert|modify|remove", 0,
      "DynamoDB: what happened to the items (insert)", 0 },
    { "put", PUT, NULL, 0, "Put the records into the stream that is up, instead of printing",
      0 },
    { 0 },
};

struct flags {
    struct mr_template_flags template;
    struct mr_place_flags place;
    struct mr_generate_event how;
    const char *name, *data;
    bool put;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->template;
        break;
    case RECORDS:
        flags->how.records =
            mr_flag_number(state, "--records", arg, 1, MR_GENERATE_MAX_RECORDS);
        break;
    case KEYS:
        flags->how.keys = mr_flag_number(state, "--keys", arg, 1, MR_GENERATE_MAX_RECORDS);
        break;
    case DATA:
        flags->data = arg;
        break;
    case WINDOW:
        flags->how.window = true;
        break;
    case SHAPE:
        flags->how.shape =
            (enum mr_event_shape)(mr_flag_choice(state, "--shape", arg, shapes) % 3);
        break;
    case PUT:
        flags->put = true;
        break;
    case ARGP_KEY_ARG:
        if (flags->name != NULL) {
            argp_error(state, "one mapping at a time; \"%s\" is one too many", arg);
        }
        flags->name = arg;
        break;
    case ARGP_KEY_END:
        if (flags->name == NULL) {
            argp_error(state, "which mapping? FUNCTION.EVENT, as OrderFn.FromOrders");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FUNCTION.EVENT",
    .doc =
        "Print an event as the template's mapping would hand it to its function: with the "
        "template's ARNs, keys of one shard and rising sequence numbers. Give it to a function "
        "with `millrace invoke FUNCTION --event -`.",
    .children = (const struct argp_child[]){ { &mr_template_argp, 0, "Template:", 1 }, { 0 } },
};

/* ---- printing ---- */

static int
print(const struct flags *flags, const struct mr_template *tpl, struct mr_error *err)
{
    mr_auto_buf struct mr_buf event = { 0 };
    int rc = mr_generate_event(tpl, flags->name, &flags->how, &event, err);
    if (rc < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err->text);
    }
    mr_buf_append_byte(&event, '\n');
    fwrite(event.data, 1, event.size, stdout);
    return MR_EXIT_OK;
}

/* ---- putting ---- */

static int
put_all(const struct flags *flags, const struct mr_template_mapping *mapping,
        struct mr_remote *remote, const char *stream, struct mr_error *err)
{
    struct mr_putter putter;
    struct mr_putter_options how = { .remote = remote, .stream = stream };
    size_t records = flags->how.records == 0 ? 1 : flags->how.records;
    size_t keys = flags->how.keys == 0 ? (records < 8 ? records : 8) : flags->how.keys;
    int rc = 0;

    mr_putter_init(&putter, &how);
    for (size_t n = 0; rc == 0 && n < records; n++) {
        mr_auto_buf struct mr_buf data = { 0 };
        char key[32];
        int size = snprintf(key, sizeof(key), "key-%zu", n % keys + 1);
        mr_generate_data(flags->how.data.data == NULL ? MR_SLICE("{\"n\":${n}}")
                                                      : flags->how.data,
                         n + 1, &data);
        rc = mr_putter_add(&putter, mr_slice_of(key, (size_t)size), (struct mr_slice){ 0 },
                           mr_buf_slice(&data), err);
    }
    rc = rc == 0 ? mr_putter_flush(&putter, err) : rc;
    mr_putter_deinit(&putter);
    if (rc < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err->text);
    }
    printf("put     %zu record%s into %s, for %s\n", records, records == 1 ? "" : "s", stream,
           mapping->logical_id);
    return MR_EXIT_OK;
}

static int
put(const struct flags *flags, const struct mr_template *tpl, struct mr_error *err)
{
    const struct mr_template_mapping *mapping = mr_generate_mapping(tpl, flags->name, err);
    if (mapping == NULL) {
        return mr_complain(MR_EXIT_FAILED, "%s", err->text);
    }
    const char *name =
        mapping->source_arn == NULL ? NULL : strstr(mapping->source_arn, ":stream/");
    if (mapping->source != MR_TEMPLATE_KINESIS || name == NULL) {
        return mr_complain(MR_EXIT_FAILED, "%s reads %s: --put puts into Kinesis streams",
                           mapping->logical_id, mr_template_source_name(mapping->source));
    }
    name += strlen(":stream/");
    mr_auto_free char *stream = mr_slice_dup(mr_slice_of(name, strcspn(name, "/")));
    mr_auto_place struct mr_place place = { 0 };
    mr_auto_remote struct mr_remote remote = { 0 };
    mr_place_find(&place, &flags->place);
    mr_remote_init(&remote, NULL, &place);
    return put_all(flags, mapping, &remote, stream, err);
}

/* ---- the verb ---- */

static int
read_data(struct flags *flags, struct mr_buf *file, struct mr_error *err)
{
    if (flags->data == NULL) {
        return 0;
    }
    flags->how.data = mr_slice_str(flags->data);
    if (flags->data[0] != '@') {
        return 0;
    }
    int rc = mr_record_input_read_file(flags->data + 1, MAX_DATA_BYTES, file, err);
    while (rc == 0 && file->size > 0 && file->data[file->size - 1] == '\n') {
        file->size--; /* an editor's, not the record's */
    }
    flags->how.data =
        mr_slice_of(file->data == NULL ? (const void *)"" : file->data, file->size);
    return rc;
}

int
mr_verb_generate_event(int argc, char **argv)
{
    struct flags flags = { 0 };
    struct mr_error err = { 0 };
    mr_auto_buf struct mr_buf file = { 0 };

    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    if (read_data(&flags, &file, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "%s", err.text);
    }
    mr_auto_free char *path = mr_template_flags_path(&flags.template, &err);
    mr_auto(mr_template_free) struct mr_template *tpl =
        path == NULL ? NULL : mr_template_flags_load(&flags.template, path, &err);
    if (tpl == NULL) {
        return mr_complain(MR_EXIT_TEMPLATE, "%s", err.text);
    }
    return flags.put ? put(&flags, tpl, &err) : print(&flags, tpl, &err);
}
