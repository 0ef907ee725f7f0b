#include "base/assert.h"
#include "runtime/log_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_line(const struct mr_log_line *line, void *context)
{
    size_t *total = context;

    for (size_t i = 0; i < line->text.size; i++) {
        uint8_t byte = line->text.data[i];
        mr_assert(byte >= 0x20 || byte == '\t' || byte == '\n');
    }
    *total += line->text.size;
}

/* However the bytes are cut, the lines are the same; and no control character gets through. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_log_lines whole = { 0 }, split = { 0 };
    size_t whole_total = 0, split_total = 0;

    mr_log_lines_feed(&whole, mr_slice_of(data, size), on_line, &whole_total);
    mr_log_lines_end(&whole, on_line, &whole_total);
    for (size_t i = 0; i < size; i++) {
        mr_log_lines_feed(&split, mr_slice_of(data + i, 1), on_line, &split_total);
    }
    mr_log_lines_end(&split, on_line, &split_total);
    mr_assert(whole_total == split_total);
    mr_log_lines_deinit(&whole);
    mr_log_lines_deinit(&split);
    return 0;
}
