#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poller/checkpoint.h"
#include "tests/suite.h"

static char directory[64], path[96];
static struct mr_clock_virtual clock_;
static struct mr_loop *loop;

static void
begin(void)
{
    snprintf(directory, sizeof(directory), "/tmp/mr-checkpoints-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/checkpoints.db", directory);
    mr_clock_virtual_init(&clock_, 0);
    loop = mr_loop_new_virtual(&clock_);
}

static void
end(void)
{
    char command[128];
    mr_loop_free(loop);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static struct mr_checkpoints *
open_file(void)
{
    struct mr_error err = { 0 };
    struct mr_checkpoints *checkpoints = mr_checkpoints_open(path, loop, &err);
    ck_assert_msg(checkpoints != NULL, "%s", err.text);
    return checkpoints;
}

static void
put(struct mr_checkpoints *checkpoints, const char *mapping, uint64_t created,
    const char *shard, const char *number, bool finished)
{
    struct mr_checkpoint checkpoint = { mr_slice_str(shard), mr_slice_str(number), finished };
    mr_checkpoints_put(checkpoints, mr_slice_str(mapping), created, &checkpoint);
}

/* "shard=number" for each, "!" behind a finished one. */
static void
ck_list(struct mr_checkpoints *checkpoints, const char *mapping, uint64_t created,
        const char *wanted)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_checkpoint *list;
    char text[256] = "";
    size_t size = 0;
    int count =
        mr_checkpoints_list(checkpoints, mr_slice_str(mapping), created, &arena, &list, NULL);
    ck_assert_int_ge(count, 0);
    for (int i = 0; i < count; i++) {
        size += (size_t)snprintf(
            text + size, sizeof(text) - size, "%.*s=%.*s%s ", MR_SLICE_ARGS(list[i].shard_id),
            MR_SLICE_ARGS(list[i].sequence_number), list[i].finished ? "!" : "");
    }
    ck_assert_str_eq(text, wanted);
}

START_TEST(what_was_put_is_there_after_a_clean_stop)
{
    begin();
    struct mr_checkpoints *checkpoints = open_file();
    put(checkpoints, "m", 1, "s0", "10", false);
    put(checkpoints, "m", 1, "s0", "11", false);
    put(checkpoints, "m", 1, "s1", NULL, true);

    mr_checkpoints_close(checkpoints);
    checkpoints = open_file();

    ck_list(checkpoints, "m", 1, "s0=11 s1=! ");
    mr_checkpoints_close(checkpoints);
    end();
}
END_TEST

START_TEST(another_incarnation_of_the_stream_begins_anew)
{
    begin();
    struct mr_checkpoints *checkpoints = open_file();
    put(checkpoints, "m", 1, "s0", "10", false);

    ck_list(checkpoints, "m", 2, "");
    ck_list(checkpoints, "other", 1, "");
    mr_checkpoints_close(checkpoints);
    end();
}
END_TEST

START_TEST(a_forgotten_mapping_takes_no_other_with_it)
{
    begin();
    struct mr_checkpoints *checkpoints = open_file();
    put(checkpoints, "m", 1, "s0", "10", false);
    put(checkpoints, "n", 1, "s0", "20", false);

    mr_checkpoints_forget(checkpoints, MR_SLICE("m"));

    ck_list(checkpoints, "m", 1, "");
    ck_list(checkpoints, "n", 1, "s0=20 ");
    mr_checkpoints_close(checkpoints);
    end();
}
END_TEST

START_TEST(after_a_tenth_of_a_second_it_is_on_disk)
{
    begin();
    struct mr_checkpoints *writer = open_file();
    put(writer, "m", 1, "s0", "10", false);

    mr_loop_run(loop); /* until the timer has fired */

    ck_assert_uint_eq(mr_clock_now_ms(&clock_.clock), 100);
    struct mr_checkpoints *reader = open_file();
    ck_list(reader, "m", 1, "s0=10 ");
    mr_checkpoints_close(reader);
    mr_checkpoints_close(writer);
    end();
}
END_TEST

START_TEST(a_damaged_file_is_refused_with_what_to_do)
{
    struct mr_error err = { 0 };
    begin();
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database ", file);
    }
    fclose(file);

    ck_assert_ptr_null(mr_checkpoints_open(path, loop, &err));

    ck_assert_int_eq(err.code, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "move it away"));
    end();
}
END_TEST

MR_SUITE("poller.checkpoint", MR_TEST(what_was_put_is_there_after_a_clean_stop),
         MR_TEST(another_incarnation_of_the_stream_begins_anew),
         MR_TEST(a_forgotten_mapping_takes_no_other_with_it),
         MR_TEST(after_a_tenth_of_a_second_it_is_on_disk),
         MR_TEST(a_damaged_file_is_refused_with_what_to_do))
