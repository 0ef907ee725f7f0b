/*
 * code_package: unpack a function's zip into a directory, trusting nothing in it.
 *
 * Regular files, directories and symbolic links that stay inside are unpacked,
 * with the permission bits they carry and no others. Anything else is refused,
 * naming the entry: an absolute name, "..", a link out of the package, a
 * device, setuid or setgid bits, more than 250 MB unpacked.
 */
#ifndef MR_RUNTIME_CODE_PACKAGE_H
#define MR_RUNTIME_CODE_PACKAGE_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

enum {
    MR_CODE_MAX_ZIP_BYTES = 50 * 1024 * 1024,
    MR_CODE_MAX_UNPACKED_BYTES = 250 * 1024 * 1024,
    MR_CODE_MAX_ENTRIES = 50000,
};

/*
 * Unpack `zip` into `directory`, which must exist and be empty. On failure the
 * directory holds what was unpacked until then: remove it. -EINVAL for a bad
 * package, -E2BIG over a limit.
 */
int mr_code_package_unpack(struct mr_slice zip, const char *directory,
                           struct mr_error *err) MR_MUST_USE;

#endif
