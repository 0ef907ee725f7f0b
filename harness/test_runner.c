#include "harness/test_runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "harness/expectation.h"
#include "harness/step.h"
#include "harness/test_file.h"
#include "harness/world.h"
#include "runtime/bootstraps.h"

/* A file being run. */
struct session {
    const struct mr_test_run *run;
    struct mr_test_report *report;
    const struct mr_test_file *file;
    const struct mr_template *tpl;
    char *build_dir;
    uint64_t *received; /* a mapping: records that reached its function, in all cases */
    size_t ran;         /* cases */
};

enum { USUAL_SEED = 1 };

/* ---- one case, one seed ---- */

static void
add_sums(struct session *session, const struct mr_world *world, struct mr_test_result *result)
{
    for (size_t m = 0; m < mr_world_mapping_count(world); m++) {
        const struct mr_world_mapping *mapping = mr_world_mapping(world, m);
        struct mr_world_sums sums = mr_world_sums(world, m);
        session->received[m] += sums.records.delivered;
        result->records += sums.records.delivered;
        result->invocations += sums.invocations;
        result->dropped += sums.records.dropped;
        if (result->function[0] == '\0' && mapping->function != NULL) {
            result->function = mapping->function->logical_id;
        }
    }
}

static void
play(struct session *session, const struct mr_test_case *one, struct mr_world *world,
     struct mr_buf *complaints)
{
    struct mr_error err = { 0 };
    enum mr_test_golden golden = session->run->explore > 0 ? MR_GOLDEN_IGNORE
                                 : session->run->update    ? MR_GOLDEN_UPDATE
                                                           : MR_GOLDEN_COMPARE;
    if (mr_test_case_perform(session->file, one, world, &err) < 0 ||
        mr_world_drain(world, &err) < 0 ||
        mr_test_case_judge(session->file, one, world, golden, complaints, &err) < 0) {
        mr_buf_printf(complaints, "%s\n", err.text);
    }
}

/* True when it passed. A pass is told only when `tell_pass`. */
static bool
run_once(struct session *session, const struct mr_test_case *one, uint64_t seed, bool shuffle,
         bool tell_pass)
{
    const struct mr_test_run *run = session->run;
    struct mr_test_result result = { .file = session->file->path,
                                     .name = one->name,
                                     .line = one->line,
                                     .function = "",
                                     .seed = seed };
    struct mr_world_options options = {
        .tpl = session->tpl,
        .build_dir = session->build_dir,
        .bootstraps = run->bootstraps,
        .sandboxd = run->sandboxd,
        .require = (enum mr_sandbox_level)run->require_level,
        .sandbox_off = run->sandbox_off,
        .seed = seed,
        .shuffle = shuffle,
        .max_virtual_ms = run->max_virtual_ms,
        .max_invocations = run->max_invocations,
        .max_real_ms = run->max_real_ms,
    };
    mr_auto_buf struct mr_buf complaints = { 0 };
    struct mr_error err = { 0 };
    uint64_t began_us = mr_clock_now_us(mr_clock_system());

    struct mr_world *world = mr_world_new(&options, &err);
    if (world == NULL) {
        mr_buf_printf(&complaints, "%s\n", err.text);
    } else {
        play(session, one, world, &complaints);
        add_sums(session, world, &result);
        result.virtual_ms = mr_world_now_ms(world);
        result.transcript = mr_world_transcript(world);
        result.log = mr_world_log(world);
    }
    result.passed = complaints.size == 0;
    result.complaints = mr_buf_slice(&complaints);
    result.real_us = mr_clock_now_us(mr_clock_system()) - began_us;
    if (!result.passed || tell_pass) {
        mr_test_report_add(session->report, &result);
    }
    mr_world_free(world);
    return result.passed;
}

static void
run_case(struct session *session, const struct mr_test_case *one)
{
    const struct mr_test_run *run = session->run;
    uint64_t seed = run->has_seed ? run->seed : one->has_seed ? one->seed : USUAL_SEED;

    session->ran++;
    if (run->explore == 0) {
        run_once(session, one, seed, false, true);
        return;
    }
    for (uint64_t i = 0; i < run->explore; i++) {
        if (!run_once(session, one, seed + i, true, i + 1 == run->explore)) {
            return;
        }
    }
}

/* ---- one file ---- */

static bool
may_be_idle(const struct mr_test_file *file, const char *mapping)
{
    for (const char *const *name = file->idle; *name != NULL; name++) {
        if (strcmp(*name, mapping) == 0) {
            return true;
        }
    }
    return false;
}

/* A mapping that no case ever gave a record is a typing mistake in a filter or a stream's name.
 */
