#include "sam-templates/regex.h"

#include <string.h>

enum { MAX_STEPS = 4096, MAX_WORK = 100000, MAX_DEPTH = 32, MAX_TEXT = 8192 };

enum op { OP_SET, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END, OP_MATCH };

struct step {
    enum op op;
    uint16_t a, b;   /* where SPLIT and JUMP go on */
    uint64_t set[4]; /* bytes SET takes */
};

struct compiler {
    struct mr_slice pattern;
    size_t at;
    unsigned depth;
    struct step *steps;
    size_t count;
    size_t work; /* steps made, those thrown away again included */
    bool bad;
};

static void alternatives(struct compiler *c);

static struct step *
emit(struct compiler *c, enum op op)
{
    static struct step spare;
    if (c->count >= MAX_STEPS || ++c->work > MAX_WORK) {
        c->bad = true;
        return &spare;
    }
    struct step *step = &c->steps[c->count++];
    *step = (struct step){ .op = op };
    return step;
}

static int
peek(const struct compiler *c)
{
    return c->at < c->pattern.size ? c->pattern.data[c->at] : -1;
}

static int
take(struct compiler *c)
{
    return c->at < c->pattern.size ? c->pattern.data[c->at++] : -1;
}

static void
set_add(uint64_t set[4], unsigned byte)
{
    set[byte / 64] |= (uint64_t)1 << (byte % 64);
}

static void
set_range(uint64_t set[4], unsigned first, unsigned last)
{
    for (unsigned byte = first; byte <= last; byte++) {
        set_add(set, byte);
    }
}

static void
set_invert(uint64_t set[4])
{
    for (int i = 0; i < 4; i++) {
        set[i] = ~set[i];
    }
}

/* What stands behind a backslash. Returns the byte when it is one, -1 when it is a class. */
static int
escape(struct compiler *c, uint64_t set[4])
{
    int byte = take(c);
    uint64_t class[4] = { 0 };

    switch (byte) {
    case 'd':
    case 'D':
        set_range(class, '0', '9');
        break;
    case 'w':
    case 'W':
        set_range(class, '0', '9');
        set_range(class, 'a', 'z');
        set_range(class, 'A', 'Z');
        set_add(class, '_');
        break;
    case 's':
    case 'S':
        for (const char *blank = " \t\n\r\f\v"; *blank != '\0'; blank++) {
            set_add(class, (unsigned char)*blank);
        }
        break;
    case 'n':
        set_add(set, '\n');
        return '\n';
    case 't':
        set_add(set, '\t');
        return '\t';
    case 'r':
        set_add(set, '\r');
        return '\r';
    default:
        if (byte < 0 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
            (byte >= 'A' && byte <= 'Z')) {
            c->bad = true;
            return -1;
        }
        set_add(set, (unsigned)byte);
        return byte;
    }
    if (byte == 'D' || byte == 'W' || byte == 'S') {
        set_invert(class);
    }
    for (int i = 0; i < 4; i++) {
        set[i] |= class[i];
    }
    return -1;
}

/* Behind `[`. */
static void class(struct compiler *c)
{
    uint64_t set[4] = { 0 };
    bool invert = peek(c) == '^';
    bool first = true;

    c->at += invert;
    for (;; first = false) {
        int byte = take(c);
        if (byte == ']' && !first) {
            break;
        }
        if (byte < 0 || byte == '[' || (byte == '&' && peek(c) == '&')) {
            c->bad = true; /* unions and intersections are Java's own */
            return;
        }
        if (byte == '\\') {
            byte = escape(c, set);
        } else {
            set_add(set, (unsigned)byte);
        }
        if (c->bad) {
            return;
        }
        if (byte >= 0 && peek(c) == '-' && c->at + 1 < c->pattern.size &&
            c->pattern.data[c->at + 1] != ']') {
            c->at++;
            int last = take(c);
            uint64_t unused[4] = { 0 };
            if (last == '\\') {
                last = escape(c, unused);
            }
            if (last < byte) {
                c->bad = true;
                return;
            }
            set_range(set, (unsigned)byte, (unsigned)last);
        }
    }
    if (invert) {
        set_invert(set);
    }
    memcpy(emit(c, OP_SET)->set, set, sizeof(set));
}

