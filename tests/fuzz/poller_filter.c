#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "poller/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A pattern, a NUL, an event. What matches once matches again, and an explanation agrees. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice event = mr_slice_of(data, size);
    struct mr_slice text = mr_slice_cut(&event, 0);
    struct mr_error err = { 0 };
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf lines = { 0 };
    mr_auto(mr_pattern_free) struct mr_pattern *pattern = mr_pattern_new(text, &err);

    if (pattern == NULL) {
        mr_assert(err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    enum mr_pattern_verdict verdict = mr_pattern_match(pattern, event, &scratch);
    mr_arena_reset(&scratch);
    mr_assert(mr_pattern_explain(pattern, event, &scratch, &lines) == verdict);
    mr_assert((verdict == MR_PATTERN_NO_MATCH) == (lines.size > 0));
    return 0;
}
