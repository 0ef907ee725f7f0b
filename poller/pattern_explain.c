/*
 * pattern_explain: why a pattern did not match, a line for each clause that failed.
 */
#include "base/json_writer.h"
#include "poller/pattern_gather.h"

enum { SHOWN = 200 };

/* The whole of a short text, the beginning of a long one; line breaks become blanks. */
static void
put_text(struct mr_buf *out, struct mr_slice text)
{
    struct mr_slice shown = mr_slice_first(text, SHOWN);
    for (size_t i = 0; i < shown.size; i++) {
        mr_buf_append_byte(out, shown.data[i] < ' ' ? ' ' : shown.data[i]);
    }
    mr_buf_append_str(out, shown.size < text.size ? "..." : "");
}

static void
put_found(struct mr_buf *out, const struct mr_found *found)
{
    if (found->count == 0) {
        mr_buf_append_str(out, "nothing is there");
        return;
    }
    mr_buf_append_str(out, "found ");
    for (size_t i = 0; i < found->count && i < MR_FOUND_SHOWN; i++) {
        bool quoted = found->values[i].kind == VALUE_STRING;
        mr_buf_append_str(out, i > 0 ? ", " : "");
        mr_buf_append_str(out, quoted ? "\"" : "");
        if (quoted) {
            mr_json_escape(out, mr_slice_first(found->values[i].text, SHOWN));
        } else {
            put_text(out, found->values[i].text);
        }
        mr_buf_append_str(out, quoted ? "\"" : "");
    }
    if (found->count > MR_FOUND_SHOWN) {
        mr_buf_printf(out, " and %zu more", found->count - MR_FOUND_SHOWN);
    }
}

static bool
failed(const struct mr_clause *clause, const struct mr_clause_found *found)
{
    return found->is_spoilt ||
           (found->hits.count == 0 && (!clause->absent_will_do || found->presences.count > 0));
}

static void
put_clause(struct mr_buf *out, const struct mr_clause *clause,
           const struct mr_clause_found *found)
{
    put_text(out, clause->path);
    mr_buf_append_str(out, ": wanted ");
    put_text(out, clause->wanted);
    mr_buf_append_str(out, ", ");
    if (found->is_spoilt) {
        mr_buf_append_str(out, "the data is not JSON");
    } else {
        put_found(out, &found->found);
    }
    mr_buf_append_byte(out, '\n');
}

/* Each clause had its hit, but not in the same element of an array. */
static void
put_disagreement(struct mr_buf *out, const struct mr_branch *branch)
{
    mr_buf_append_str(out, "no one element of an array satisfies all of: ");
    for (size_t i = 0; i < branch->count; i++) {
        mr_buf_append_str(out, i > 0 ? ", " : "");
        put_text(out, branch->clauses[i]->path);
    }
    mr_buf_append_byte(out, '\n');
}

void
mr_gather_explain(struct mr_gather *gather, struct mr_buf *out_lines)
{
    const struct mr_pattern *pattern = gather->pattern;
    for (size_t i = 0; i < pattern->branch_count; i++) {
        const struct mr_branch *branch = &pattern->branches[i];
        bool some = false;
        for (size_t j = 0; j < branch->count; j++) {
            const struct mr_clause *clause = branch->clauses[j];
            const struct mr_clause_found *found = &gather->clauses[clause->index];
            if (failed(clause, found)) {
                some = true;
                if (pattern->branch_count > 1) {
                    mr_buf_printf(out_lines, "alternative %zu: ", i + 1);
                }
                put_clause(out_lines, clause, found);
            }
        }
        if (!some) {
            put_disagreement(out_lines, branch);
        }
    }
}
