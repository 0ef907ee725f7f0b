/*
 * world: a runtime with real processes, plain or in a sandbox, and a folder for their code.
 */
#ifndef MR_TESTS_RUNTIME_WORLD_H
#define MR_TESTS_RUNTIME_WORLD_H

#include <string.h>
#include <sys/stat.h>

#include "runtime/runtime.h"
#include "tests/suite.h"

struct world {
    struct mr_loop *loop;
    struct mr_launcher *launcher;
    struct mr_runtime *runtime;
    char dir[64]; /* the code */
    int done;
    bool stopped;
    enum mr_invocation_outcome outcome;
    struct mr_function function; /* what the test wants of it; the rest is filled in */
    char payload[4096], log[65536], reason[128], error_type[64];
};

/* An init may take a second. */
void world_begin(struct world *world, bool sandboxed);
void world_begin_with(struct world *world, bool sandboxed,
                      const struct mr_runtime_options *given);
void world_end(struct world *world);
/* A file below the code's folder; its folders are made. */
void world_put_file(struct world *world, const char *name, const char *text, mode_t mode);
/* Sets function `f` as world->function says, with these. */
void world_set_function(struct world *world, const char *runtime, const char *handler,
                        uint32_t timeout_ms);
/* Invokes `f` and waits for the answer. */
void world_invoke(struct world *world, const char *payload);
void world_on_done(const struct mr_invocation_result *result, void *context);

#define SAYS(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "%s\n-- not in --\n%s", part, text)

#endif
