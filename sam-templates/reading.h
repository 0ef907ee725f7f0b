/*
 * reading: one template while it is being understood.
 *
 * Everything a reading makes lives in its arena. Its steps run in this order,
 * each in a file of its own, and each fills what the next one needs:
 *
 *   document      bytes -> nodes
 *   sections      the document's sections, resources in a table
 *   parameters    their values
 *   for_each      Fn::ForEach written out
 *   globals       Globals merged into the resources
 *   check_*       what the SAM translator would refuse
 *   event_*       SAM events -> event source mappings, still with intrinsics (level 1)
 *   resolve       intrinsics -> values (level 2)
 *   model         the public structs
 */
#ifndef MR_SAM_TEMPLATES_READING_H
#define MR_SAM_TEMPLATES_READING_H

#include "sam-templates/node.h"
#include "sam-templates/suggestion.h"
#include "sam-templates/template.h"

/* A resource of the template, or one that SAM makes (an alias, a queue, a role). */
struct mr_resource {
    struct mr_slice id;
    const struct mr_node *id_node;
    const struct mr_node *node;       /* NULL when SAM makes it */
    struct mr_slice type;             /* absent when it is no string */
    const struct mr_node *properties; /* Globals merged in; an empty map when there are none */
    struct mr_slice condition;        /* absent: none */
    bool present;                     /* its condition holds; known after the conditions are */
    bool ok;                          /* nothing was found wrong with it */
    enum { MR_NAME_UNKNOWN, MR_NAME_RUNNING, MR_NAME_KNOWN } name_state;
    struct mr_slice name; /* physical */
};

struct mr_mapping_draft {
    struct mr_slice id;
    const struct mr_node *at;         /* the event's or resource's key */
    struct mr_slice event_name;       /* absent for a mapping of its own */
    const struct mr_node *properties; /* level 1 */
    const struct mr_node *resolved;   /* level 2; NULL while absent */
    const struct mr_node *attributes; /* Condition and the like, a map */
    struct mr_slice condition;
    struct mr_slice path;           /* "Resources.OrderFn.Properties.Events.FromOrders" */
    enum mr_template_source source; /* as the event says; by the ARN after resolving */
    bool present;
};

struct mr_parameter_value {
    struct mr_slice name;
    const struct mr_node *node;
    const struct mr_node *value; /* a string, or a list of strings; NULL: none */
    bool is_default, is_dummy, is_list, is_number, no_echo;
};

struct mr_condition_value {
    struct mr_slice name;
    const struct mr_node *node;
    enum { MR_CONDITION_UNKNOWN, MR_CONDITION_RUNNING, MR_CONDITION_KNOWN } state;
    bool value;
};

struct mr_reading {
    struct mr_arena arena;
    struct mr_template_options options; /* texts copied, defaults filled in */
    bool lenient;                       /* missing parameters become dummies, see mr_problem */
    bool gave_up;                       /* a bound was reached */

    const struct mr_node *root;
    const struct mr_node *parameters_node, *mappings, *conditions_node, *outputs, *globals;
    const struct mr_node *resources_node;
    bool is_sam, has_language_extensions;

    struct mr_resource *resources;
    size_t resource_count;
    struct mr_index resource_index;
    struct mr_mapping_draft *drafts;
    size_t mapping_count;
    struct mr_parameter_value *parameters;
    size_t parameter_count;
    struct mr_index parameter_index;
    struct mr_condition_value *conditions;
    size_t condition_count;
    struct mr_index condition_index;
    const struct mr_node *env_vars; /* the --env-vars document, or NULL */

    unsigned depth; /* of names and conditions that need each other */
    struct mr_template_diagnostic *diagnostics;
    size_t diagnostic_count, error_count, suggestion_count;

    struct mr_template_model model;
};

enum {
    MR_READING_MAX_MEMORY = 192 * 1024 * 1024,
    MR_READING_MAX_DEPTH = 400,
};

/* --- saying what is wrong --- */

/* Where in the document, as a chain on the callers' stacks. */
struct mr_path {
    const struct mr_path *up; /* NULL at the top */
    struct mr_slice name;     /* absent: an element of a list */
    size_t index;
};

/* Wrong for everybody: an error. */
void mr_reject(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/*
 * CloudFormation or the service would refuse it, the SAM translator does not look: an
 * error, or a warning for who only looks at the template (`lenient`).
 */
void mr_problem(struct mr_reading *reading, const struct mr_node *at,
                const struct mr_path *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void mr_warn(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A suggestion to be filled; an empty one when enough have been made already. */
struct mr_suggestion mr_suggest(struct mr_reading *reading, struct mr_slice wanted);
/* "Resources.Fn.Properties.Events.E" in the arena. */
struct mr_slice mr_path_text(struct mr_reading *reading, const struct mr_path *path);
#define MR_PATH(up_, name_)     (&(struct mr_path){ (up_), (name_), 0 })
#define MR_PATH_AT(up_, index_) (&(struct mr_path){ (up_), { NULL, 0 }, (index_) })

/* Reports once and returns true when the reading has used up what it may. */
bool mr_over_budget(struct mr_reading *reading);

/* --- asking the template --- */

struct mr_resource *mr_resource_find(struct mr_reading *reading, struct mr_slice id);
/* One that SAM makes. False when the template has that logical ID already. */
struct mr_resource *mr_resource_add(struct mr_reading *reading, struct mr_slice id,
                                    const char *type, const struct mr_node *properties,
                                    const struct mr_resource *owner);
struct mr_parameter_value *mr_parameter_find(struct mr_reading *reading, struct mr_slice name);

/* A map of one key that is Ref, Condition or Fn::something. */
bool mr_is_intrinsic(const struct mr_node *node);
/* {Ref: AWS::NoValue} */
bool mr_is_no_value(const struct mr_node *node);
/* [A-Za-z0-9]+ */
bool mr_is_alphanumeric(struct mr_slice text);
/*
 * The translator's view of a value that is a Ref to a parameter: the parameter's
 * value; anything else unchanged.
 */
const struct mr_node *mr_parameter_of(struct mr_reading *reading, const struct mr_node *value);

/* --- the steps --- */

bool mr_read_sections(struct mr_reading *reading);
void mr_read_resources(struct mr_reading *reading);
void mr_read_parameters(struct mr_reading *reading);
void mr_expand_for_each(struct mr_reading *reading);
void mr_merge_globals(struct mr_reading *reading);
void mr_check_everywhere(struct mr_reading *reading);
void mr_check_resources(struct mr_reading *reading);
void mr_read_conditions(struct mr_reading *reading);
void mr_resolve_mappings(struct mr_reading *reading);
void mr_build_model(struct mr_reading *reading);

/* The form `millrace template --json` prints. */
void mr_reading_write_json(const struct mr_reading *reading, enum mr_template_level level,
                           struct mr_buf *out);

#endif
