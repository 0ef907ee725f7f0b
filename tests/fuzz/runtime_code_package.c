#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "runtime/code_package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[] = "/tmp/mr-fuzz-package-XXXXXX", target[64];

/* Files, directories and links, without setuid; and no link's first step leads out. */
static int
check_and_remove(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    char link[4096];

    (void)kind;
    mr_assert(S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode) || S_ISLNK(stat->st_mode));
    mr_assert((stat->st_mode & (S_ISUID | S_ISGID)) == 0 || S_ISDIR(stat->st_mode));
    if (S_ISLNK(stat->st_mode)) {
        ssize_t length = readlink(path, link, sizeof(link) - 1);
        mr_assert(length > 0 && link[0] != '/');
    }
    if (place->level > 0) {
        (void)remove(path);
    }
    return 0;
}

/* Whatever the bytes are, nothing appears beside the directory, and nothing odd in it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stat stat;

    if (target[0] == 0) {
        mr_assert(mkdtemp(top) != NULL);
        snprintf(target, sizeof(target), "%s/package", top);
        mr_assert(mkdir(target, 0700) == 0);
    }
    (void)!mr_code_package_unpack(mr_slice_of(data, size), target, NULL);
    (void)nftw(target, check_and_remove, 16, FTW_DEPTH | FTW_PHYS);
    mr_assert(lstat(top, &stat) == 0 && stat.st_nlink == 3); /* `package` is its one directory */
    return 0;
}
