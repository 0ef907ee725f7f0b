/*
 * place: where the Millrace a verb talks to is, and what its things are called.
 *
 * A running `millrace up` leaves up.json in its data directory: the endpoint, the
 * region and account, and the names its template's logical IDs stand for. A verb
 * finds it in ./.millrace or that of a directory above, so `millrace put Orders`
 * needs no flags. What is said nearer wins: flag, environment, up.json, default.
 */
#ifndef MR_CLI_PLACE_H
#define MR_CLI_PLACE_H

#include <stdbool.h>

#include <argp.h>

#include "base/arena.h"
#include "base/error.h"

struct mr_setting {
    const char *value;
    const char *origin; /* "flag --endpoint", "AWS_REGION", ".millrace/up.json", "default" */
};

struct mr_place {
    struct mr_arena arena; /* everything below */
    struct mr_setting endpoint, region, account, data;
    struct mr_setting access_key, secret_key, session_token; /* the last may be NULL */
    const char *state_json;                                  /* up.json's text, or NULL */
};

/* What flags said; NULL where they did not. */
struct mr_place_flags {
    const char *endpoint, *region, *data;
};

/* For a verb's `struct argp_child`: --endpoint-url, --region, --data. Its input is a
 * `struct mr_place_flags`. */
extern const struct argp mr_place_argp;

void mr_place_find(struct mr_place *place, const struct mr_place_flags *flags);
void mr_place_deinit(struct mr_place *place);
#define mr_auto_place __attribute__((cleanup(mr_place_deinit)))

/*
 * The name of a stream, function, ...: `word` may be a logical ID of the template that is up
 * (`kind` is "streams", "functions", "mappings"), or the name itself. Valid as long as the
 * place.
 */
const char *mr_place_name(struct mr_place *place, const char *kind, const char *word);

/* Top-level text of up.json ("template", "sockets"), or NULL. Valid as long as the place. */
const char *mr_place_state(struct mr_place *place, const char *name);

#endif
