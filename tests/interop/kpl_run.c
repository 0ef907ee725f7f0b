/*
 * kpl_run: opens KPL aggregates for kpl_put.mjs: base64 a line in, a JSON list of its records a
 * line out; null for what is no aggregate.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_writer.h"
#include "poller/kpl.h"

static void
show(struct mr_slice base64)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf line = { 0 };
    struct mr_record outer = { .data = base64 };
    struct mr_record *inner;
    struct mr_json_writer json = mr_json_writer_on(&line);
    int count = mr_kpl_may_be(&outer) ? mr_kpl_open(&outer, &arena, &inner) : -1;

    if (count < 0) {
        puts("null");
        return;
    }
    mr_json_begin_array(&json);
    for (int i = 0; i < count; i++) {
        mr_json_begin_object(&json);
        mr_json_key(&json, "key");
        mr_json_put_raw(&json, mr_slice_str(mr_arena_printf(
                                   &arena, "\"%.*s\"", MR_SLICE_ARGS(inner[i].partition_key))));
        mr_json_member_string(&json, "data", inner[i].data);
        mr_json_end_object(&json);
    }
    mr_json_end_array(&json);
    printf("%s\n", mr_buf_cstr(&line));
}

int
main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) > 0) {
        show(mr_slice_of(line, (size_t)length - (line[length - 1] == '\n')));
    }
    free(line);
    return 0;
}
