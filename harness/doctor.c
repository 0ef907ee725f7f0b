#include "harness/doctor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sandbox/report.h"

/* Programs that handlers and their developers may want; Millrace itself needs none of them. */
static const struct {
    const char *name, *what_for, *package;
} tools[] = {
    { "python3", "handlers in Python", "python3" },
    { "node", "handlers in JavaScript", "nodejs" },
    { "make", "building C handlers from a template", "make" },
    { "gcc", "building C handlers from a template", "gcc" },
    { "gdbserver", "debugging a handler", "gdbserver" },
    { "aws", "the AWS CLI against our endpoint", "awscli" },
};

static bool
find_on_path(const char *name, char *out_path, size_t capacity)
{
    const char *path = getenv("PATH");

    for (const char *dir = path != NULL ? path : "/usr/bin:/bin"; *dir != 0;) {
        size_t length = strcspn(dir, ":");
        int wrote = snprintf(out_path, capacity, "%.*s/%s", (int)length, dir, name);
        if (wrote > 0 && (size_t)wrote < capacity && access(out_path, X_OK) == 0) {
            return true;
        }
        dir += length + (dir[length] == ':');
    }
    return false;
}

static void
write_tools(struct mr_buf *buf)
{
    char path[PATH_MAX];

    mr_buf_printf(buf, "programs\n");
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (find_on_path(tools[i].name, path, sizeof(path))) {
            mr_buf_printf(buf, "  yes %-24s %s\n", tools[i].name, path);
        } else {
            mr_buf_printf(buf, "  no  %-24s for %s: apt install %s\n", tools[i].name,
                          tools[i].what_for, tools[i].package);
        }
    }
}

int
mr_doctor_write(struct mr_buf *buf, struct mr_error *err)
{
    struct mr_sandbox_hello hello;
    struct utsname system;
    int rc = mr_sandbox_probe(NULL, &hello, err);

    if (rc < 0) {
        return rc;
    }
    mr_sandbox_report_write(buf, &hello);
    if (uname(&system) == 0) {
        mr_buf_printf(buf, "kernel          %s %s %s\n", system.sysname, system.release,
                      system.machine);
    }
    write_tools(buf);
    return (int)hello.level;
}
