/*
 * pattern_solve: do the hits of a walk make a branch true?
 *
 * Each clause must have a hit, or be satisfied by absence, and all hits chosen must agree:
 * where two lie in one array of the event, they lie in the same element of it. Clauses whose
 * hits share no array do not disturb each other, so they are solved group by group; within a
 * group the clauses are tried in the order of their paths. Absence is judged as AWS's engine
 * does it: in the elements chosen for the paths before.
 */
#include <string.h>

#include "poller/pattern_gather.h"

/*
 * Steps of one search before it is given up as a match: a record that cannot be judged in
 * reasonable time is delivered rather than lost. Ordinary events need a handful.
 */
enum { MAX_STEPS = 1 << 20 };

struct search {
    struct mr_gather *gather;
    const struct mr_clause **clauses; /* of one group */
    size_t count;
    const struct mr_spot **chosen; /* by array: the element, or NULL */
    unsigned steps;
};

static bool solve(struct search *search, size_t at);

/* ---- choosing elements ---- */

/* The element chosen of an array in which this place contradicts it; NULL: it agrees. */
static const struct mr_spot *
contradicted(const struct search *search, const struct mr_spot *place)
{
    for (; place != NULL; place = place->up) {
        const struct mr_spot *chosen = search->chosen[place->array];
        if (chosen != NULL && chosen->index != place->index) {
            return chosen;
        }
    }
    return NULL;
}

