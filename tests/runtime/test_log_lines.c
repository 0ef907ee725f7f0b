#include "runtime/log_lines.h"

#include "base/limits.h"
#include "tests/suite.h"

struct seen {
    int count;
    char text[8][64];
    bool framed[8];
    enum mr_function_log_level level[8];
    size_t size[8];
};

static void
on_line(const struct mr_log_line *line, void *context)
{
    struct seen *seen = context;
    size_t size = line->text.size < 63 ? line->text.size : 63;

    ck_assert_int_lt(seen->count, 8);
    memcpy(seen->text[seen->count], line->text.data, size);
    seen->framed[seen->count] = line->framed;
    seen->level[seen->count] = line->level;
    seen->size[seen->count++] = line->text.size;
}

START_TEST(frames_and_lines_share_a_pipe_however_they_are_cut)
{
    static const char bytes[] =
        "one\ntw\xa5\x5a\x00\x0e\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x07"
        "a\nbthree\rfour\x1b\nlast";
    struct mr_log_lines lines = { 0 };
    struct seen seen = { 0 };

    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        mr_log_lines_feed(&lines, mr_slice_of(bytes + i, 1), on_line, &seen);
    }
    mr_log_lines_end(&lines, on_line, &seen);

    ck_assert_int_eq(seen.count, 5);
    ck_assert_str_eq(seen.text[0], "one");
    ck_assert_str_eq(seen.text[1], "tw");
    ck_assert_str_eq(seen.text[2], "a\nb");
    ck_assert(seen.framed[2]);
    ck_assert_int_eq(seen.level[2], MR_FUNCTION_LOG_INFO);
    ck_assert_str_eq(seen.text[3], "three\nfour\\x1b");
    ck_assert_str_eq(seen.text[4], "last");
    mr_log_lines_deinit(&lines);
}
END_TEST

START_TEST(a_line_without_end_is_cut_and_says_so)
{
    struct mr_log_lines lines = { 0 };
    struct seen seen = { 0 };
    static uint8_t block[65536];

    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 20; i++) {
        mr_log_lines_feed(&lines, mr_slice_of(block, sizeof(block)), on_line, &seen);
    }
    mr_log_lines_feed(&lines, MR_SLICE("tail\nnext\n"), on_line, &seen);

    ck_assert_int_eq(seen.count, 2);
    ck_assert_uint_ge(seen.size[0], MR_LOG_MAX_LINE_BYTES);
    ck_assert_uint_lt(seen.size[0], MR_LOG_MAX_LINE_BYTES + 64);
    ck_assert_str_eq(seen.text[1], "next");
    mr_log_lines_deinit(&lines);
}
END_TEST

MR_SUITE("runtime.log_lines", MR_TEST(frames_and_lines_share_a_pipe_however_they_are_cut),
         MR_TEST(a_line_without_end_is_cut_and_says_so))
