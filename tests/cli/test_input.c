#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "cli/input.h"
#include "cli/position.h"
#include "tests/suite.h"

/* A file of that text; its path is good as long as the process lives. */
static const char *
file_of(const char *text)
{
    int fd = memfd_create("input", 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    static char paths[2][32]; /* a test has at most two at a time */
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "/proc/self/fd/%d", fd);
    return path;
}

/* All records of the files, each followed by '|'; the error's text behind them. */
static const char *
read_all(enum mr_record_input_form form, const char *first, const char *second)
{
    static char text[4096];
    const char *paths[] = { first, second, NULL };
    struct mr_error err = { 0 };
    struct mr_slice record;
    int result;
    text[0] = '\0';
    mr_auto_input struct mr_record_input input;
    mr_record_input_init(&input, form, paths);
    while ((result = mr_record_input_next(&input, &record, &err)) > 0) {
        strncat(text, (const char *)record.data, record.size);
        strcat(text, "|");
    }
    return strcat(text, result < 0 ? strchr(err.text, ':') : "");
}

static const struct {
    enum mr_record_input_form form;
    const char *first, *second, *records;
} inputs[] = {
    { MR_INPUT_LINES, "a\nb\n", "c", "a|b|c|" },
    { MR_INPUT_LINES, "\n\na\r\n", NULL, "a\r|" },
    { MR_INPUT_LINES, "", "", "" },
    { MR_INPUT_WHOLE, "a\nb\n", "", "a\nb\n||" },
    { MR_INPUT_JSON, "{\"a\": 1} [2]\n\"x\"", NULL, "{\"a\": 1}|[2]|\"x\"|" },
    { MR_INPUT_JSON, "[{\"a\":1},\n 2]", "3", "{\"a\":1}|2|3|" },
    { MR_INPUT_JSON, "[]", " ", "" },
    { MR_INPUT_JSON, "1\n2\n{", NULL, "1|2|:3: not JSON" },
    { MR_INPUT_JSON, "[1,\n]", NULL, "1|:2: not JSON" },
};

START_TEST(records_are_lines_values_or_files)
{
    const char *second = inputs[_i].second == NULL ? NULL : file_of(inputs[_i].second);

    ck_assert_str_eq(read_all(inputs[_i].form, file_of(inputs[_i].first), second),
                     inputs[_i].records);
}
END_TEST

START_TEST(a_long_line_is_one_record_and_too_long_a_one_is_refused)
{
    int fd = memfd_create("long", 0);
    struct mr_error err = { 0 };
    struct mr_slice record;
    ck_assert_int_eq(ftruncate(fd, 3 * MR_INPUT_MAX_RECORD_BYTES), 0);
    ck_assert_int_eq(pwrite(fd, "\n", 1, MR_INPUT_MAX_RECORD_BYTES), 1);
    mr_auto_free char *path = mr_format("/proc/self/fd/%d", fd);
    const char *paths[] = { path, NULL };
    mr_auto_input struct mr_record_input input;
    mr_record_input_init(&input, MR_INPUT_LINES, paths);

    ck_assert_int_eq(mr_record_input_next(&input, &record, &err), 1);
    ck_assert_uint_eq(record.size, MR_INPUT_MAX_RECORD_BYTES);
    ck_assert_int_eq(mr_record_input_next(&input, &record, &err), -EFBIG);
    ck_assert_ptr_nonnull(strstr(err.text, ":2: longer than"));
}
END_TEST

static const struct {
    const char *text, *type;
    uint64_t unix_ms; /* 0: not looked at */
} positions[] = {
    { "oldest", "TRIM_HORIZON", 0 },
    { "Trim_Horizon", "TRIM_HORIZON", 0 },
    { "latest", "LATEST", 0 },
    { "15m", "AT_TIMESTAMP", 0 },
    { "-2h", "AT_TIMESTAMP", 0 },
    { "1764088062", "AT_TIMESTAMP", 1764088062000 },
    { "2026-11-24T12:00:00Z", "AT_TIMESTAMP", 1795521600000 },
    { "2026-11-24T12:00Z", "AT_TIMESTAMP", 1795521600000 },
    { "49680560203550009709304069481463611627832993107337543698", "AT_SEQUENCE_NUMBER", 0 },
    { "yesterday", NULL, 0 },
    { "", NULL, 0 },
    { "15x", NULL, 0 },
    { "2026-11-24T12:00:00 or so", NULL, 0 },
};

START_TEST(a_position_is_what_people_say)
{
    struct mr_position position;
    struct mr_error err = { 0 };
    int result = mr_position_parse(&position, positions[_i].text, &err);

    if (positions[_i].type == NULL) {
        ck_assert_int_eq(result, -EINVAL);
        return;
    }
    ck_assert_int_eq(result, 0);
    ck_assert_str_eq(position.type, positions[_i].type);
    if (positions[_i].unix_ms > 0) {
        ck_assert_uint_eq(position.unix_ms, positions[_i].unix_ms);
    }
}
END_TEST

MR_SUITE("cli.input",
         MR_TEST_LOOP(records_are_lines_values_or_files, sizeof(inputs) / sizeof(inputs[0])),
         MR_TEST(a_long_line_is_one_record_and_too_long_a_one_is_refused),
         MR_TEST_LOOP(a_position_is_what_people_say, sizeof(positions) / sizeof(positions[0])))
