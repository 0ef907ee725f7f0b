/*
 * Does what its record says: "segv", "hang", "exit", "memory", "fork"; anything else is
 * handled. Its children are called "mischief", so that a test can look for them.
 */
#include <millrace/handler.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void
live_on(void)
{
    if (fork() == 0) {
        prctl(PR_SET_NAME, "mischief");
        setsid();
        signal(SIGTERM, SIG_IGN);
        for (;;) {
            pause();
        }
    }
}

static void
take_memory(void)
{
    for (size_t taken = 0; taken < (size_t)1 << 30; taken += 1 << 20) {
        char *block = malloc(1 << 20);
        if (block == NULL) {
            abort();
        }
        memset(block, 1, 1 << 20);
    }
}

static void
fork_without_end(void)
{
    prctl(PR_SET_NAME, "mischief");
    for (;;) {
        fork();
    }
}

static void
misbehave(struct mr_str what)
{
    live_on();
    if (mr_str_eq(what, MR_STR("segv"))) {
        raise(SIGSEGV);
    } else if (mr_str_eq(what, MR_STR("hang"))) {
        pause();
        for (;;) {
        }
    } else if (mr_str_eq(what, MR_STR("exit"))) {
        exit(3);
    } else if (mr_str_eq(what, MR_STR("memory"))) {
        take_memory();
    } else if (mr_str_eq(what, MR_STR("fork"))) {
        fork_without_end();
    }
}

static int
on_records(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    while (mr_kinesis_next(&records, &record)) {
        struct mr_str data = mr_kinesis_data(ctx, &record);
        if (!mr_str_eq(data, MR_STR("good"))) {
            misbehave(data);
        }
        mr_logf(ctx, MR_INFO, "handled %.*s", MR_STR_ARGS(data));
    }
    return mr_batch_done(ctx);
}
MR_MAIN(on_records)
