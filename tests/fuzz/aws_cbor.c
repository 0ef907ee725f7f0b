#include "aws/cbor.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Take everything with the call its kind asks for. */
static void
walk(struct mr_cbor *cbor, struct mr_arena *arena)
{
    struct mr_slice text;
    int64_t number;
    double real;
    bool flag;

    switch (mr_cbor_peek(cbor)) {
    case MR_CBOR_MAP:
        if (mr_cbor_enter(cbor)) {
            while (mr_cbor_next_key(cbor, arena, &text)) {
                walk(cbor, arena);
            }
        }
        break;
    case MR_CBOR_ARRAY:
        if (mr_cbor_enter(cbor)) {
            while (mr_cbor_next_element(cbor)) {
                walk(cbor, arena);
            }
        }
        break;
    case MR_CBOR_TEXT:
        (void)mr_cbor_text(cbor, arena, &text);
        break;
    case MR_CBOR_BYTES:
        (void)mr_cbor_bytes(cbor, arena, &text);
        break;
    case MR_CBOR_UINT:
    case MR_CBOR_NEGATIVE:
        (void)(mr_cbor_timestamp(cbor, &number) || mr_cbor_f64(cbor, &real) ||
               mr_cbor_skip(cbor));
        break;
    case MR_CBOR_FLOAT:
        (void)(mr_cbor_f64(cbor, &real) || mr_cbor_skip(cbor));
        break;
    case MR_CBOR_TRUE:
    case MR_CBOR_FALSE:
        (void)mr_cbor_bool(cbor, &flag);
        break;
    default:
        (void)mr_cbor_skip(cbor);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_cbor skipped = mr_cbor_of(mr_slice_of(data, size)), walked = skipped;

    bool whole = mr_cbor_skip(&skipped);
    walk(&walked, &arena);
    /* Whoever reads sees at least what a skip sees, and nothing else behind it. */
    mr_assert(walked.bad || !whole || walked.cursor == skipped.cursor);
    return 0;
}
