/*
 * What --watch does: inotify on the code's directories and the template, a pause until the
 * editor is done, then build and apply what changed.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/up.h"
#include "cli/verb.h"

enum { SETTLE_MS = 100, MAX_WATCHES = 4096, MAX_DEPTH = 12, MAX_TOUCHED = 256 };
enum {
    CHANGES = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |
              IN_ONLYDIR,
};

struct watched {
    int wd;
    size_t function; /* index; == function_count for the template's directory */
};

/*
 * A file that was touched while we built: the build's own output, or an edit. The first time it
 * counts as an edit and is built once more; touched by that build again, it is an output.
 */
struct touched {
    int wd;
    char *name;
};

struct mr_up_watch {
    struct mr_up *up; /* the caller's, outlives us */
    int fd;
    struct mr_watch *watch;
    struct mr_timer settle;
    struct watched *watched;
    size_t watched_count;
    bool *changed; /* of each function, and of the template behind them */
    size_t function_count;
    struct touched touched[MAX_TOUCHED];
    size_t touched_count;
    bool building, due;
};

static bool
is_ours(const struct mr_up_watch *watch, const char *path)
{
    size_t size = strlen(watch->up->data);
    return strncmp(path, watch->up->data, size) == 0 &&
           (path[size] == '/' || path[size] == '\0');
}

