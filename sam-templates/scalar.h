/*
 * scalar: what a plain scalar of YAML 1.1 means.
 *
 * The rules are those of PyYAML's SafeLoader, which is what the AWS tools read
 * templates with: `on` and `yes` are booleans, `010` is eight, `1:30` is ninety,
 * `1e3` is a string because a float needs its point, and dates stay strings
 * because CloudFormation wants them so.
 */
#ifndef MR_SAM_TEMPLATES_SCALAR_H
#define MR_SAM_TEMPLATES_SCALAR_H

#include "sam-templates/node.h"

/* Fill kind and value of `node` from plain text. `text` is kept, not copied. */
void mr_scalar_resolve(struct mr_arena *arena, struct mr_slice text, struct mr_node *node);

/* One kind only; false when the text is none. */
bool mr_scalar_is_null(struct mr_slice text);
bool mr_scalar_to_bool(struct mr_slice text, struct mr_node *node);
bool mr_scalar_to_int(struct mr_arena *arena, struct mr_slice text, struct mr_node *node);
bool mr_scalar_to_float(struct mr_arena *arena, struct mr_slice text, struct mr_node *node);

#endif
