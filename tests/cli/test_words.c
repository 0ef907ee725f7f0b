#include <string.h>

#include "cli/suggest.h"
#include "tests/suite.h"

static const struct {
    const char *a, *b;
    size_t distance;
} words[] = {
    { "put", "put", 0 },        { "PUT", "put", 0 },        { "evn", "env", 1 },
    { "", "put", 3 },           { "stream", "streams", 1 }, { "tial", "tail", 1 },
    { "kitten", "sitting", 3 }, { "dlq", "seek", 4 },
};

START_TEST(the_distance_of_two_words_counts_what_a_hand_did_wrong)
{
    ck_assert_uint_eq(mr_edit_distance(words[_i].a, words[_i].b), words[_i].distance);
    ck_assert_uint_eq(mr_edit_distance(words[_i].b, words[_i].a), words[_i].distance);
}
END_TEST

START_TEST(a_word_too_long_to_be_meant_is_far_from_everything)
{
    char text[200];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';

    ck_assert(mr_edit_distance(text, "put") > 1000);
}
END_TEST

MR_SUITE("cli.words",
         MR_TEST_LOOP(the_distance_of_two_words_counts_what_a_hand_did_wrong,
                      sizeof(words) / sizeof(words[0])),
         MR_TEST(a_word_too_long_to_be_meant_is_far_from_everything))
