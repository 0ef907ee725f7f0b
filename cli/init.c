/*
 * millrace init: a project that builds, runs and tests at once.
 *
 * Its files stand in cli/init/: common/ and one directory a language, embedded in this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/embedded.h"
#include "cli/build.h"
#include "cli/terminal.h"
#include "cli/verb.h"

extern const struct mr_embedded mr_init_files[];

enum { FORCE = 'f', MAX_PATH_BYTES = 4096 };

static const char *const languages[] = { "c", "python", "nodejs", NULL };

static const struct argp_option options[] = {
    { "lang", 'l', "c|python|nodejs", 0, "The handler's language (c)", 0 },
    { "force", FORCE, NULL, 0, "Write over files that are there", 0 },
    { 0 },
};

struct flags {
    const char *language, *directory;
    bool force;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case 'l':
        flags->language = languages[mr_flag_choice(state, "--lang", arg, languages)];
        break;
    case FORCE:
        flags->force = true;
        break;
    case ARGP_KEY_ARG:
        if (flags->directory != NULL) {
            argp_error(state, "one directory; \"%s\" is one too many", arg);
        }
        flags->directory = arg;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The path in the project, or NULL when the file is another language's. */
static const char *
path_in_project(const struct flags *flags, const char *name)
{
    const char *slash = strchr(name, '/');
    size_t size = (size_t)(slash - name);
    bool ours = strncmp(name, "common/", 7) == 0 ||
                (strlen(flags->language) == size && strncmp(name, flags->language, size) == 0);
    return ours ? slash + 1 : NULL;
}

static int
write_file(const char *path, const struct mr_embedded *file, struct mr_error *err)
{
    mr_auto_free char *directory = mr_strdup(path);
    *strrchr(directory, '/') = '\0';
    if (mr_make_directories(directory, err) < 0) {
        return err->code;
    }
    mr_auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, file->data, file->size) != (ssize_t)file->size) {
        return mr_fail(err, -errno, "write %s: %s", path, strerror(errno));
    }
    return 0;
}

/* Nothing is written when something would be overwritten. */
static int
check(const struct flags *flags, struct mr_error *err)
{
    for (const struct mr_embedded *file = mr_init_files; file->name != NULL; file++) {
        const char *name = path_in_project(flags, file->name);
        mr_auto_free char *path =
            name == NULL ? NULL : mr_format("%s/%s", flags->directory, name);
        if (path != NULL && !flags->force && access(path, F_OK) == 0) {
            return mr_fail(err, -EEXIST,
                           "%s is there already; name another directory, or write over it with "
                           "--force",
                           path);
        }
    }
    return 0;
}

static int
write_all(const struct flags *flags, struct mr_error *err)
{
    for (const struct mr_embedded *file = mr_init_files; file->name != NULL; file++) {
        const char *name = path_in_project(flags, file->name);
        if (name == NULL) {
            continue;
        }
        mr_auto_free char *path = mr_format("%s/%s", flags->directory, name);
        if (write_file(path, file, err) < 0) {
            return err->code;
        }
        printf("  %s\n", path);
    }
    return 0;
}

int
mr_verb_init(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[DIRECTORY]",
        .doc = "Write a project: a SAM template with a stream, a function and a place for what "
               "fails, its handler, an event and tests.\v"
               "Then, in that directory: millrace up --watch",
    };
    struct flags flags = { .language = "c" };
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    if (flags.directory == NULL) {
        flags.directory = ".";
    }
    if (check(&flags, &err) < 0 || write_all(&flags, &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    if (strcmp(flags.directory, ".") == 0) {
        printf("now: millrace up --watch\n");
    } else {
        printf("now: cd %s && millrace up --watch\n", flags.directory);
    }
    return MR_EXIT_OK;
}
