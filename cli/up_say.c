/*
 * What `millrace up` says of itself: what it was given, and when it is ready.
 */
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/up.h"

static unsigned
count_kinds(const struct mr_template_model *model)
{
    return (unsigned)(model->stream_count + model->table_count + model->queue_count);
}

void
mr_up_say_banner(struct mr_up *up)
{
    const struct mr_template_model *model = up->model;
    unsigned destinations = 0;
    for (size_t i = 0; i < model->mapping_count; i++) {
        destinations += model->mappings[i].destination_arn != NULL;
    }
    struct mr_say *say = &up->say;
    mr_say_begin_coloured(say, MR_BOLD, "up");
    mr_say_text(say, "%s   %zu function%s · %zu stream%s · %zu mapping%s", up->template_path,
                model->function_count, model->function_count == 1 ? "" : "s",
                model->stream_count, model->stream_count == 1 ? "" : "s", model->mapping_count,
                model->mapping_count == 1 ? "" : "s");
    if (destinations > 0) {
        mr_say_text(say, " · %u destination%s", destinations, destinations == 1 ? "" : "s");
    }
    mr_say_text(say, "   stack %s  region %s", model->stack_name, model->region);
    mr_say_str(say, "template", up->template_path);
    mr_say_str(say, "stack", model->stack_name);
    mr_say_str(say, "region", model->region);
    mr_say_number(say, "functions", (int64_t)model->function_count);
    mr_say_number(say, "sources", count_kinds(model));
    mr_say_number(say, "mappings", (int64_t)model->mapping_count);
    mr_say_end(say);
    if (model->ignored_type_count > 0) {
        mr_auto_buf struct mr_buf types = { 0 };
        for (size_t i = 0; i < model->ignored_type_count; i++) {
            mr_buf_printf(&types, "%s%s", i == 0 ? "" : ", ", model->ignored_types[i]);
        }
        mr_say_line(say, "ignore", "%s", mr_buf_cstr(&types));
    }
}

static void
say_outputs(struct mr_up *up)
{
    for (size_t i = 0; i < up->model->output_count; i++) {
        const struct mr_template_output *output = &up->model->outputs[i];
        mr_say_begin(&up->say, "output");
        mr_say_text(&up->say, "%-20s %s", output->name, output->value);
        mr_say_str(&up->say, "name", output->name);
        mr_say_str(&up->say, "value", output->value);
        mr_say_end(&up->say);
    }
}

/*
 * What handlers are really shut in by: "L1; namespaces: ..." is shown up to its first part, and
 * below the best level with where to read on.
 */
static void
say_isolation(struct mr_up *up)
{
    struct mr_say *say = &up->say;
    struct mr_error err;
    json_t *status = NULL;
    if (mr_remote_lambda(&up->remote, "GET", "/_millrace/status", (struct mr_slice){ 0 },
                         &err) == 0) {
        status = json_loadb((const char *)up->remote.body.data, up->remote.body.size, 0, NULL);
    }
    const char *isolation = json_string_value(json_object_get(status, "isolation"));
    if (isolation != NULL) {
        bool best = strncmp(isolation, "L1", 2) == 0;
        bool off = strcmp(up->flags->sandbox, "off") == 0;
        mr_say_begin_coloured(say, best ? MR_CYAN : MR_YELLOW, "sandbox");
        mr_say_text(say, "%.*s  network %s%s",
                    off ? (int)strlen(isolation) : (int)strcspn(isolation, ";"), isolation,
                    up->flags->network,
                    best  ? ""
                    : off ? "  handlers can do what you can do"
                          : "  `millrace doctor` says how to get more");
        mr_say_str(say, "isolation", isolation);
        mr_say_str(say, "network", up->flags->network);
        mr_say_end(say);
    }
    json_decref(status);
}

static void
say_ready(struct mr_up *up)
{
    struct mr_say *say = &up->say;
    double seconds = (double)(mr_clock_now_us(mr_clock_system()) - up->built_us) / 1e6;
    mr_say_begin(say, "listen");
    mr_say_text(say, "kinesis+lambda  %s    metrics %s/metrics    state %s", up->endpoint,
                up->endpoint, up->data);
    mr_say_str(say, "endpoint", up->endpoint);
    mr_say_str(say, "data", up->data);
    mr_say_end(say);
    mr_say_begin_coloured(say, MR_GREEN, "ready");
    mr_say_text(say, "%.2f s", seconds);
    mr_say_seconds(say, "seconds", seconds);
    if (up->model->stream_count > 0) {
        mr_say_text(say, "     try: millrace put %s '{\"id\":1}'",
                    up->model->streams[0].logical_id);
    }
    mr_say_end(say);
}

void
mr_up_say_ready(struct mr_up *up)
{
    say_outputs(up);
    say_isolation(up);
    say_ready(up);
}