static void
judge_mappings(struct session *session)
{
    const struct mr_template_model *model = mr_template_model_of(session->tpl);
    mr_auto_buf struct mr_buf complaints = { 0 };
    for (size_t m = 0; m < model->mapping_count; m++) {
        const struct mr_template_mapping *mapping = &model->mappings[m];
        if (mapping->source != MR_TEMPLATE_KINESIS || !mapping->enabled) {
            mr_auto_free char *note =
                mr_format("%s is not run: %s", mapping->logical_id,
                          mapping->enabled ? "it reads no Kinesis stream" : "not enabled");
            mr_test_report_note(session->report, note);
        } else if (session->received[m] == 0 &&
                   !may_be_idle(session->file, mapping->logical_id)) {
            mr_buf_printf(&complaints,
                          "%s never received a record in any case; a filter that lets nothing "
                          "pass? (idle: [%s] in the file says that this is meant)\n",
                          mapping->logical_id, mapping->logical_id);
        }
    }
    struct mr_test_result result = {
        .file = session->file->path,
        .name = "every mapping received a record",
        .line = 1,
        .function = "",
        .passed = complaints.size == 0,
        .complaints = mr_buf_slice(&complaints),
    };
    if (!result.passed) {
        mr_test_report_add(session->report, &result);
    }
}

/* "Name=" of two lists: those of the run come last, and count. */
static const char **
join(const char *const *first, const char *const *second)
{
    size_t a = 0, b = 0;
    while (first != NULL && first[a] != NULL) {
        a++;
    }
    while (second != NULL && second[b] != NULL) {
        b++;
    }
    const char **both = mr_alloc_zero(a + b + 1, sizeof(both[0]));
    for (size_t i = 0; i < a + b; i++) {
        both[i] = i < a ? first[i] : second[i - a];
    }
    return both;
}

static struct mr_template *
load_template(const struct mr_test_run *run, const struct mr_test_file *file,
              struct mr_error *err)
{
    mr_auto_free const char **parameters = join(file->parameters, run->parameters);
    struct mr_template_options options = { .parameters = parameters };
    mr_auto(mr_template_free) struct mr_template *tpl =
        mr_template_load(file->template_path, &options, err);
    size_t count;

    if (tpl == NULL || mr_template_ok(tpl)) {
        return MR_TAKE(tpl);
    }
    const struct mr_template_diagnostic *diagnostics = mr_template_diagnostics(tpl, &count);
    for (size_t i = 0; i < count; i++) {
        if (diagnostics[i].severity == MR_TEMPLATE_ERROR) {
            mr_auto_buf struct mr_buf text = { 0 };
            mr_template_format(tpl, &diagnostics[i], &text);
            mr_fail(err, -EINVAL, "%s", mr_buf_cstr(&text));
            break;
        }
    }
    return NULL;
}

/* Absolute where it exists; the caller's to free. */
static char *
directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    mr_auto_free char *directory =
        slash == NULL ? mr_strdup(".")
                      : mr_slice_dup(mr_slice_of(path, (size_t)(slash - path)));
    char *whole = realpath(directory, NULL);
    return whole == NULL ? MR_TAKE(directory) : whole;
}

static int
run_file(const struct mr_test_run *run, struct mr_test_report *report, const char *path,
         struct mr_error *err)
{
    mr_auto(mr_test_file_free) struct mr_test_file *file = mr_test_file_load(path, err);
    if (file == NULL) {
        return err->code;
    }
    mr_auto(mr_template_free) struct mr_template *tpl = load_template(run, file, err);
    if (tpl == NULL) {
        return err->code;
    }
    mr_auto_free char *directory = directory_of(file->template_path);
    if (run->prepare != NULL) {
        int rc = run->prepare(tpl, directory, run->context, err);
        if (rc < 0) {
            return rc;
        }
    }
    size_t mappings = mr_template_model_of(tpl)->mapping_count;
    mr_auto_free char *build_dir = run->build_subdirectory == NULL
                                       ? NULL
                                       : mr_format("%s/%s", directory, run->build_subdirectory);
    mr_auto_free uint64_t *received = mr_alloc_zero(mappings + 1, sizeof(received[0]));
    struct session session = { run, report, file, tpl, build_dir, received, 0 };
    for (size_t i = 0; i < file->case_count; i++) {
        if (run->only == NULL || strstr(file->cases[i].name, run->only) != NULL) {
            run_case(&session, &file->cases[i]);
        }
    }
    if (session.ran == file->case_count) {
        judge_mappings(&session);
    }
    return 0;
}

int
mr_test_run(const struct mr_test_run *run, struct mr_test_report *report, struct mr_error *err)
{
    int worst = 0;
    for (const char *const *path = run->files; *path != NULL; path++) {
        struct mr_error own = { 0 };
        if (run_file(run, report, *path, &own) < 0) {
            struct mr_test_result result = { .file = *path,
                                             .name = "can be read",
                                             .line = 1,
                                             .function = "",
                                             .complaints = mr_slice_str(own.text) };
            mr_test_report_add(report, &result);
            if (worst == 0) {
                worst = own.code;
                *err = own;
            }
        }
    }
    return worst;
}

char *
mr_test_bootstraps(void)
{
    return mr_bootstraps_find();
}
