#include <stdint.h>
#include <stdlib.h>

#include "aws/credential_fetch.h"
#include "aws/profile.h"
#include "aws/xml.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What others' services and files say to a client: XML, credentials in JSON, INI. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice text = mr_slice_of(data, size);
    struct mr_credentials credentials = { 0 };
    struct mr_profile profile = { 0 };
    mr_auto_arena struct mr_arena arena = { 0 };

    struct mr_slice code = mr_xml_text(text, "Code", &arena);
    mr_assert(code.size <= size);
    mr_profile_parse(text, MR_SLICE("a"), true, &profile);
    mr_profile_parse(text, MR_SLICE("default"), false, &profile);
    if (mr_credential_fetch_read_json(text, &credentials, NULL) == 0) {
        mr_credentials_deinit(&credentials);
    }
    return 0;
}
