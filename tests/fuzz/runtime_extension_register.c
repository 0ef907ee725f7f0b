/* Can any body of a registration hurt us, or make an internal extension hear of the end? */
#include "base/assert.h"
#include "runtime/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct extension_events events;
    char message[160];

    for (int internal = 0; internal < 2; internal++) {
        const char *wrong = extension_read_events(mr_slice_of(data, size), internal == 1,
                                                  &events, message, sizeof(message));
        mr_assert(wrong != NULL || internal == 0 || !events.shutdown);
        mr_assert(strlen(message) < sizeof(message));
    }
    return 0;
}
