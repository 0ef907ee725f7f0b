/* Whatever stands in the memfd, its strings end where they should; and what was parsed parses
 * again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "sandbox/launch_strings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add(struct mr_buf *buf, enum mr_launch_tag tag, const char *value)
{
    if (value != NULL) {
        mr_assert(mr_launch_strings_add(buf, tag, mr_slice_str(value), NULL) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_buf struct mr_buf again = { 0 };
    struct mr_launch_strings first, second;
    struct mr_error err;

    if (mr_launch_strings_parse(&first, mr_slice_of(data, size), &err) < 0) {
        return 0;
    }
    add(&again, MR_LAUNCH_NAME, first.name);
    add(&again, MR_LAUNCH_CODE_DIR, first.code_dir);
    add(&again, MR_LAUNCH_RUNTIME_DIR, first.runtime_dir);
    for (size_t i = 0; i < first.arg_count; i++) {
        add(&again, MR_LAUNCH_ARG, first.args[i]);
    }
    for (size_t i = 0; i < first.env_count; i++) {
        mr_assert(strchr(first.env[i], '=') != NULL);
        add(&again, MR_LAUNCH_ENV, first.env[i]);
    }
    mr_assert(mr_launch_strings_parse(&second, mr_buf_slice(&again), &err) == 0);
    mr_assert(second.arg_count == first.arg_count && second.env_count == first.env_count);
    return 0;
}
