#include "sandbox/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 200 };

static void
remove_below(int dir_fd, const char *name, int depth)
{
    if (unlinkat(dir_fd, name, 0) == 0 || depth == MAX_DEPTH) {
        return;
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            remove_below(fd, e->d_name, depth + 1);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void
mr_remove_tree(int dir_fd, const char *name)
{
    remove_below(dir_fd, name, 0);
}
