/*
 * suggest: which known word did a misspelt one mean?
 */
#ifndef MR_CLI_SUGGEST_H
#define MR_CLI_SUGGEST_H

#include <stddef.h>

/* Insertions, deletions, changes and swaps of neighbours between two words; case is ignored.
 * Words over 63 characters count as far apart. */
size_t mr_edit_distance(const char *a, const char *b);

#endif
