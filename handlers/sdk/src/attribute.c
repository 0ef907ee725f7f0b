#include "internal.h"

static enum mr_attribute_kind
kind_of(struct mr_str name)
{
    static const char *const names[] = {
        [MR_ATTRIBUTE_S] = "S",       [MR_ATTRIBUTE_N] = "N",       [MR_ATTRIBUTE_B] = "B",
        [MR_ATTRIBUTE_BOOL] = "BOOL", [MR_ATTRIBUTE_NULL] = "NULL", [MR_ATTRIBUTE_M] = "M",
        [MR_ATTRIBUTE_L] = "L",       [MR_ATTRIBUTE_SS] = "SS",     [MR_ATTRIBUTE_NS] = "NS",
        [MR_ATTRIBUTE_BS] = "BS",
    };
    for (size_t i = MR_ATTRIBUTE_S; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mr_str_eq(name, mr_str_z(names[i]))) {
            return (enum mr_attribute_kind)i;
        }
    }
    return MR_ATTRIBUTE_NONE;
}

/* {"S": "x"} to its kind and value. */
static struct mr_attribute
open_typed(struct mr_str typed)
{
    struct mr_attribute attribute = { MR_ATTRIBUTE_NONE, { NULL, 0 } };
    struct mr_reader reader = mr_read(typed);
    struct mr_str key;
    if (mr_read_peek(&reader) == MR_KIND_OBJECT && mr_read_enter(&reader) &&
        mr_read_key(&reader, &key)) {
        attribute.kind = kind_of(key);
        attribute.raw = mr_read_raw(&reader);
    }
    return attribute;
}

/* Walks names and indices; between two steps the value inside M or L is opened. */
struct mr_attribute
mr_attribute_get(struct mr_str image, const char *path)
{
    struct mr_attribute at = { MR_ATTRIBUTE_M, image };
    while (*path != '\0' && at.kind != MR_ATTRIBUTE_NONE) {
        char step[256];
        size_t size = *path == '[' ? strcspn(path, "]") + 1 : strcspn(path, ".[");
        if (size >= sizeof(step) || size > strlen(path)) {
            return (struct mr_attribute){ MR_ATTRIBUTE_NONE, { NULL, 0 } };
        }
        memcpy(step, path, size);
        step[size] = '\0';
        bool fits = *path == '[' ? at.kind == MR_ATTRIBUTE_L : at.kind == MR_ATTRIBUTE_M;
        at = fits ? open_typed(mr_find(at.raw, step))
                  : (struct mr_attribute){ MR_ATTRIBUTE_NONE, { NULL, 0 } };
        path += size;
        if (*path == '.') {
            path++;
        }
    }
    return at;
}

struct mr_str
mr_attribute_text(struct mr_ctx *ctx, struct mr_attribute attribute)
{
    struct mr_str text = { NULL, 0 };
    if (attribute.kind == MR_ATTRIBUTE_S || attribute.kind == MR_ATTRIBUTE_N ||
        attribute.kind == MR_ATTRIBUTE_B) {
        text = mr_text(ctx, attribute.raw);
    }
    return attribute.kind == MR_ATTRIBUTE_B && text.data != NULL ? mr_base64(ctx, text) : text;
}
