/* What the two readers of a document share. */
#ifndef MR_SAM_TEMPLATES_DOCUMENT_INSIDE_H
#define MR_SAM_TEMPLATES_DOCUMENT_INSIDE_H

#include "sam-templates/document.h"

struct mr_document_reader {
    struct mr_arena *arena;
    mr_duplicate_fn *on_duplicate;
    void *context;
    struct mr_document_error *err;
    size_t nodes;
};

/* Fills err and returns NULL. The first error stays. */
const struct mr_node *mr_document_fail(struct mr_document_reader *reader, uint32_t line,
                                       uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The pairs of a map as they were read, into `map`: a key that comes again
 * replaces the value and is reported.
 */
void mr_document_fill(struct mr_document_reader *reader, struct mr_node *map,
                      const struct mr_node_pair *pairs, size_t count);

/* NULL when the text is not JSON; `err` is not filled then. */
const struct mr_node *mr_document_json(struct mr_document_reader *reader, struct mr_slice text);
const struct mr_node *mr_document_yaml(struct mr_document_reader *reader, struct mr_slice text);

#endif
