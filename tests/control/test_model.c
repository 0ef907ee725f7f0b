#include <regex.h>

#include "control/model.h"
#include "tests/suite.h"

static size_t
check(const char *operation, const char *text, struct mr_buf *out)
{
    json_t *value = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(value);
    size_t count = mr_model_check(mr_model_input(operation), value, out);
    json_decref(value);
    mr_buf_cstr(out);
    return count;
}

static void
walk(const struct mr_model_shape *shape, unsigned depth)
{
    if (shape == NULL || depth > 8) {
        return;
    }
    if (shape->posix != NULL) {
        regex_t regex;
        ck_assert_msg(regcomp(&regex, shape->posix, REG_EXTENDED | REG_NOSUB) == 0, "%s",
                      shape->posix);
        regfree(&regex);
    }
    walk(shape->key, depth + 1);
    walk(shape->element, depth + 1);
    for (size_t i = 0; i < shape->member_count; i++) {
        walk(shape->members[i].shape, depth + 1);
    }
}

START_TEST(every_pattern_of_the_model_compiles)
{
    for (size_t i = 0; mr_model_operation(i) != NULL; i++) {
        walk(mr_model_input(mr_model_operation(i)), 0);
    }
}
END_TEST

static const struct {
    const char *operation, *member, *text;
    bool matches;
} names[] = {
    { "Invoke", "FunctionName", "f", true },
    { "Invoke", "FunctionName", "arn:aws:lambda:us-east-1:123456789012:function:f:live", true },
    { "Invoke", "FunctionName", "123456789012:function:f", true },
    { "Invoke", "FunctionName", "f:$LATEST", true },
    { "Invoke", "FunctionName", "no blanks", false },
    { "Invoke", "FunctionName", "../etc", false },
    { "CreateFunction", "FunctionName", "a.b", false },
    { "CreateFunction", "Role", "arn:aws:iam::123456789012:role/service-role/r+=,.@-_", true },
    { "CreateFunction", "Role", "arn:aws:iam::1:role/r", false },
    { "CreateAlias", "Name", "live", true },
    { "CreateAlias", "Name", "12", false },
    { "CreateAlias", "Name", "v12", true },
    { "CreateAlias", "FunctionVersion", "$LATEST", true },
    { "CreateFunction", "Handler", "a b", false },
    { "CreateEventSourceMapping", "EventSourceArn",
      "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1700000000", true },
    { "CreateEventSourceMapping", "EventSourceArn", "stream/s", false },
};

START_TEST(names_match_as_on_aws)
{
    const struct mr_model_shape *input = mr_model_input(names[_i].operation);
    const struct mr_model_member *member = mr_model_find(input, names[_i].member);

    ck_assert_int_eq(mr_model_matches(member->shape, names[_i].text), names[_i].matches);
}
END_TEST

START_TEST(several_mistakes_are_told_in_one_sentence)
{
    mr_auto_buf struct mr_buf out = { 0 };

    size_t count = check("CreateEventSourceMapping",
                         "{\"FunctionName\":\"f\",\"BatchSize\":10001,"
                         "\"ParallelizationFactor\":11}",
                         &out);

    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(
        (const char *)out.data,
        "2 validation errors detected: Value '10001' at 'batchSize' failed to "
        "satisfy constraint: Member must have value less than or equal to 10000; "
        "Value '11' at 'parallelizationFactor' failed to satisfy constraint: Member "
        "must have value less than or equal to 10");
}
END_TEST

START_TEST(what_is_required_is_missed)
{
    mr_auto_buf struct mr_buf out = { 0 };

    ck_assert_uint_eq(check("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"a\"}", &out), 1);

    ck_assert_str_eq((const char *)out.data,
                     "1 validation error detected: Value null at 'functionVersion' failed to "
                     "satisfy constraint: Member must not be null");
}
END_TEST

START_TEST(a_wrong_type_is_named)
{
    mr_auto_buf struct mr_buf out = { 0 };
    json_t *value = json_loads("{\"BatchSize\":\"ten\"}", 0, NULL);

    ck_assert(!mr_model_check_types(mr_model_input("CreateEventSourceMapping"), value, &out));

    ck_assert_str_eq(mr_buf_cstr(&out), "STRING_VALUE can not be converted to an Integer");
    json_decref(value);
}
END_TEST

START_TEST(unknown_members_and_nulls_are_left_out)
{
    mr_auto_buf struct mr_buf out = { 0 };
    json_t *value = json_loads("{\"FunctionName\":\"f\",\"New\":{},\"Enabled\":null}", 0, NULL);

    ck_assert(mr_model_check_types(mr_model_input("CreateEventSourceMapping"), value, &out));

    ck_assert_uint_eq(json_object_size(value), 1);
    json_decref(value);
}
END_TEST

MR_SUITE("control.model", MR_TEST(every_pattern_of_the_model_compiles),
         MR_TEST_LOOP(names_match_as_on_aws, sizeof(names) / sizeof(names[0])),
         MR_TEST(several_mistakes_are_told_in_one_sentence),
         MR_TEST(what_is_required_is_missed), MR_TEST(a_wrong_type_is_named),
         MR_TEST(unknown_members_and_nulls_are_left_out))
