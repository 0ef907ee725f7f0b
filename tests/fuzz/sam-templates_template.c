#include "base/assert.h"
#include "base/buf.h"
#include "sam-templates/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes are a template or they are not; what is written about them is JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const parameters[] = { "Stage=prod", "P=1", NULL };
    for (int lenient = 0; lenient < 2; lenient++) {
        struct mr_template_options options = {
            .parameters = parameters,
            .missing = lenient ? MR_TEMPLATE_MISSING_IS_DUMMY : MR_TEMPLATE_MISSING_IS_ERROR,
        };
        mr_auto_buf struct mr_buf out = { 0 };
        struct mr_template *tpl = mr_template_parse(mr_slice_of(data, size), &options);
        mr_template_write_json(tpl, lenient ? MR_TEMPLATE_L1 : MR_TEMPLATE_L2, &out);
        mr_assert(out.size > 0 && out.data[0] == '{');
        mr_template_free(tpl);
    }
    return 0;
}
