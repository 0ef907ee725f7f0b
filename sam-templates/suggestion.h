/* suggestion: the name somebody probably meant. */
#ifndef MR_SAM_TEMPLATES_SUGGESTION_H
#define MR_SAM_TEMPLATES_SUGGESTION_H

#include "base/slice.h"

/*
 * Keeps the nearest of the candidates it is shown, by edit distance without regard to
 * case; a name further away than a third of its length is nobody's misspelling.
 */
struct mr_suggestion {
    struct mr_slice wanted;
    struct mr_slice best;
    size_t distance;
};

struct mr_suggestion mr_suggestion_for(struct mr_slice wanted);
void mr_suggestion_offer(struct mr_suggestion *suggestion, struct mr_slice candidate);
/* "; did you mean BatchSize?" or "" into `out`, which is returned. */
const char *mr_suggestion_text(const struct mr_suggestion *suggestion, char out[160]);

#endif
