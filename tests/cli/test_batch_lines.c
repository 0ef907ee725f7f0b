#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/batch_lines.h"
#include "tests/suite.h"

#define START                                                                                \
    "{\"seq\":1,\"t\":1764088062311,\"kind\":\"start\",\"mapping\":\"m\",\"function\":"      \
    "\"local-OrderFn\",\"stream\":\"orders\",\"shard\":\"shardId-000000000003\",\"lane\":0," \
    "\"batch\":\"b7\",\"attempt\":1,\"count\":19,\"bytes\":4200,\"ageMs\":12,\"maxRetries\":2"
#define FIRST "\"first\":\"49680560203550009709304069481463611627832993107337543698\""
#define LAST  "\"last\":\"49680560203550009709304069481464820553652607736512249874\""

/* What is said of some lines of the feed. */
static const char *
said(enum mr_batch_detail detail, bool json, const char *const *feed)
{
    static char text[8192];
    struct mr_say say;
    int memory = memfd_create("said", 0), terminal = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(memory, STDOUT_FILENO);
    mr_say_init(&say, json);
    struct mr_batch_lines *lines = mr_batch_lines_new(&say, detail);
    mr_batch_lines_name(lines, "local-OrderFn", "OrderFn");
    for (; *feed != NULL; feed++) {
        mr_batch_lines_take(mr_slice_str(*feed), lines);
    }
    mr_batch_lines_free(lines);
    mr_say_deinit(&say);
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    ssize_t size = pread(memory, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    close(memory);
    close(terminal);
    return text;
}

#define SAID(detail, json, ...) said(detail, json, (const char *const[]){ __VA_ARGS__, NULL })
#define HAS(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text)

START_TEST(a_sequence_number_shows_its_place_in_the_shard)
{
    ck_assert_uint_eq(mr_sequence_index_of(MR_SLICE(
                          "49680560203550009709304069481463611627832993107337543698")) +
                          1,
                      mr_sequence_index_of(MR_SLICE(
                          "49680560203550009709304069481464820553652607736512249874")));
    ck_assert_uint_eq(mr_sequence_index_of(MR_SLICE("")), 0);
    ck_assert_uint_eq(mr_sequence_index_of(MR_SLICE("no number")), 0);
}
END_TEST

START_TEST(a_batch_is_told_by_its_start_and_its_end)
{
    const char *text =
        SAID(MR_BATCH_USUAL, false, START "," FIRST "," LAST "}",
             "{\"seq\":2,\"t\":1764088062314,\"kind\":\"end\",\"function\":\"local-OrderFn\","
             "\"shard\":\"shardId-000000000003\",\"lane\":2,\"batch\":\"b7\",\"count\":19,"
             "\"outcome\":\"ok\",\"durationUs\":3100}");

    HAS(text, "OrderFn/3  START  b7           19 rec    4.2 kB  age 12 ms");
    HAS(text, "OrderFn/3.2  END    b7        ok      19 rec  3.1 ms");
}
END_TEST

START_TEST(a_failed_batch_says_why_and_what_becomes_of_it)
{
    const char *text = SAID(
        MR_BATCH_QUIET, false, START "}",
        "{\"seq\":2,\"t\":1,\"kind\":\"end\",\"function\":\"f\",\"batch\":\"b8\",\"count\":8,"
        "\"attempt\":1,\"maxRetries\":2,\"outcome\":\"failed\",\"durationUs\":1,\"split\":4,"
        "\"retryInMs\":0,\"detail\":\"signal: killed\\nand more\"}",
        "{\"seq\":3,\"t\":1,\"kind\":\"end\",\"function\":\"f\",\"batch\":\"b8.L\",\"count\":4,"
        "\"attempt\":2,\"maxRetries\":2,\"outcome\":\"partial\",\"failedAt\":3,\"durationUs\":"
        "1,"
        "\"retryInMs\":1500}",
        "{\"seq\":4,\"t\":1,\"kind\":\"drop\",\"function\":\"f\",\"batch\":\"b8.R\",\"count\":"
        "1,"
        "\"condition\":\"RetryAttemptsExhausted\",\"sunk\":\"delivered\",\"detail\":\"sqs "
        "Failed\"}");

    ck_assert_msg(strstr(text, "START") == NULL, "quiet: %s", text);
    HAS(text, "FAIL   b8        signal: killed → bisect 4+4, try 1 of 3\n");
    HAS(text, "partial  3 of 4 done");
    HAS(text, "→ again in 1.5 s, try 2 of 3");
    HAS(text, "DROP   b8.R      RetryAttemptsExhausted  1 rec → sqs Failed");
}
END_TEST

START_TEST(a_handler_cannot_move_the_cursor)
{
    const char *text = SAID(MR_BATCH_USUAL, false,
                            "{\"seq\":1,\"t\":1,\"kind\":\"log\",\"function\":\"f\",\"line\":"
                            "\"a\\u001b[2Jb\\u0000c\"}");

    ck_assert_str_eq(text, "  a\\x1b[2Jb\\x00c\n");
}
END_TEST

START_TEST(lambda_s_own_lines_are_shown_on_demand)
{
    const char *line = "{\"seq\":1,\"t\":1,\"kind\":\"platform\",\"function\":\"f\",\"line\":"
                       "\"REPORT RequestId: x\"}";

    ck_assert_str_eq(SAID(MR_BATCH_USUAL, false, line), "");
    ck_assert_str_eq(SAID(MR_BATCH_LAMBDA_LOG, false, line), "REPORT RequestId: x\n");
}
END_TEST

START_TEST(json_is_passed_on_as_it_is)
{
    ck_assert_str_eq(SAID(MR_BATCH_USUAL, true, START "}"), START "}\n");
}
END_TEST

START_TEST(what_is_no_event_says_nothing)
{
    ck_assert_str_eq(SAID(MR_BATCH_USUAL, false, "", "[", "{}", "{\"kind\":7}", "nonsense"),
                     "");
}
END_TEST

MR_SUITE("cli.batch_lines", MR_TEST(a_sequence_number_shows_its_place_in_the_shard),
         MR_TEST(a_batch_is_told_by_its_start_and_its_end),
         MR_TEST(a_failed_batch_says_why_and_what_becomes_of_it),
         MR_TEST(a_handler_cannot_move_the_cursor),
         MR_TEST(lambda_s_own_lines_are_shown_on_demand), MR_TEST(json_is_passed_on_as_it_is),
         MR_TEST(what_is_no_event_says_nothing))
