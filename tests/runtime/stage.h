/*
 * stage: a runtime whose processes are the test itself.
 *
 * Its launcher launches nothing: the test connects to the environment's
 * listener and says what a runtime, or an extension, would say.
 */
#ifndef MR_TESTS_RUNTIME_STAGE_H
#define MR_TESTS_RUNTIME_STAGE_H

#include <string.h>

#include "runtime/runtime.h"
#include "tests/suite.h"

struct stage {
    struct mr_loop *loop;
    struct mr_launcher launcher;
    struct mr_runtime *runtime;
    struct mr_launch_events events;
    void *events_context;
    uint64_t environment;
    uint16_t port;
    int launches, kills, terminations, log_write;
    int done;
    bool stopped;
    enum mr_invocation_outcome outcome;
    char payload[512], error_type[64];
    char variables[8192]; /* of the last launch, a line each */
    char log[32768];
    size_t payload_size;
    char id[64];
};

void stage_begin(struct stage *stage);
/* The function's name, place and runtime are the stage's. */
void stage_begin_with(struct stage *stage, const struct mr_function *function);
/* Replace it. */
void stage_set_function(struct stage *stage, const struct mr_function *function);
void stage_end(struct stage *stage);
void stage_on_done(const struct mr_invocation_result *result, void *context);
/* Ask for an invocation, and wait for the listener of its environment. */
void stage_invoke(struct stage *stage, const char *payload);
int stage_dial(struct stage *stage);
/* Send, half-close unless the server should keep reading, and read to the answer's end. */
const char *stage_ask_bytes(struct stage *stage, const char *bytes, size_t size,
                            bool half_close);
const char *stage_ask(struct stage *stage, const char *method, const char *path,
                      const char *headers, const char *body);
/* next, and remember the request id. */
const char *stage_next(struct stage *stage);
const char *stage_post(struct stage *stage, const char *what, const char *headers,
                       const char *body);

#define SAYS(text, part)                                                                      \
    do {                                                                                      \
        const char *text_ = (text);                                                           \
        ck_assert_msg(strstr(text_, part) != NULL, "%s\n-- not in --\n%.2000s", part, text_); \
    } while (0)

#define REFUSED(from, to)                                                          \
    "{\"errorMessage\":\"State transition from " from " to " to                    \
    " failed for runtime. Error: State transition is not allowed\",\"errorType\":" \
    "\"InvalidStateTransition\"}\n"
#define BAD_ID "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n"

#endif
