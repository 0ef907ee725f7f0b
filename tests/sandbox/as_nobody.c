/* as_nobody: runs the daemon named by MILLRACE_SANDBOXD as an ordinary user, for tests. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    (void)argc;
    const char *path = getenv("MILLRACE_SANDBOXD");

    unsetenv("XDG_RUNTIME_DIR");
    if (path == NULL || setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
        setresuid(65534, 65534, 65534) < 0) {
        perror("as_nobody");
        return 1;
    }
    execv(path, argv);
    perror(path);
    return 1;
}
