/*
 * wildcard_complexity: how many places of its wildcards can one text be at, at once?
 *
 * The wildcards of a field become one automaton over bytes, the text's quotes included, whose
 * sets of places are walked breadth first. A place before a star counts, and so does the star
 * behind it, which may stand for nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "poller/wildcard.h"

enum {
    MAX_PLACES_AT_ONCE = 10, /* AWS's */
    MAX_SET = 64,            /* ours, for places that weigh nothing of their own */
    MAX_SETS = 4096,         /* ours: a walk that long is too complex as well */
    STAR = 256,
    END = 257,
    SEEN_SLOTS = 16384,
    MAX_PLACES = 65535,
};

struct place {
    uint16_t token; /* what is read to come here: a byte, or STAR: any, any number */
    uint16_t next;  /* the place behind, 0: this is the last */
    unsigned group;
    const struct mr_wildcard *wildcard;
    size_t depth; /* tokens so far */
};

/* Places that a text is at, in rising order. */
struct set {
    uint16_t size;
    uint16_t places[MAX_SET];
};

struct walk {
    struct place *places; /* 0 is before everything, and no place */
    size_t place_count;
    uint16_t *starts; /* the first place of each wildcard */
    size_t start_count;
    struct set *sets;
    size_t set_count;
    uint64_t *seen; /* hashes of sets; 0: free */
    bool too_complex;
};

/* ---- the places ---- */

static size_t
token_count(const struct mr_wildcard *wildcard)
{
    size_t count = 2 + wildcard->count - 1;
    for (size_t i = 0; i < wildcard->count; i++) {
        count += wildcard->pieces[i].size;
    }
    return count;
}

static void
list_tokens(const struct mr_wildcard *wildcard, uint16_t *out)
{
    *out++ = '"';
    for (size_t i = 0; i < wildcard->count; i++) {
        if (i > 0) {
            *out++ = STAR;
        }
        for (size_t at = 0; at < wildcard->pieces[i].size; at++) {
            *out++ = wildcard->pieces[i].data[at];
        }
    }
    *out = END; /* the closing quote, which nothing in the text is */
}

/*
 * One chain of places a wildcard. What two wildcards of one group begin with alike, up to their
 * first star, would be one place on AWS: the second chain's is marked as the first's.
 */
static bool
add_chain(struct walk *walk, const struct mr_wildcard *wildcard, unsigned group)
{
    size_t count = token_count(wildcard);
    if (walk->place_count + count > MAX_PLACES) {
        return false;
    }
    mr_auto_free uint16_t *tokens = mr_alloc(count * sizeof(*tokens));
    list_tokens(wildcard, tokens);
    walk->starts[walk->start_count++] = (uint16_t)walk->place_count;
    for (size_t i = 0; i < count; i++) {
        uint16_t at = (uint16_t)walk->place_count++;
        walk->places[at] = (struct place){
            .token = tokens[i],
            .next = i + 1 < count ? (uint16_t)(at + 1) : 0,
            .group = group,
            .wildcard = wildcard,
            .depth = i,
        };
    }
    return true;
}

/* Equal tokens so far, none of them behind a star? */
static bool
is_same_place(const struct walk *walk, uint16_t a, uint16_t b)
{
    const struct place *x = &walk->places[a], *y = &walk->places[b];
    if (x->group != y->group) {
        return false;
    }
    if (x->token == END && y->token == END) {
        return true;
    }
    if (x->depth != y->depth) {
        return false;
    }
    for (size_t back = 0; back <= x->depth; back++) {
        uint16_t p = walk->places[a - back].token, q = walk->places[b - back].token;
        if (p != q || (back > 0 && p == STAR)) {
            return false;
        }
    }
    return true;
}

/* ---- the sets ---- */

static size_t
weight_of(const struct walk *walk, const struct set *set)
{
    size_t weight = 0;
    for (size_t i = 0; i < set->size; i++) {
        bool counted = false;
        for (size_t j = 0; j < i && !counted; j++) {
            counted = is_same_place(walk, set->places[i], set->places[j]);
        }
        weight += !counted;
    }
    return weight;
}

