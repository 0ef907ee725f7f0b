#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/test_file.h"
#include "tests/suite.h"

static char path[] = "/tmp/millrace-test-file-XXXXXX";

static struct mr_test_file *
load(const char *text, struct mr_error *err)
{
    char name[sizeof(path)];
    memcpy(name, path, sizeof(path));
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct mr_test_file *file = mr_test_file_load(name, err);
    unlink(name);
    return file;
}

START_TEST(a_file_names_its_template_parameters_and_cases)
{
    struct mr_error err = { 0 };
    mr_auto(mr_test_file_free) struct mr_test_file *file =
        load("template: ../t.yaml\n"
             "parameters: { Stage: test, Shards: 2 }\n"
             "cases:\n"
             "  - name: one\n"
             "    put: { Orders: [ { key: a, data: x } ] }\n"
             "  - name: two\n"
             "    seed: 7\n"
             "    steps: [ { advance: 1h } ]\n",
             &err);

    ck_assert_msg(file != NULL, "%s", err.text);
    ck_assert_str_eq(file->template_path, "/tmp/../t.yaml");
    ck_assert_str_eq(file->parameters[0], "Stage=test");
    ck_assert_str_eq(file->parameters[1], "Shards=2");
    ck_assert_uint_eq(file->case_count, 2);
    ck_assert_str_eq(file->cases[1].name, "two");
    ck_assert_uint_eq(file->cases[1].seed, 7);
    ck_assert_uint_eq(file->cases[1].line, 6);
}
END_TEST

static const struct {
    const char *text, *complaint;
} mistakes[] = {
    { "cases: []\n", "at least one case" },
    { "- a\n", "is a map" },
    { "cases: [ { name: x, put: {}, expects: {} } ]\n", "\"expects\" is no key of a case" },
    { "cases: [ { put: {} } ]\n", "a map with a name" },
    { "cases: [ { name: x } ]\n", "tests nothing" },
    { "cases: [ { name: x, put: [] } ]\n", "put is a map" },
    { "cases: [ { name: x, put: {}, seed: -1 } ]\n", "seed is a number" },
    { "cases: [ { name: x\n", ":2:" },
};

START_TEST(a_mistake_is_named_with_its_place)
{
    struct mr_error err = { 0 };

    ck_assert_ptr_null(load(mistakes[_i].text, &err));

    ck_assert_msg(strstr(err.text, mistakes[_i].complaint) != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "/tmp/millrace-test-file-"));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said_so)
{
    struct mr_error err = { 0 };
    ck_assert_ptr_null(mr_test_file_load("/tmp/no/such.test.yaml", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
}
END_TEST

MR_SUITE("harness.test_file", MR_TEST(a_file_names_its_template_parameters_and_cases),
         MR_TEST_LOOP(a_mistake_is_named_with_its_place,
                      sizeof(mistakes) / sizeof(mistakes[0])),
         MR_TEST(a_file_that_is_not_there_is_said_so))
