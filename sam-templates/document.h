/*
 * document: bytes into a tree of nodes.
 *
 * YAML 1.1 as PyYAML's SafeLoader reads it, with CloudFormation's short tags
 * (`!Ref x` is {Ref: x}, `!GetAtt a.b` is {Fn::GetAtt: [a, b]}, any other
 * `!Name` is Fn::Name), merge keys, anchors and aliases; and JSON (RFC 8259).
 *
 * Bounds: MR_TEMPLATE_MAX_BYTES of text, MR_NODE_MAX_DEPTH levels, and
 * MR_NODE_MAX_WEIGHT nodes, counting what aliases repeat.
 */
#ifndef MR_SAM_TEMPLATES_DOCUMENT_H
#define MR_SAM_TEMPLATES_DOCUMENT_H

#include "base/error.h"
#include "sam-templates/node.h"

/* A key stands twice in one map; the later value counts. */
typedef void(mr_duplicate_fn)(const struct mr_node *key, const struct mr_node *first,
                              void *context);

struct mr_document_error {
    uint32_t line, column;
    char text[160];
};

/*
 * Returns the document's node, in `arena` like all its text, or NULL with `err`
 * filled. An empty document is a null node.
 */
const struct mr_node *mr_document_parse(struct mr_arena *arena, struct mr_slice text,
                                        mr_duplicate_fn *on_duplicate, void *context,
                                        struct mr_document_error *err);

#endif