static void
group(struct compiler *c)
{
    if (peek(c) == '?') {
        c->at++;
        if (take(c) != ':') {
            c->bad = true;
            return;
        }
    }
    if (++c->depth > MAX_DEPTH) {
        c->bad = true;
        return;
    }
    alternatives(c);
    c->depth--;
    if (take(c) != ')') {
        c->bad = true;
    }
}

static void
atom(struct compiler *c)
{
    int byte = take(c);
    uint64_t set[4] = { 0 };

    switch (byte) {
    case '(':
        group(c);
        return;
    case '[':
        class(c);
        return;
    case '^':
        emit(c, OP_BEGIN);
        return;
    case '$':
        emit(c, OP_END);
        return;
    case '.':
        set_add(set, '\n');
        set_invert(set);
        break;
    case '\\':
        escape(c, set);
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        c->bad = true;
        return;
    default:
        set_add(set, (unsigned)byte);
        break;
    }
    memcpy(emit(c, OP_SET)->set, set, sizeof(set));
}

static bool
number(struct compiler *c, unsigned *out_value)
{
    unsigned value = 0;
    size_t start = c->at;
    while (peek(c) >= '0' && peek(c) <= '9' && value < 100000) {
        value = value * 10 + (unsigned)(take(c) - '0');
    }
    *out_value = value;
    return c->at > start;
}

enum { FOREVER = 1000000 };

/* A quantifier, when one stands here. */
static bool
quantifier(struct compiler *c, unsigned *out_min, unsigned *out_max)
{
    *out_min = 0;
    *out_max = FOREVER;
    switch (peek(c)) {
    case '*':
        break;
    case '+':
        *out_min = 1;
        break;
    case '?':
        *out_max = 1;
        break;
    case '{':
        c->at++;
        if (!number(c, out_min)) {
            c->bad = true;
            return false;
        }
        *out_max = *out_min;
        if (peek(c) == ',') {
            c->at++;
            if (!number(c, out_max)) {
                *out_max = FOREVER;
            }
        }
        if (peek(c) != '}' || *out_max < *out_min) {
            c->bad = true;
            return false;
        }
        break;
    default:
        return false;
    }
    c->at++;
    if (peek(c) == '?') {
        c->at++; /* lazy or not, the whole text must match */
    } else if (peek(c) == '+' || peek(c) == '*' || peek(c) == '{') {
        c->bad = true;
    }
    return true;
}

static void
repeat(struct compiler *c)
{
    size_t text_from = c->at, program_from = c->count;
    unsigned min, max;

    atom(c);
    if (c->bad || !quantifier(c, &min, &max)) {
        return;
    }
    size_t text_end = c->at;
    /* Written out again for every repetition it may have. */
    c->count = program_from;
    for (unsigned i = 0; i < min && !c->bad; i++) {
        c->at = text_from;
        atom(c);
    }
    if (max == FOREVER && !c->bad) {
        size_t split = c->count;
        emit(c, OP_SPLIT);
        c->at = text_from;
        atom(c);
        emit(c, OP_JUMP)->a = (uint16_t)split;
        if (!c->bad) {
            c->steps[split].a = (uint16_t)(split + 1);
            c->steps[split].b = (uint16_t)c->count;
        }
    }
    for (unsigned i = min; max != FOREVER && i < max && !c->bad; i++) {
        size_t split = c->count;
        emit(c, OP_SPLIT);
        c->at = text_from;
        atom(c);
        if (!c->bad) {
            c->steps[split].a = (uint16_t)(split + 1);
            c->steps[split].b = (uint16_t)c->count;
        }
    }
    c->at = text_end;
}

static void
sequence(struct compiler *c)
{
    while (!c->bad && peek(c) >= 0 && peek(c) != '|' && peek(c) != ')') {
        repeat(c);
    }
}