/* Put a place in; a set over its size is too complex whatever else it is. */
static void
put(struct walk *walk, struct set *set, uint16_t place)
{
    size_t at = set->size;
    while (at > 0 && set->places[at - 1] >= place) {
        at--;
    }
    if (at < set->size && set->places[at] == place) {
        return;
    }
    if (set->size == MAX_SET) {
        walk->too_complex = true;
        return;
    }
    memmove(&set->places[at + 1], &set->places[at], (set->size - at) * sizeof(place));
    set->places[at] = place;
    set->size++;
}

/* A place and, when a star stands behind it, the star: it may be nothing. */
static void
put_closed(struct walk *walk, struct set *set, uint16_t place)
{
    put(walk, set, place);
    uint16_t next = walk->places[place].next;
    if (next != 0 && walk->places[next].token == STAR) {
        put(walk, set, next);
    }
}

static uint64_t
hash_of(const struct set *set)
{
    uint64_t hash = 1469598103934665603ULL;
    for (size_t i = 0; i < set->size; i++) {
        hash = (hash ^ set->places[i]) * 1099511628211ULL;
        hash ^= hash >> 29;
    }
    return hash == 0 ? 1 : hash;
}

static bool
is_new(struct walk *walk, const struct set *set)
{
    uint64_t hash = hash_of(set);
    size_t slot = hash % SEEN_SLOTS;
    while (walk->seen[slot] != 0) {
        if (walk->seen[slot] == hash) {
            return false;
        }
        slot = (slot + 1) % SEEN_SLOTS;
    }
    walk->seen[slot] = hash;
    return true;
}

static void
keep(struct walk *walk, const struct set *set)
{
    if (walk->too_complex || set->size == 0) {
        return;
    }
    if (weight_of(walk, set) > MAX_PLACES_AT_ONCE) {
        walk->too_complex = true;
    } else if (is_new(walk, set)) {
        walk->too_complex = walk->set_count == MAX_SETS;
        if (!walk->too_complex) {
            walk->sets[walk->set_count++] = *set;
        }
    }
}

/* Where a text that was at `from` is after one more byte. */
static void
step(struct walk *walk, const struct set *from, uint16_t byte)
{
    struct set to = { 0 };
    for (size_t i = 0; i < from->size; i++) {
        uint16_t at = from->places[i];
        uint16_t next = walk->places[at].next;
        if (walk->places[at].token == STAR && byte != END) {
            put(walk, &to, at);
        }
        if (next != 0 && walk->places[next].token == byte) {
            put_closed(walk, &to, next);
        }
    }
    keep(walk, &to);
}

static void
steps_from(struct walk *walk, struct set from)
{
    step(walk, &from, STAR + 2); /* a byte that stands nowhere in the wildcards */
    for (size_t i = 0; i < from.size && !walk->too_complex; i++) {
        uint16_t next = walk->places[from.places[i]].next;
        if (next != 0 && walk->places[next].token != STAR) {
            step(walk, &from, walk->places[next].token);
        }
    }
}

static void
begin(struct walk *walk)
{
    struct set first = { 0 };
    for (size_t i = 0; i < walk->start_count; i++) {
        put_closed(walk, &first, walk->starts[i]);
    }
    keep(walk, &first);
}

bool
mr_wildcard_too_complex(const struct mr_wildcard *const *wildcards, const unsigned *groups,
                        size_t count)
{
    struct walk walk = { .place_count = 1 };
    size_t total = 1;
    for (size_t i = 0; i < count; i++) {
        total += token_count(wildcards[i]);
    }
    if (count == 0) {
        return false;
    }
    mr_auto_free struct place *places = mr_alloc_zero(total, sizeof(*places));
    mr_auto_free uint16_t *starts = mr_alloc_zero(count, sizeof(*starts));
    mr_auto_free struct set *sets = mr_alloc(MAX_SETS * sizeof(*sets));
    mr_auto_free uint64_t *seen = mr_alloc_zero(SEEN_SLOTS, sizeof(*seen));
    walk.places = places;
    walk.starts = starts;
    walk.sets = sets;
    walk.seen = seen;
    for (size_t i = 0; i < count; i++) {
        walk.too_complex |= !add_chain(&walk, wildcards[i], groups[i]);
    }
    if (!walk.too_complex) {
        begin(&walk);
    }
    for (size_t i = 0; i < walk.set_count && !walk.too_complex; i++) {
        steps_from(&walk, walk.sets[i]);
    }
    return walk.too_complex;
}