static uint32_t
lower_bound(const struct mr_hits *hits, uint32_t from, uint32_t sequence)
{
    uint32_t low = from, high = hits->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hits->list[middle].sequence < sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The next hit at or behind `from` that agrees with what was chosen; hits->count: none. */
static uint32_t
next_agreeing(struct search *search, const struct mr_hits *hits, uint32_t from)
{
    while (from < hits->count && search->steps < MAX_STEPS) {
        const struct mr_hit *hit = &hits->list[from];
        const struct mr_spot *chosen = contradicted(search, hit->place);
        search->steps++;
        if (chosen == NULL) {
            return from;
        }
        const struct mr_array *array = &search->gather->arrays[chosen->array];
        uint32_t target = hit->sequence < chosen->begin ? chosen->begin : array->end;
        /* All hits in the array's other elements contradict too: go past them at once. */
        uint32_t beyond = array->is_mixed ? from + 1 : lower_bound(hits, from, target);
        from = beyond > from ? beyond : from + 1;
    }
    return hits->count;
}

/* Chooses what the place lies in, and notes what had not been, for undo. */
static void
choose(struct search *search, const struct mr_spot *place, bool *was_new, size_t room)
{
    for (size_t i = 0; place != NULL && i < room; place = place->up, i++) {
        was_new[i] = search->chosen[place->array] == NULL;
        if (was_new[i]) {
            search->chosen[place->array] = place;
        }
    }
}

static void
unchoose(struct search *search, const struct mr_spot *place, const bool *was_new, size_t room)
{
    for (size_t i = 0; place != NULL && i < room; place = place->up, i++) {
        if (was_new[i]) {
            search->chosen[place->array] = NULL;
        }
    }
}

static bool
try_hits(struct search *search, const struct mr_hits *hits, size_t at)
{
    bool was_new[MR_JSON_MAX_DEPTH];
    uint32_t next = next_agreeing(search, hits, 0);
    while (next < hits->count) {
        const struct mr_spot *place = hits->list[next].place;
        choose(search, place, was_new, MR_JSON_MAX_DEPTH);
        bool solved = solve(search, at + 1);
        unchoose(search, place, was_new, MR_JSON_MAX_DEPTH);
        if (solved) {
            return true;
        }
        next = next_agreeing(search, hits, next + 1);
    }
    return false;
}

static bool
solve(struct search *search, size_t at)
{
    if (at == search->count || search->steps >= MAX_STEPS) {
        return true;
    }
    const struct mr_clause *clause = search->clauses[at];
    const struct mr_clause_found *found = &search->gather->clauses[clause->index];
    if (try_hits(search, &found->hits, at) || search->steps >= MAX_STEPS) {
        return true;
    }
    return clause->absent_will_do &&
           next_agreeing(search, &found->presences, 0) == found->presences.count &&
           solve(search, at + 1);
}

/* ---- groups of clauses: arrays, and behind them clauses, united by hits ---- */

static uint32_t
root_of(uint32_t *parents, uint32_t at)
{
    while (parents[at] != at) {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    return at;
}

static void
unite_hits(uint32_t *parents, uint32_t clause, const struct mr_hits *hits)
{
    for (uint32_t i = 0; i < hits->count; i++) {
        for (const struct mr_spot *at = hits->list[i].place; at != NULL; at = at->up) {
            parents[root_of(parents, clause)] = root_of(parents, at->array);
        }
    }
}

/* ---- a branch ---- */

/* Is there a clause whose value is absent in some elements and present in others? */
static bool
choices_matter(const struct mr_gather *gather, const struct mr_branch *branch)
{
    for (size_t i = 0; i < branch->count; i++) {
        const struct mr_clause *clause = branch->clauses[i];
        if (clause->absent_will_do && gather->clauses[clause->index].presences.count > 0) {
            return true;
        }
    }
    return false;
}

/* Satisfied whatever is chosen for others, and of no use to them (`choices`: it may be)? */
static bool
is_free(const struct mr_clause *clause, const struct mr_clause_found *found, bool choices)
{
    if (clause->absent_will_do && found->presences.count == 0) {
        return true;
    }
    if (choices) {
        return false;
    }
    for (uint32_t i = 0; i < found->hits.count; i++) {
        if (found->hits.list[i].place == NULL) {
            return true;
        }
    }
    return false;
}

static bool
is_hopeless(const struct mr_clause *clause, const struct mr_clause_found *found)
{
    return found->is_spoilt || (found->hits.count == 0 && !clause->absent_will_do);
}

/* Memory for all searches of this event: its arrays are known now. */
static void
prepare(struct mr_gather *gather)
{
    if (gather->parents == NULL) {
        size_t total = (size_t)gather->array_count + gather->pattern->clause_count + 1;
        gather->parents = mr_arena_alloc(gather->scratch, total * sizeof(*gather->parents));
        gather->chosen = mr_arena_zero(gather->scratch, total * sizeof(*gather->chosen));
    }
}

static void
unite_clauses(struct mr_gather *gather, const struct mr_clause **open, uint32_t count)
{
    for (uint32_t i = 0; i < gather->array_count + count; i++) {
        gather->parents[i] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_clause_found *found = &gather->clauses[open[i]->index];
        unite_hits(gather->parents, gather->array_count + i, &found->hits);
        unite_hits(gather->parents, gather->array_count + i, &found->presences);
    }
}

/* Moves the clauses that share arrays with the first one over; returns how many they are. */
static size_t
take_group(struct mr_gather *gather, const struct mr_clause **open, uint32_t first,
           uint32_t count, const struct mr_clause **out_group)
{
    uint32_t root = root_of(gather->parents, gather->array_count + first);
    size_t size = 0;
    for (uint32_t i = first; i < count; i++) {
        if (open[i] != NULL && root_of(gather->parents, gather->array_count + i) == root) {
            out_group[size++] = open[i];
            open[i] = NULL;
        }
    }
    return size;
}

static bool
solve_groups(struct mr_gather *gather, const struct mr_clause **open, uint32_t count)
{
    const struct mr_clause **group = mr_arena_alloc(gather->scratch, count * sizeof(*group));
    prepare(gather);
    unite_clauses(gather, open, count);
    for (uint32_t i = 0; i < count; i++) {
        if (open[i] == NULL) {
            continue;
        }
        struct search search = { .gather = gather, .clauses = group, .chosen = gather->chosen };
        search.count = take_group(gather, open, i, count, group);
        if (!solve(&search, 0)) {
            return false;
        }
    }
    return true;
}

static bool
branch_matches(struct mr_gather *gather, const struct mr_branch *branch)
{
    const struct mr_clause **open =
        mr_arena_alloc(gather->scratch, (branch->count + 1) * sizeof(*open));
    bool choices = choices_matter(gather, branch);
    uint32_t count = 0;
    for (size_t i = 0; i < branch->count; i++) {
        const struct mr_clause *clause = branch->clauses[i];
        const struct mr_clause_found *found = &gather->clauses[clause->index];
        if (is_hopeless(clause, found)) {
            return false;
        }
        if (!is_free(clause, found, choices)) {
            open[count++] = clause;
        }
    }
    return count == 0 || solve_groups(gather, open, count);
}

bool
mr_gather_matches(struct mr_gather *gather)
{
    for (size_t i = 0; i < gather->pattern->branch_count; i++) {
        if (branch_matches(gather, &gather->pattern->branches[i])) {
            return true;
        }
    }
    return false;
}
