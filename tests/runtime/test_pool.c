/* Which environment an invocation gets, how many there may be, and how long they stay. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/world.h"

enum { MAX_ANSWERS = 16 };

struct answers {
    int count, throttled;
    char text[MAX_ANSWERS][128];
    int pids[MAX_ANSWERS];
};

static void
on_answer(const struct mr_invocation_result *result, void *context)
{
    struct answers *answers = context;

    answers->throttled += result->outcome == MR_INVOCATION_THROTTLED;
    snprintf(answers->text[answers->count], sizeof(answers->text[0]), "%.*s",
             MR_SLICE_ARGS(result->payload));
    answers->pids[answers->count] = atoi(answers->text[answers->count]);
    answers->count++;
}

static void
begin(struct world *world, bool sandboxed, const struct mr_runtime_options *options)
{
    mr_auto_free char *command = NULL;

    world_begin_with(world, sandboxed, options);
    command = mr_format("cp %s %s/bootstrap", POOL_HANDLER, world->dir);
    ck_assert_int_eq(system(command), 0);
    world_put_file(world, "version", "one", 0644);
    world_set_function(world, "provided.al2023", "x", 1000);
}

static void
ask(struct world *world, struct answers *answers, const char *function, const char *event)
{
    const struct mr_invocation_request request = { .function = mr_slice_str(function),
                                                   .payload = mr_slice_str(event) };

    mr_runtime_invoke(world->runtime, &request, on_answer, answers);
}

static void
wait_for(struct world *world, struct answers *answers, int count)
{
    for (int i = 0; i < 600 && answers->count < count; i++) {
        mr_loop_run_once(world->loop, 10);
    }
    ck_assert_msg(answers->count >= count, "%d of %d; %s", answers->count, count, world->log);
}

static void
pass(struct world *world, uint64_t ms)
{
    uint64_t until_us = mr_clock_now_us(mr_clock_system()) + ms * 1000;

    while (mr_clock_now_us(mr_clock_system()) < until_us) {
        mr_loop_run_once(world->loop, 10);
    }
}

START_TEST(environments_start_at_the_same_time_and_are_kept_for_the_next)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, _i == 1, &(struct mr_runtime_options){ .init_ms = 5000 });
    uint64_t before_us = mr_clock_now_us(mr_clock_system());

    for (int i = 0; i < 4; i++) {
        ask(&world, &answers, "f", "{\"sleep\":400}");
    }
    wait_for(&world, &answers, 4);
    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - before_us;
    ck_assert_msg(took_us < 1400000, "%d us", (int)took_us);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 4);
    for (int i = 0; i < 4; i++) {
        ask(&world, &answers, "f", "{\"sleep\":100}");
    }
    wait_for(&world, &answers, 8);

    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 4);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).environments, 4);
    for (int i = 4; i < 8; i++) {
        SAYS(answers.text[i], " calls 2 ");
    }
    world_end(&world);
}
END_TEST

START_TEST(beyond_a_functions_own_bound_nothing_starts)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, false, &(struct mr_runtime_options){ 0 });

    for (int i = 0; i < 6; i++) {
        ask(&world, &answers, "f", "{\"sleep\":200}");
    }
    wait_for(&world, &answers, 6);

    ck_assert_int_eq(answers.throttled, 2);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 4);
    world_end(&world);
}
END_TEST

START_TEST(the_bound_of_all_takes_an_idle_environment_of_another_function_but_no_busy_one)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, false, &(struct mr_runtime_options){ .max_environments = 2 });
    world.function.name = MR_SLICE("g");
    world_set_function(&world, "provided.al2023", "x", 1000);
    ask(&world, &answers, "f", "{\"sleep\":50}");
    ask(&world, &answers, "f", "{\"sleep\":50}");
    wait_for(&world, &answers, 2);
    pass(&world, 50);

    ask(&world, &answers, "g", "{\"sleep\":300}");
    ask(&world, &answers, "f", "{\"sleep\":300}");
    pass(&world, 100);
    ask(&world, &answers, "g", "{}");
    wait_for(&world, &answers, 5);

    ck_assert_int_eq(answers.throttled, 1);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 3);
    ck_assert_uint_le(mr_runtime_counts(world.runtime).environments, 2);
    world_end(&world);
}
END_TEST

START_TEST(what_is_idle_for_long_goes)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, false, &(struct mr_runtime_options){ .idle_ms = 300 });
    ask(&world, &answers, "f", "{\"sleep\":50}");
    ask(&world, &answers, "f", "{\"sleep\":50}");
    wait_for(&world, &answers, 2);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).environments, 2);

    pass(&world, 1600);

    ck_assert_uint_eq(mr_runtime_counts(world.runtime).environments, 0);
    mr_auto_free char *process = mr_format("/proc/%d", answers.pids[0]);
    ck_assert_int_ne(access(process, F_OK), 0);
    world_end(&world);
}
END_TEST

START_TEST(the_one_used_last_is_used_next_so_that_others_may_go)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, false, &(struct mr_runtime_options){ 0 });
    ask(&world, &answers, "f", "{\"sleep\":50}");
    ask(&world, &answers, "f", "{\"sleep\":150}");
    wait_for(&world, &answers, 2);
    pass(&world, 20);

    for (int i = 0; i < 3; i++) {
        ask(&world, &answers, "f", "{}");
        wait_for(&world, &answers, 3 + i);
        pass(&world, 10);
        ck_assert_int_eq(answers.pids[2 + i], answers.pids[1]);
    }
    world_end(&world);
}
END_TEST

static char
state_of(int pid)
{
    mr_auto_free char *path = mr_format("/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    char state = '?';

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    fclose(file);
    return state;
}

START_TEST(between_invocations_it_stands_still_when_that_is_asked_for)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, false, &(struct mr_runtime_options){ .freeze = true });

    for (int i = 0; i < 3; i++) {
        ask(&world, &answers, "f", "{}");
        wait_for(&world, &answers, i + 1);
        pass(&world, 50);
        ck_assert_int_eq(state_of(answers.pids[i]), 'T');
    }

    SAYS(answers.text[2], " calls 3 ");
    world_end(&world);
}
END_TEST

START_TEST(a_frozen_environment_in_a_sandbox_serves_the_next_event)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, true, &(struct mr_runtime_options){ .freeze = true, .init_ms = 5000 });

    for (int i = 0; i < 5; i++) {
        ask(&world, &answers, "f", "{}");
        wait_for(&world, &answers, i + 1);
        pass(&world, 20);
    }

    SAYS(answers.text[4], " calls 5 ");
    world_end(&world);
}
END_TEST

/* 0: it exits; 1: it hangs. */
START_TEST(after_a_crash_or_a_timeout_the_process_is_new_and_tmp_is_kept)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, true, &(struct mr_runtime_options){ .init_ms = 5000 });
    ask(&world, &answers, "f", "{\"mark\":\"left\"}");
    wait_for(&world, &answers, 1);

    ask(&world, &answers, "f", _i == 0 ? "{\"exit\":3}" : "{\"sleep\":5000}");
    wait_for(&world, &answers, 2);
    SAYS(answers.text[1], _i == 0 ? "Runtime.ExitError" : "Sandbox.Timedout");
    ask(&world, &answers, "f", "{}");
    wait_for(&world, &answers, 3);

    SAYS(answers.text[2], " calls 1 mark left ");
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).environments, 1);
    world_end(&world);
}
END_TEST

