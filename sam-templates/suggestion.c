#include "sam-templates/suggestion.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64 };

struct mr_suggestion
mr_suggestion_for(struct mr_slice wanted)
{
    return (struct mr_suggestion){ .wanted = wanted, .distance = wanted.size / 3 + 1 };
}

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Insertions, deletions, replacements and swaps of neighbours, row by row. */
static size_t
distance(struct mr_slice a, struct mr_slice b)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b.size; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            int ca = tolower(a.data[i - 1]), cb = tolower(b.data[j - 1]);
            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == tolower(b.data[j - 2]) &&
                cb == tolower(a.data[i - 2]) && before[j - 2] + 1 < now[j]) {
                now[j] = before[j - 2] + 1;
            }
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.size];
}

void
mr_suggestion_offer(struct mr_suggestion *suggestion, struct mr_slice candidate)
{
    size_t a = suggestion->wanted.size, b = candidate.size;
    if (suggestion->wanted.data == NULL || a > LONGEST || b > LONGEST ||
        (a > b ? a - b : b - a) >= suggestion->distance) {
        return;
    }
    size_t found = distance(suggestion->wanted, candidate);
    if (found < suggestion->distance) {
        suggestion->distance = found;
        suggestion->best = candidate;
    }
}

const char *
mr_suggestion_text(const struct mr_suggestion *suggestion, char out[160])
{
    out[0] = '\0';
    if (suggestion->best.data != NULL) {
        snprintf(out, 160, "; did you mean %.*s?", MR_SLICE_ARGS(suggestion->best));
    }
    return out;
}
