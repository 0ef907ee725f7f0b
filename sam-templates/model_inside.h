/* What the files that build the model share. */
#ifndef MR_SAM_TEMPLATES_MODEL_INSIDE_H
#define MR_SAM_TEMPLATES_MODEL_INSIDE_H

#include "sam-templates/resolve.h"

/* A resource that is looked at. */
struct mr_view {
    struct mr_reading *reading;
    struct mr_resource *resource;
    const struct mr_path *path; /* of its properties */
};

/* A property, resolved; NULL when not given. */
const struct mr_node *mr_view_get(const struct mr_view *view, const char *name);
/* As a string the model may keep; NULL when not given or no scalar. */
const char *mr_view_text(const struct mr_view *view, const char *name);
/* A whole number, `otherwise` when not given; out of min..max is reported. */
int64_t mr_view_whole(const struct mr_view *view, const char *name, int64_t otherwise,
                      int64_t min, int64_t max);
/* The resolved properties as JSON, `name_key` set to the physical name. */
const char *mr_view_json(const struct mr_view *view, const char *name_key);

/* NULL for absent. */
const char *mr_keep(struct mr_reading *reading, struct mr_slice text);
struct mr_template_place mr_place_of(const struct mr_node *node);
/* A path of the template, relative to its directory, as an absolute one. */
const char *mr_local_path(struct mr_reading *reading, struct mr_slice path);
/* Report `{{resolve:...}}`, which only AWS can look up. */
void mr_check_dynamic(struct mr_reading *reading, const struct mr_node *value,
                      const struct mr_path *path);

bool mr_is_layer(const struct mr_resource *resource);
/* CodeUri, ContentUri, Code or Content: a local path, or NULL and why not. */
const char *mr_code_path(const struct mr_view *view, const char *property,
                         const char **out_refusal);

/* The text under a name, or NULL. */
const char *mr_text_at(struct mr_reading *reading, const struct mr_node *map, const char *name);
/* The list with room for one more at its end, zeroed. */
void *mr_model_grow(struct mr_reading *reading, const void *list, size_t count,
                    size_t item_size);

/* The mappings, when everything they may name is in the model. */
void mr_model_mappings(struct mr_reading *reading);
void mr_model_function(const struct mr_view *view, struct mr_template_function *out);

#endif