START_TEST(new_code_is_used_at_once_and_what_is_under_way_ends_on_the_old)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, _i == 1, &(struct mr_runtime_options){ .init_ms = 5000 });
    ask(&world, &answers, "f", "{}");
    wait_for(&world, &answers, 1);
    pass(&world, 20);
    ask(&world, &answers, "f", "{\"sleep\":600}");
    pass(&world, 100);

    world_put_file(&world, "version", "two", 0644);
    world_set_function(&world, "provided.al2023", "x", 1000);
    ask(&world, &answers, "f", "{}");
    wait_for(&world, &answers, 3);

    bool new_first = strstr(answers.text[1], "version two") != NULL;
    SAYS(answers.text[new_first ? 1 : 2], "version two");
    SAYS(answers.text[new_first ? 2 : 1], "version one");
    pass(&world, 200);
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).environments, 1);
    world_end(&world);
}
END_TEST

/* A child in a session of its own, that holds the output pipe open. */
static int
left_behind(const char *mark)
{
    mr_auto_free char *command = mr_format("pgrep -fc '[s]leep %s'", mark);
    FILE *pipe = popen(command, "re");
    int count = 0;

    ck_assert_int_eq(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

START_TEST(what_a_runtime_leaves_behind_goes_with_it)
{
    struct answers answers = { 0 };
    struct world world;
    char bootstrap[256], mark[32];
    begin(&world, true, &(struct mr_runtime_options){ .init_ms = 5000 });
    snprintf(mark, sizeof(mark), "7%d.5", (int)getpid());
    snprintf(bootstrap, sizeof(bootstrap),
             "#!/bin/bash\nsleep %s &\nsetsid -f sleep %s\nexit 3\n", mark, mark);
    world_put_file(&world, "bootstrap", bootstrap, 0755);

    ask(&world, &answers, "f", "{}");
    wait_for(&world, &answers, 1);

    SAYS(answers.text[0], "Runtime.ExitError");
    pass(&world, 200);
    ck_assert_int_eq(left_behind(mark), 0);
    world_end(&world);
}
END_TEST

START_TEST(a_c_handler_may_do_something_before_it_goes)
{
    static const struct mr_slice variables[] = { MR_SLICE_INIT("SAY_BYE=1") };
    struct answers answers = { 0 };
    struct world world;
    begin(&world, _i == 1, &(struct mr_runtime_options){ .init_ms = 5000, .freeze = true });
    world.function.environment = variables;
    world.function.environment_count = 1;
    world_set_function(&world, "provided.al2023", "x", 1000);
    ask(&world, &answers, "f", "{}");
    wait_for(&world, &answers, 1);
    pass(&world, 20);

    world_end(&world);

    SAYS(world.log, "bye, in time");
}
END_TEST

START_TEST(a_c_handler_takes_many_at_a_time_in_one_process)
{
    struct answers answers = { 0 };
    struct world world;
    begin(&world, _i == 1, &(struct mr_runtime_options){ .init_ms = 5000 });
    world.function.max_concurrency = 4;
    world_set_function(&world, "provided.al2023", "x", 2000);

    for (int i = 0; i < 4; i++) {
        ask(&world, &answers, "f", "{\"sleep\":400}");
    }
    wait_for(&world, &answers, 4);

    for (int i = 1; i < 4; i++) {
        ck_assert_int_eq(answers.pids[i], answers.pids[0]);
    }
    ck_assert_uint_eq(mr_runtime_counts(world.runtime).cold_starts, 1);
    ck_assert_int_eq(answers.throttled, 0);
    world_end(&world);
}
END_TEST

MR_SUITE(
    "runtime.pool", MR_TEST(what_a_runtime_leaves_behind_goes_with_it),
    MR_TEST_LOOP(a_c_handler_may_do_something_before_it_goes, 2),
    MR_TEST_LOOP(a_c_handler_takes_many_at_a_time_in_one_process, 2),
    MR_TEST_LOOP(environments_start_at_the_same_time_and_are_kept_for_the_next, 2),
    MR_TEST(beyond_a_functions_own_bound_nothing_starts),
    MR_TEST(the_bound_of_all_takes_an_idle_environment_of_another_function_but_no_busy_one),
    MR_TEST(what_is_idle_for_long_goes),
    MR_TEST(the_one_used_last_is_used_next_so_that_others_may_go),
    MR_TEST(between_invocations_it_stands_still_when_that_is_asked_for),
    MR_TEST(a_frozen_environment_in_a_sandbox_serves_the_next_event),
    MR_TEST_LOOP(after_a_crash_or_a_timeout_the_process_is_new_and_tmp_is_kept, 2),
    MR_TEST_LOOP(new_code_is_used_at_once_and_what_is_under_way_ends_on_the_old, 2))