static void
alternatives(struct compiler *c)
{
    size_t jumps[64];
    size_t jump_count = 0;

    for (;;) {
        size_t split = c->count;
        emit(c, OP_SPLIT); /* becomes a plain step forward for the last one */
        sequence(c);
        if (c->bad) {
            return;
        }
        c->steps[split].a = (uint16_t)(split + 1);
        if (peek(c) != '|') {
            c->steps[split].b = (uint16_t)(split + 1);
            break;
        }
        c->at++;
        if (jump_count == sizeof(jumps) / sizeof(jumps[0])) {
            c->bad = true;
            return;
        }
        jumps[jump_count++] = c->count;
        emit(c, OP_JUMP);
        if (c->bad) {
            return;
        }
        c->steps[split].b = (uint16_t)c->count;
    }
    for (size_t i = 0; i < jump_count; i++) {
        c->steps[jumps[i]].a = (uint16_t)c->count;
    }
}

/* --- running --- */

struct run {
    const struct step *steps;
    uint16_t *list; /* SETs and MATCH waiting for the next byte */
    size_t count;
    uint32_t *seen; /* step -> the round in which it was added */
    uint16_t *stack;
};

static void
add(struct run *run, size_t start, uint32_t round, bool at_begin, bool at_end)
{
    size_t depth = 0;
    run->stack[depth++] = (uint16_t)start;
    while (depth > 0) {
        uint16_t at = run->stack[--depth];
        if (run->seen[at] == round) {
            continue;
        }
        run->seen[at] = round;
        const struct step *step = &run->steps[at];
        switch (step->op) {
        case OP_SET:
        case OP_MATCH:
            run->list[run->count++] = at;
            break;
        case OP_JUMP:
            run->stack[depth++] = step->a;
            break;
        case OP_SPLIT:
            run->stack[depth++] = step->b;
            run->stack[depth++] = step->a;
            break;
        case OP_BEGIN:
            if (at_begin) {
                run->stack[depth++] = (uint16_t)(at + 1);
            }
            break;
        case OP_END:
            if (at_end) {
                run->stack[depth++] = (uint16_t)(at + 1);
            }
            break;
        }
    }
}

static bool
matches(struct mr_arena *arena, const struct compiler *c, struct mr_slice text)
{
    uint16_t *lists[2] = { mr_arena_alloc(arena, c->count * sizeof(uint16_t)),
                           mr_arena_alloc(arena, c->count * sizeof(uint16_t)) };
    struct run run = { .steps = c->steps };

    run.seen = mr_arena_zero(arena, c->count * sizeof(*run.seen));
    run.stack = mr_arena_alloc(arena, (2 * c->count + 2) * sizeof(*run.stack));
    run.list = lists[0];
    add(&run, 0, 1, true, text.size == 0);
    for (size_t i = 0; i < text.size; i++) {
        const uint16_t *now = run.list;
        size_t count = run.count;
        run.list = lists[(i + 1) % 2];
        run.count = 0;
        for (size_t s = 0; s < count; s++) {
            const struct step *step = &c->steps[now[s]];
            uint8_t byte = text.data[i];
            if (step->op == OP_SET && (step->set[byte / 64] >> (byte % 64) & 1) != 0) {
                add(&run, now[s] + 1u, (uint32_t)i + 2, false, i + 1 == text.size);
            }
        }
    }
    for (size_t s = 0; s < run.count; s++) {
        if (c->steps[run.list[s]].op == OP_MATCH) {
            return true;
        }
    }
    return false;
}

enum mr_regex_result
mr_regex_match(struct mr_arena *arena, struct mr_slice pattern, struct mr_slice text)
{
    struct compiler c = { .pattern = pattern };

    c.steps = mr_arena_alloc(arena, MAX_STEPS * sizeof(*c.steps));
    alternatives(&c);
    emit(&c, OP_MATCH);
    if (c.bad || c.at != pattern.size || text.size > MAX_TEXT) {
        return MR_REGEX_NOT_UNDERSTOOD;
    }
    return matches(arena, &c, text) ? MR_REGEX_MATCHES : MR_REGEX_DIFFERS;
}
