/*
 * resolve: intrinsic functions become values.
 *
 * Nothing is changed in place: a resolved value is a new node, with the place of
 * what it was made from. What cannot be known stays visible as `${What}` and is
 * reported with mr_problem.
 */
#ifndef MR_SAM_TEMPLATES_RESOLVE_H
#define MR_SAM_TEMPLATES_RESOLVE_H

#include "sam-templates/reading.h"

/* NULL means AWS::NoValue: whoever holds the value leaves it out. */
const struct mr_node *mr_resolve(struct mr_reading *reading, const struct mr_node *node,
                                 const struct mr_path *path);
/* The resolved value as text; absent when it is a list, a map or nothing. */
struct mr_slice mr_resolve_text(struct mr_reading *reading, const struct mr_node *node,
                                const struct mr_path *path);

/* An intrinsic function's arguments into its value. */
typedef const struct mr_node *(mr_intrinsic_fn)(struct mr_reading *reading,
                                                const struct mr_node *arguments,
                                                const struct mr_node *at,
                                                const struct mr_path *path);
mr_intrinsic_fn mr_intrinsic_ref, mr_intrinsic_get_att, mr_intrinsic_sub;
mr_intrinsic_fn mr_intrinsic_cidr, mr_intrinsic_base64;

/* The value of a Ref; NULL for AWS::NoValue. `${Name}` when there is no such thing. */
const struct mr_node *mr_ref(struct mr_reading *reading, struct mr_slice name,
                             const struct mr_node *at, const struct mr_path *path);
const struct mr_node *mr_get_att(struct mr_reading *reading, struct mr_slice id,
                                 struct mr_slice attribute, const struct mr_node *at,
                                 const struct mr_path *path);

/* Is this condition true? Unknown ones are reported and false. */
bool mr_condition(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at,
                  const struct mr_path *path);
/* The truth of a condition function: Fn::Equals, Fn::And, {Condition: x}, ... */
bool mr_condition_of(struct mr_reading *reading, const struct mr_node *node,
                     const struct mr_path *path);

/* --- names (docs/templates.md has the table) --- */

/* The physical name, as the template gives it or STACK-ID. */
struct mr_slice mr_name_of(struct mr_reading *reading, struct mr_resource *resource);
struct mr_slice mr_ref_of(struct mr_reading *reading, struct mr_resource *resource);
/* Absent when the attribute cannot be known. */
struct mr_slice mr_attribute_of(struct mr_reading *reading, struct mr_resource *resource,
                                struct mr_slice attribute);

/* One property of a resource, resolved, as text; absent when not given. */
struct mr_slice mr_property_text(struct mr_reading *reading, const struct mr_resource *resource,
                                 const char *name);

#endif
