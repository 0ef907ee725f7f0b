#include "runtime/bootstraps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"

/* The directory of the running program, "" when the kernel does not say. */
static char *
own_directory(void)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return mr_strdup(path);
}

/* Takes `path`; NULL when it is no directory. */
static char *
if_directory(char *path)
{
    struct stat st;
    char *whole = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? realpath(path, NULL) : NULL;
    free(path);
    return whole;
}

char *
mr_bootstraps_find(void)
{
    const char *named = getenv("MILLRACE_BOOTSTRAPS");
    mr_auto_free char *own = own_directory();
    char *found = named == NULL ? NULL : if_directory(mr_strdup(named));
    if (found == NULL) { /* the build tree */
        found = if_directory(mr_format("%s/../bootstraps", own));
    }
    if (found == NULL) { /* installed */
        found = if_directory(mr_format("%s/../lib/millrace/bootstraps", own));
    }
    return found;
}
