/*
 * terminal: colour where a person looks, JSON where a program reads.
 */
#ifndef MR_CLI_TERMINAL_H
#define MR_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/slice.h"

enum mr_colour { MR_PLAIN, MR_BOLD, MR_DIM, MR_RED, MR_GREEN, MR_YELLOW, MR_CYAN };

/* The escape that begins a colour, or "" when `file` is no terminal or NO_COLOR is set. */
const char *mr_colour(FILE *file, enum mr_colour colour);

/* Text from outside, with control characters made visible: a record must not move the cursor.
 */
void mr_append_safe(struct mr_buf *buf, struct mr_slice text);

/* "4.2 kB", "17 B", "3.1 MB". */
const char *mr_bytes_text(uint64_t bytes, char out[16]);

/* "--rate": argp's number, from `least` to `most`. Ends the program with a usage error. */
struct argp_state;
uint64_t mr_flag_number(struct argp_state *state, const char *name, const char *text,
                        uint64_t least, uint64_t most);

/* Index of `text` in a list of words ended by NULL; ends the program with a usage error. */
int mr_flag_choice(struct argp_state *state, const char *name, const char *text,
                   const char *const *words);

#endif
