/*
 * A handler that shows where it runs: its process, how often it was called, what it finds in
 * /tmp and which version of the code it began with. {"sleep":MS}, {"mark":"TEXT"}, {"exit":N}.
 */
#include <millrace/handler.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic int calls; /* many at a time, it is shared */

static void
read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got = file == NULL ? 0 : fread(text, 1, size - 1, file);

    text[got] = 0;
    if (file != NULL) {
        fclose(file);
    }
}

static void *
init(const char **out_error)
{
    static char version[32];
    char path[4096];

    (void)out_error;
    snprintf(path, sizeof(path), "%s/version", getenv("LAMBDA_TASK_ROOT"));
    read_file(path, version, sizeof(version));
    return version;
}

static int
run(struct mr_ctx *ctx)
{
    struct mr_str event = mr_event(ctx);
    struct mr_str mark = mr_text(ctx, mr_find(event, "mark"));
    struct mr_str status = mr_find(event, "exit");
    struct mr_str sleep_ms = mr_find(event, "sleep");
    char found[32];

    read_file("/tmp/mark", found, sizeof(found));
    if (mark.size > 0) {
        FILE *file = fopen("/tmp/mark", "w");
        if (file != NULL) {
            fwrite(mark.data, 1, mark.size, file);
            fclose(file);
        }
    }
    if (status.size > 0) {
        _exit(atoi(mr_copy_z(ctx, status))); /* no leak check: it would want to trace itself */
    }
    if (sleep_ms.size > 0) {
        usleep((useconds_t)atoi(mr_copy_z(ctx, sleep_ms)) * 1000);
    }
    return mr_respondf(ctx, "%d calls %d mark %s version %s", getpid(), ++calls, found,
                       (const char *)mr_user(ctx));
}

static void
say_bye(void *user, int64_t left_ms)
{
    (void)user;
    mr_logf(NULL, MR_INFO, "bye, %s", left_ms > 0 && left_ms <= 500 ? "in time" : "too late");
}

int
main(void)
{
    static const struct mr_handler handler = { MR_HANDLER_ABI, NULL, run, init, NULL };
    static const struct mr_handler polite = { MR_HANDLER_ABI, NULL, run, init, say_bye };

    return mr_handler_main(getenv("SAY_BYE") != NULL ? &polite : &handler, 1);
}
