#include "control/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"

struct entry {
    struct mr_list node;
    char *function;
    char *texts[MR_FUNCTION_MAX_FAULTS]; /* the rules point into them */
    struct mr_fault rules[MR_FUNCTION_MAX_FAULTS];
    size_t count;
};

struct mr_function_faults {
    struct mr_list entries;
    struct mr_random random;
};

struct mr_function_faults *
mr_function_faults_new(uint64_t seed)
{
    struct mr_function_faults *faults = mr_alloc_zero(1, sizeof(*faults));
    mr_list_init(&faults->entries);
    if (seed == 0) {
        mr_random_init_system(&faults->random);
    } else {
        mr_random_init_seed(&faults->random, seed);
    }
    return faults;
}

static void
entry_free(struct entry *entry)
{
    for (size_t i = 0; i < entry->count; i++) {
        free(entry->texts[i]);
    }
    mr_list_remove(&entry->node);
    free(entry->function);
    free(entry);
}

void
mr_function_faults_free(struct mr_function_faults *faults)
{
    if (faults == NULL) {
        return;
    }
    MR_LIST_EACH(node, &faults->entries)
    {
        entry_free(MR_CONTAINER_OF(node, struct entry, node));
    }
    free(faults);
}

int
mr_function_faults_check(const json_t *rules, struct mr_error *err)
{
    if (rules != NULL && !json_is_array(rules)) {
        return mr_fail(err, -EINVAL, "faults is a list of rules such as handler:crash@5%%");
    }
    if (json_array_size(rules) > MR_FUNCTION_MAX_FAULTS) {
        return mr_fail(err, -EINVAL, "more than %d faults", MR_FUNCTION_MAX_FAULTS);
    }
    for (size_t i = 0; i < json_array_size(rules); i++) {
        struct mr_fault fault;
        const char *text = json_string_value(json_array_get(rules, i));
        int rc = mr_fault_parse(mr_slice_str(text == NULL ? "" : text), &fault, err);
        if (rc < 0) {
            return rc;
        }
        if (fault.kind > MR_FAULT_THROTTLE || fault.function.data != NULL) {
            return mr_fail(err, -EINVAL, "\"%.60s\" is no fault of a handler", text);
        }
    }
    return 0;
}

static struct entry *
find(const struct mr_function_faults *faults, const char *function)
{
    MR_LIST_EACH(node, &faults->entries)
    {
        struct entry *entry = MR_CONTAINER_OF(node, struct entry, node);
        if (strcmp(entry->function, function) == 0) {
            return entry;
        }
    }
    return NULL;
}

void
mr_function_faults_set(struct mr_function_faults *faults, const char *function,
                       const json_t *rules)
{
    struct entry *entry = find(faults, function);
    if (entry != NULL) {
        entry_free(entry);
    }
    if (json_array_size(rules) == 0) {
        return;
    }
    entry = mr_alloc_zero(1, sizeof(*entry));
    entry->function = mr_strdup(function);
    mr_list_push_back(&faults->entries, &entry->node);
    for (size_t i = 0; i < json_array_size(rules) && i < MR_FUNCTION_MAX_FAULTS; i++) {
        char *text = mr_strdup(json_string_value(json_array_get(rules, i)));
        if (text == NULL ||
            mr_fault_parse(mr_slice_str(text), &entry->rules[entry->count], NULL) < 0) {
            free(text);
            continue;
        }
        entry->texts[entry->count++] = text;
    }
}

const struct mr_fault *
mr_function_faults_strike(struct mr_function_faults *faults, const char *function)
{
    struct entry *entry = mr_list_empty(&faults->entries) ? NULL : find(faults, function);
    for (size_t i = 0; entry != NULL && i < entry->count; i++) {
        if (mr_fault_strikes(&entry->rules[i], &faults->random)) {
            return &entry->rules[i];
        }
    }
    return NULL;
}

uint64_t
mr_function_faults_delay_ms(struct mr_function_faults *faults, const struct mr_fault *fault)
{
    return fault->slow_ms - fault->jitter_ms +
           mr_random_below(&faults->random, 2 * fault->jitter_ms + 1);
}
