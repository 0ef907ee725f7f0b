#include <stdint.h>
#include <stdlib.h>

#include "aws/credential_answer.h"
#include "aws/profile.h"
#include "aws/xml.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What others' services and files say to a client: XML, credentials in JSON, INI. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice text = mr_slice_of(data, size);
    static int (*const readers[])(struct mr_slice, struct mr_credentials *,
                                  struct mr_error *) = { mr_credential_answer_json,
                                                         mr_credential_answer_sts,
                                                         mr_credential_answer_sso };
    struct mr_credentials credentials = { 0 };
    struct mr_slice token;
    uint64_t end;
    struct mr_profile profile = { 0 };
    mr_auto_arena struct mr_arena arena = { 0 };

    struct mr_slice code = mr_xml_text(text, "Code", &arena);
    mr_assert(code.size <= size);
    mr_profile_parse(text, MR_SLICE("a"), MR_SECTION_CONFIG, &profile);
    mr_profile_parse(text, MR_SLICE("default"), MR_SECTION_CREDENTIALS, &profile);
    mr_profile_parse(text, MR_SLICE("s"), MR_SECTION_SSO_SESSION, &profile);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (readers[i](text, &credentials, NULL) == 0) {
            mr_credentials_deinit(&credentials);
        }
    }
    (void)!mr_credential_answer_login(text, &arena, &token, &end, NULL);
    return 0;
}
