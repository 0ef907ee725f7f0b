/*
 * letter_case: compare text without regard to case, as event patterns do it.
 *
 * Every letter of the wanted text stands for itself, its lower and its upper case (one
 * character may become several: "straße" takes "STRASSE"). No locale takes part, so the answer
 * is the same on every host. Prepared once; comparing allocates nothing.
 *
 * Thread: any.
 */
#ifndef MR_POLLER_LETTER_CASE_H
#define MR_POLLER_LETTER_CASE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct mr_letter {
    struct mr_slice forms[3]; /* each UTF-8; unused ones are absent */
};

struct mr_letters {
    const struct mr_letter *letters;
    size_t count;
};

/* In the arena; `text` is UTF-8 and must live as long. */
struct mr_letters mr_letters_of(struct mr_slice text, struct mr_arena *arena);

bool mr_letters_equal(const struct mr_letters *letters, struct mr_slice text);
bool mr_letters_begin(const struct mr_letters *letters, struct mr_slice text);
bool mr_letters_end(const struct mr_letters *letters, struct mr_slice text);

#endif
