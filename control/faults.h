/*
 * faults: functions that fail on purpose, by rules in their settings.
 *
 * A rule is poller/fault.h's, of a handler: "handler:crash@5%", "handler:slow=2s",
 * "handler:throttle#3". Rules live as long as the process; counts and chances begin anew when
 * the settings are written.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_FAULTS_H
#define MR_CONTROL_FAULTS_H

#include <jansson.h>

#include "base/error.h"
#include "base/random.h"
#include "poller/fault.h"

struct mr_function_faults;

/* `seed` 0: the system's randomness. Never NULL. */
struct mr_function_faults *mr_function_faults_new(uint64_t seed);
void mr_function_faults_free(struct mr_function_faults *faults);

/* Are these rules of handlers? -EINVAL with a sentence. `rules`: a list of text, or NULL. */
int mr_function_faults_check(const json_t *rules, struct mr_error *err) MR_MUST_USE;
/* The function's rules from now on; checked ones. NULL takes them away. */
void mr_function_faults_set(struct mr_function_faults *faults, const char *function,
                            const json_t *rules);
/* The first rule of the function that strikes now, counted; or NULL. */
const struct mr_fault *mr_function_faults_strike(struct mr_function_faults *faults,
                                                 const char *function);
/* How long a slow handler is held up. */
uint64_t mr_function_faults_delay_ms(struct mr_function_faults *faults,
                                     const struct mr_fault *fault);

enum { MR_FUNCTION_MAX_FAULTS = 16 };

#endif
