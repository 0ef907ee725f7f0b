/*
 * A result is given exactly once, whatever happens: handlers crash, hang and fail, code is
 * replaced, environments run out, and the runtime stops in the middle of it. Seeded; the seed
 * is in the message of a failure, and MILLRACE_SEED sets it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "tests/runtime/world.h"

enum { INVOCATIONS = 250, LANES = 8, PACE_US = 12000 };

/* Falls over now and then, and does not always go when it is told to. */
static const char extension[] =
    "#!/usr/bin/python3\n"
    "import http.client, json, os, random, sys\n"
    "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "def call(m, p, h={}, b=None):\n"
    "    c.request(m, '/2020-01-01/extension/' + p, b, h); r = c.getresponse()\n"
    "    return r, r.read().decode()\n"
    "if random.random() < 0.1: sys.exit(1)\n"
    "r, _ = call('POST', 'register', {'Lambda-Extension-Name': "
    "os.path.basename(sys.argv[0])},\n"
    "            json.dumps({'events': ['INVOKE', 'SHUTDOWN']}))\n"
    "h = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}\n"
    "while True:\n"
    "    _, b = call('GET', 'event/next', h)\n"
    "    if random.random() < 0.1: sys.exit(2)\n"
    "    if 'SHUTDOWN' in b and random.random() < 0.8: break\n";

struct storm {
    struct world world;
    struct mr_random random;
    uint64_t seed, pace_us;
    int wanted, asked, answered, open;
    int results[INVOCATIONS];
    int outcomes[MR_INVOCATION_NOT_FOUND + 1];
};

struct drop {
    struct storm *storm;
    int number;
};

static void
on_result(const struct mr_invocation_result *result, void *context)
{
    struct drop *drop = context;
    struct storm *storm = drop->storm;

    storm->results[drop->number]++;
    storm->outcomes[result->outcome]++;
    storm->answered++;
    storm->open--;
}

static void
ask(struct storm *storm, struct drop *drop)
{
    static const char *const events[] = {
        "{\"sleep\":1}",    "{\"sleep\":20}", "{}", "{\"sleep\":5}", "{\"exit\":3}",
        "{\"sleep\":5000}", "no json at all",
    };
    const struct mr_invocation_request request = {
        .function = MR_SLICE("f"),
        .payload = mr_slice_str(events[mr_random_below(&storm->random, 7)]),
        .want_log_tail = mr_random_below(&storm->random, 2) == 0,
    };

    drop->storm = storm;
    drop->number = storm->asked++;
    storm->open++;
    mr_runtime_invoke(storm->world.runtime, &request, on_result, drop);
}

static void
rage(struct storm *storm, struct drop *drops, uint32_t max_concurrency)
{
    struct world *world = &storm->world;

    while (storm->asked < storm->wanted) {
        if (storm->open < LANES) {
            ask(storm, &drops[storm->asked]);
        }
        uint64_t until_us = mr_clock_now_us(mr_clock_system()) + storm->pace_us;
        while (mr_clock_now_us(mr_clock_system()) < until_us) {
            mr_loop_run_once(world->loop, 2);
        }
        if (mr_random_below(&storm->random, 40) == 0) {
            world->function.max_concurrency = max_concurrency;
            world_set_function(world, "provided.al2023", "x", 200);
        }
    }
}

static void
add_extension(struct world *world)
{
    static struct mr_slice layer;
    static char path[128];

    snprintf(path, sizeof(path), "%s/layer", world->dir);
    layer = mr_slice_str(path);
    world->function.layers = &layer;
    world->function.layer_count = 1;
    world_put_file(world, "layer/extensions/shaky.py", extension, 0755);
}

/*
 * 0: one at a time, plain; 1: in a sandbox, frozen in between; 2: three at a time; 3: with an
 * extension that is no better.
 */
START_TEST(every_invocation_is_answered_exactly_once)
{
    static struct storm storm;
    static struct drop drops[INVOCATIONS];
    const char *given = getenv("MILLRACE_SEED");
    mr_auto_free char *command = NULL;

    storm = (struct storm){ 0 };
    storm.seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)getpid();
    mr_random_init_seed(&storm.random, storm.seed);
    world_begin_with(&storm.world, _i == 1,
                     &(struct mr_runtime_options){
                         .init_ms = 5000, .max_environments = 5, .freeze = _i == 1 });
    command = mr_format("cp %s %s/bootstrap", POOL_HANDLER, storm.world.dir);
    ck_assert_int_eq(system(command), 0);
    storm.world.function.concurrency = 6;
    storm.wanted = _i == 3 ? INVOCATIONS / 3 : INVOCATIONS;
    storm.pace_us = _i == 3 ? 5 * PACE_US : PACE_US;
    if (_i == 3) {
        add_extension(&storm.world);
    }
    world_set_function(&storm.world, "provided.al2023", "x", 200);

    rage(&storm, drops, _i == 2 ? 3 : 0);
    world_end(&storm.world); /* what is still under way is answered too */

    ck_assert_msg(storm.answered == storm.wanted, "seed %llu: %d answers",
                  (unsigned long long)storm.seed, storm.answered);
    for (int i = 0; i < storm.wanted; i++) {
        ck_assert_msg(storm.results[i] == 1, "seed %llu: invocation %d has %d results",
                      (unsigned long long)storm.seed, i, storm.results[i]);
    }
    ck_assert(_i == 3 || storm.outcomes[MR_INVOCATION_OK] > 0);
    ck_assert_int_gt(storm.outcomes[MR_INVOCATION_FUNCTION_ERROR], 0);
}
END_TEST

MR_SUITE("runtime.once", MR_TEST_LOOP(every_invocation_is_answered_exactly_once, 4))