static void
add_directory(struct mr_up_watch *watch, const char *path, size_t function, int depth)
{
    if (depth > MAX_DEPTH || watch->watched_count == MAX_WATCHES || is_ours(watch, path)) {
        return;
    }
    int wd = inotify_add_watch(watch->fd, path, CHANGES);
    if (wd < 0) {
        return;
    }
    watch->watched[watch->watched_count++] = (struct watched){ wd, function };
    DIR *directory = depth == MAX_DEPTH ? NULL : opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' &&
            (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
            mr_auto_free char *child = mr_format("%s/%s", path, entry->d_name);
            add_directory(watch, child, function, depth + 1);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

/* The template's own directory is watched without what is below it. */
static void
add_template(struct mr_up_watch *watch)
{
    mr_auto_free char *path = realpath(watch->up->template_path, NULL);
    if (path != NULL) {
        *strrchr(path, '/') = '\0';
        add_directory(watch, path[0] == '\0' ? "/" : path, watch->function_count, MAX_DEPTH);
    }
}

/*
 * Watch what the model names. A directory that is watched already keeps its number, so nothing
 * that happens meanwhile is missed.
 */
static void
add_all(struct mr_up_watch *watch)
{
    const struct mr_template_model *model = watch->up->model;
    watch->watched_count = 0;
    if (watch->changed == NULL || watch->function_count != model->function_count) {
        free(watch->changed);
        watch->changed = mr_alloc_zero(model->function_count + 1, sizeof(*watch->changed));
        watch->function_count = model->function_count;
    }
    for (size_t i = 0; i < model->function_count; i++) {
        if (model->functions[i].code_path != NULL) {
            add_directory(watch, model->functions[i].code_path, i, 0);
        }
    }
    add_template(watch);
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Swap files and backups of editors are no change. */
static bool
is_noise(const char *name)
{
    size_t size = strlen(name);
    return size == 0 || name[0] == '.' || name[size - 1] == '~' || strcmp(name, "4913") == 0 ||
           (size > 4 && strcmp(name + size - 4, ".swp") == 0);
}

/* Is the event the build's own doing? Outside a build everything is an edit. */
static bool
is_output(struct mr_up_watch *watch, int wd, const char *name)
{
    for (size_t i = 0; i < watch->touched_count; i++) {
        struct touched *touched = &watch->touched[i];
        if (touched->wd != wd || strcmp(touched->name, name) != 0) {
            continue;
        }
        if (watch->building) {
            return true;
        }
        free(touched->name);
        *touched = watch->touched[--watch->touched_count];
        return false;
    }
    if (watch->building && watch->touched_count < MAX_TOUCHED) {
        watch->touched[watch->touched_count++] = (struct touched){ wd, mr_strdup(name) };
    }
    return watch->building && watch->touched_count == MAX_TOUCHED;
}

static void
note(struct mr_up_watch *watch, const struct inotify_event *event)
{
    const char *name = event->len > 0 ? event->name : "";
    if (is_noise(name) || is_output(watch, event->wd, name)) {
        return;
    }
    for (size_t i = 0; i < watch->watched_count; i++) {
        if (watch->watched[i].wd != event->wd) {
            continue;
        }
        size_t function = watch->watched[i].function;
        bool is_template = strcmp(name, base_name(watch->up->template_path)) == 0;
        if (is_template) {
            watch->changed[watch->function_count] = true;
        } else if (function < watch->function_count) {
            watch->changed[function] = true;
        } else {
            continue;
        }
        mr_timer_start(&watch->settle, SETTLE_MS);
    }
}

/* Everything that has happened by now. */
static void
take_events(struct mr_up_watch *watch)
{
    char buffer[16 * 1024] __attribute__((aligned(8)));
    ssize_t size;
    while ((size = read(watch->fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            note(watch, event);
            at += (ssize_t)(sizeof(*event) + event->len);
        }
    }
}

static void
on_inotify(int events, void *context)
{
    (void)events;
    take_events(context);
}

/* ---- doing what the change asks ---- */

/* A template that cannot be run leaves the one that runs. */
static bool
reload_template(struct mr_up *up)
{
    struct mr_error err = { 0 };
    struct mr_template *fresh =
        mr_template_flags_load(&up->flags->template, up->template_path, &err);
    if (fresh == NULL) {
        mr_say_wrong(&up->say, "keep", "the template as it was: %s", err.text);
        return false;
    }
    for (size_t i = 0; i < up->model->function_count; i++) {
        free(up->codes[i]);
    }
    free(up->codes);
    mr_template_free(up->template);
    up->template = fresh;
    up->model = mr_template_model_of(fresh);
    up->codes = mr_alloc_zero(up->model->function_count + 1, sizeof(*up->codes));
    mr_up_name_functions(up);
    return true;
}

static bool
build_changed(struct mr_up *up, const bool *changed)
{
    struct mr_error err = { 0 };
    bool good = true;
    for (size_t i = 0; i < up->model->function_count; i++) {
        if (changed != NULL && !changed[i]) {
            continue;
        }
        int result = mr_up_build_one(up, i, &err);
        if (result < 0 && result != -ENOTSUP) {
            mr_say_wrong(&up->say, "keep", "the code as it was: %s", err.text);
            good = false;
        }
    }
    return good;
}

static void
apply_functions(struct mr_up *up, const bool *changed)
{
    struct mr_error err = { 0 };
    struct mr_apply apply = { .remote = &up->remote,
                              .say = &up->say,
                              .model = up->model,
                              .codes = up->codes,
                              .state = up->state };
    for (size_t i = 0; i < up->model->function_count; i++) {
        if (changed[i] && up->codes[i] != NULL && mr_apply_function(&apply, i, &err) < 0) {
            mr_say_wrong(&up->say, "keep", "%s", err.text);
        }
    }
}

static void
on_settled(void *context)
{
    struct mr_up_watch *watch = context;
    watch->due = true;
    mr_loop_stop(watch->up->loop); /* calls wait on the loop, so they cannot be made from it */
}

void
mr_up_watch_work(struct mr_up_watch *watch)
{
    if (watch == NULL || !watch->due) {
        return;
    }
    struct mr_up *up = watch->up;
    struct mr_error err = { 0 };
    bool *changed = MR_TAKE(watch->changed);
    bool template_changed = changed[watch->function_count];
    watch->changed = mr_alloc_zero(watch->function_count + 1, sizeof(*watch->changed));
    watch->due = false;
    watch->building = true;
    if (!template_changed && build_changed(up, changed)) {
        apply_functions(up, changed);
    }
    /* All is built anew: what a function's code is may have changed with the template. */
    if (template_changed && reload_template(up) && build_changed(up, NULL) &&
        mr_up_apply(up, true, &err) < 0) {
        mr_say_wrong(&up->say, "keep", "%s", err.text);
    }
    free(changed);
    add_all(watch);
    take_events(watch);
    watch->building = false;
}

struct mr_up_watch *
mr_up_watch_new(struct mr_up *up)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        mr_say_warn(&up->say, "warn", "--watch: inotify: %s; changes are not seen",
                    strerror(errno));
        return NULL;
    }
    struct mr_up_watch *watch = mr_alloc_zero(1, sizeof(*watch));
    watch->up = up;
    watch->fd = fd;
    watch->watched = mr_alloc_zero(MAX_WATCHES, sizeof(*watch->watched));
    watch->watch = mr_watch_new(up->loop, fd, MR_READABLE, on_inotify, watch);
    mr_timer_init(&watch->settle, up->loop, MR_TIME_REAL, on_settled, watch);
    add_all(watch);
    mr_say_line(&up->say, "watch", "%zu directories for changes", watch->watched_count);
    return watch;
}

void
mr_up_watch_free(struct mr_up_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    mr_timer_stop(&watch->settle);
    for (size_t i = 0; i < watch->touched_count; i++) {
        free(watch->touched[i].name);
    }
    free(watch->changed);
    mr_watch_free(watch->watch);
    close(watch->fd);
    free(watch->watched);
    free(watch);
}
