#include "poller/low_water.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { BITS = 64, FIRST_WORDS = 4 };

void
mr_low_water_deinit(struct mr_low_water *water)
{
    free(water->bits);
    memset(water, 0, sizeof(*water));
}

static size_t
word_of(const struct mr_low_water *water, uint64_t position)
{
    return (size_t)(position / BITS) & (water->words - 1);
}

static void
grow(struct mr_low_water *water)
{
    struct mr_low_water old = *water;
    water->words = old.words == 0 ? FIRST_WORDS : old.words * 2;
    water->bits = mr_alloc_zero(water->words, sizeof(water->bits[0]));
    for (uint64_t at = old.mark / BITS; old.words > 0 && at * BITS < old.end; at++) {
        water->bits[word_of(water, at * BITS)] = old.bits[word_of(&old, at * BITS)];
    }
    free(old.bits);
}

uint64_t
mr_low_water_add(struct mr_low_water *water)
{
    /* The word the mark stands in and the one we add to may not be the same slot twice round.
     */
    if (water->end / BITS - water->mark / BITS + 1 > water->words) {
        grow(water);
    }
    if (water->end % BITS == 0) {
        water->bits[word_of(water, water->end)] = 0;
    }
    return water->end++;
}

bool
mr_low_water_finish(struct mr_low_water *water, uint64_t position)
{
    uint64_t before = water->mark;
    mr_assert(position >= water->mark && position < water->end);
    water->bits[word_of(water, position)] |= (uint64_t)1 << position % BITS;
    while (water->mark < water->end &&
           (water->bits[word_of(water, water->mark)] >> water->mark % BITS & 1) != 0) {
        water->mark++;
    }
    return water->mark != before;
}
