#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "poller/dead_letters.h"
#include "tests/suite.h"

static char directory[32], path[64];

static void
set_up(void)
{
    snprintf(directory, sizeof(directory), "/tmp/mr-dead-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/dead_letters.db", directory);
}

static void
tear_down(void)
{
    mr_auto_free char *remove = mr_format("rm -rf %s", directory);
    ck_assert_int_eq(system(remove), 0);
}

static struct mr_dead_letters *
open_store(uint64_t max_count, uint64_t max_bytes)
{
    struct mr_error err = { 0 };
    struct mr_dead_letters *letters = mr_dead_letters_open(
        &(struct mr_dead_letters_options){ path, max_count, max_bytes }, &err);
    ck_assert_msg(letters != NULL, "%s", err.text);
    return letters;
}

static int64_t
add(struct mr_dead_letters *letters, const char *mapping, const char *payload)
{
    struct mr_dead_letter letter = {
        .time_ms = 1764088532123,
        .mapping_uuid = mr_slice_str(mapping),
        .function_arn = MR_SLICE("f"),
        .stream_arn = MR_SLICE("s"),
        .shard_id = MR_SLICE("shardId-0"),
        .destination_arn = MR_SLICE("d"),
        .condition = MR_SLICE("RecordAgeExceeded"),
        .first_sequence_number = MR_SLICE("1"),
        .last_sequence_number = MR_SLICE("5"),
        .invoke_count = 2,
        .batch_size = 5,
        .document = MR_SLICE("{}"),
        .payload = mr_slice_str(payload),
    };
    return mr_dead_letters_add(letters, &letter, NULL);
}

START_TEST(a_letter_comes_back_whole_after_a_restart)
{
    set_up();
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter letter;
    struct mr_dead_letters *letters = open_store(0, 0);
    int64_t id = add(letters, "m", "{\"Records\":[]}");
    mr_dead_letters_close(letters);

    letters = open_store(0, 0);

    ck_assert_uint_eq(mr_dead_letters_count(letters), 1);
    ck_assert_int_eq(mr_dead_letters_get(letters, id, &arena, &letter, NULL), 0);
    ck_assert_uint_eq(letter.time_ms, 1764088532123);
    ck_assert(mr_slice_is(letter.mapping_uuid, "m"));
    ck_assert(mr_slice_is(letter.condition, "RecordAgeExceeded"));
    ck_assert(mr_slice_is(letter.last_sequence_number, "5"));
    ck_assert(mr_slice_is(letter.payload, "{\"Records\":[]}"));
    ck_assert_uint_eq(letter.payload_bytes, 14);
    ck_assert_uint_eq(letter.batch_size, 5);
    mr_dead_letters_close(letters);
    tear_down();
}
END_TEST

START_TEST(letters_are_listed_oldest_first_by_mapping_and_page)
{
    set_up();
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter *list;
    struct mr_dead_letters *letters = open_store(0, 0);
    for (int i = 0; i < 10; i++) {
        add(letters, i % 2 == 0 ? "even" : "odd", "p");
    }

    struct mr_dead_letters_query query = { .mapping_uuid = MR_SLICE("odd"), .limit = 3 };
    ck_assert_int_eq(mr_dead_letters_list(letters, &query, &arena, &list, NULL), 3);
    ck_assert_int_eq(list[0].id, 2);
    ck_assert_int_eq(list[2].id, 6);
    query.after_id = list[2].id;
    ck_assert_int_eq(mr_dead_letters_list(letters, &query, &arena, &list, NULL), 2);
    ck_assert_int_eq(list[1].id, 10);
    ck_assert_ptr_null(list[1].payload.data);
    struct mr_dead_letters_query none = { .function_arn = MR_SLICE("g") };
    ck_assert_int_eq(mr_dead_letters_list(letters, &none, &arena, &list, NULL), 0);
    mr_dead_letters_close(letters);
    tear_down();
}
END_TEST

START_TEST(a_removed_letter_is_gone_and_its_id_is_not_given_again)
{
    set_up();
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter letter;
    struct mr_dead_letters *letters = open_store(0, 0);
    int64_t id = add(letters, "m", "p");

    ck_assert_int_eq(mr_dead_letters_remove(letters, id, NULL), 0);

    ck_assert_int_eq(mr_dead_letters_remove(letters, id, NULL), -ENOENT);
    ck_assert_int_eq(mr_dead_letters_get(letters, id, &arena, &letter, NULL), -ENOENT);
    ck_assert_uint_eq(mr_dead_letters_count(letters), 0);
    ck_assert_int_gt(add(letters, "m", "p"), id);
    mr_dead_letters_close(letters);
    tear_down();
}
END_TEST

START_TEST(when_full_the_oldest_go_and_are_counted)
{
    set_up();
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter *list;
    struct mr_dead_letters_query all = { 0 };
    struct mr_dead_letters *letters = open_store(3, 0);

    for (int i = 0; i < 5; i++) {
        add(letters, "m", "p");
    }

    ck_assert_uint_eq(mr_dead_letters_count(letters), 3);
    ck_assert_uint_eq(mr_dead_letters_dropped(letters), 2);
    ck_assert_int_eq(mr_dead_letters_list(letters, &all, &arena, &list, NULL), 3);
    ck_assert_int_eq(list[0].id, 3);
    mr_dead_letters_close(letters);
    letters = open_store(3, 0);
    ck_assert_uint_eq(mr_dead_letters_dropped(letters), 2);
    mr_dead_letters_close(letters);
    tear_down();
}
END_TEST

START_TEST(bytes_are_bounded_too)
{
    set_up();
    char payload[101];
    memset(payload, 'x', 100);
    payload[100] = '\0';
    struct mr_dead_letters *letters = open_store(0, 350);

    for (int i = 0; i < 5; i++) {
        ck_assert_int_gt(add(letters, "m", payload), 0);
    }

    ck_assert_uint_eq(mr_dead_letters_count(letters), 3);
    char large[400];
    memset(large, 'x', 399);
    large[399] = '\0';
    ck_assert_int_eq(add(letters, "m", large), -EFBIG);
    ck_assert_uint_eq(mr_dead_letters_count(letters), 3);
    mr_dead_letters_close(letters);
    tear_down();
}
END_TEST

START_TEST(a_damaged_file_is_said_to_be_one)
{
    set_up();
    struct mr_error err = { 0 };
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++) {
        fputs("no database ", file);
    }
    fclose(file);

    ck_assert_ptr_null(
        mr_dead_letters_open(&(struct mr_dead_letters_options){ .path = path }, &err));

    ck_assert_int_eq(err.code, -EBADMSG);
    ck_assert_ptr_nonnull(strstr(err.text, "is damaged"));
    tear_down();
}
END_TEST

MR_SUITE("poller.dead_letters", MR_TEST(a_letter_comes_back_whole_after_a_restart),
         MR_TEST(letters_are_listed_oldest_first_by_mapping_and_page),
         MR_TEST(a_removed_letter_is_gone_and_its_id_is_not_given_again),
         MR_TEST(when_full_the_oldest_go_and_are_counted), MR_TEST(bytes_are_bounded_too),
         MR_TEST(a_damaged_file_is_said_to_be_one))
