/* Intrinsic functions, parameters, conditions, names. */
#include "sam-templates/regex.h"
#include "tests/sam-templates/reading.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static const char head[] =
    "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
    "Parameters:\n"
    "  P: {Type: String, Default: x}\n"
    "  N: {Type: Number, Default: 7}\n"
    "  L: {Type: CommaDelimitedList, Default: 'a, b,c'}\n"
    "  None: {Type: String}\n"
    "Mappings: {M: {x: {k: v, l: [1, 2]}}}\n"
    "Conditions:\n"
    "  Is: !Equals [!Ref P, x]\n"
    "  Isnt: !Not [{Condition: Is}]\n"
    "  Both: !And [!Condition Is, !Condition Isnt]\n"
    "  Either: !Or [!Condition Is, !Condition Isnt]\n"
    "Resources:\n"
    "  S: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}\n"
    "  C: {Type: AWS::Kinesis::StreamConsumer, Properties: {ConsumerName: c, StreamARN: !GetAtt S.Arn}}\n"
    "  Q: {Type: AWS::SQS::Queue}\n"
    "  Fifo: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}\n"
    "  T: {Type: AWS::SNS::Topic}\n"
    "  B: {Type: AWS::S3::Bucket}\n"
    "  D: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub '${P}-table'}}\n"
    "  R: {Type: AWS::IAM::Role}\n"
    "  K: {Type: AWS::KMS::Key}\n"
    "  F:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Properties: {Runtime: r, Handler: h, AutoPublishAlias: live}\n"
    "Outputs:\n"
    "  O: {Value: ";

static const struct {
    const char *expression, *value;
} values[] = {
    { "!Ref P", "x" },
    { "!Ref N", "7" },
    { "!Ref L", "[\"a\",\"b\",\"c\"]" },
    { "!Ref None", "dummy-None" },
    { "!Ref AWS::AccountId", "123456789012" },
    { "!Ref AWS::Region", "us-east-1" },
    { "!Ref AWS::Partition", "aws" },
    { "!Ref AWS::StackName", "s" },
    { "!Ref AWS::URLSuffix", "amazonaws.com" },
    { "!Sub 'a${P}b${!P}${ P }c'", "axb${P}xc" },
    { "!Sub ['${V}-${P}', {V: !Ref N}]", "7-x" },
    { "!Sub '${S.Arn}'", "arn:aws:kinesis:us-east-1:123456789012:stream/s-S" },
    { "!Sub '${AWS::Region}$'", "us-east-1$" },
    { "!Sub 'a${b'", "a${b" },
    { "!Join ['-', [a, !Ref P, 3, true]]", "a-x-3-true" },
    { "!Join [',', !Ref L]", "a,b,c" },
    { "!Join ['', [a, !Ref 'AWS::NoValue', b]]", "ab" },
    { "!Select [1, !Ref L]", "b" },
    { "!Select ['0', [a, b]]", "a" },
    { "!Select [2, !Split ['|', 'a|b|c']]", "c" },
    { "!Split [',', 'a,,b']", "[\"a\",\"\",\"b\"]" },
    { "!FindInMap [M, !Ref P, k]", "v" },
    { "{'Fn::FindInMap': [M, zz, k, {DefaultValue: d}]}", "d" },
    { "!If [Is, a, b]", "a" },
    { "!If [Isnt, a, b]", "b" },
    { "!If [Both, a, b]", "b" },
    { "!If [Either, a, b]", "a" },
    { "!Base64 hello", "aGVsbG8=" },
    { "!Join [' ', !GetAZs '']", "us-east-1a us-east-1b us-east-1c" },
    { "!Select [1, !Cidr [10.0.0.0/16, 3, 8]]", "10.0.1.0/24" },
    { "{'Fn::Length': !Ref L}", "3" },
    { "{'Fn::ToJsonString': {a: [1, !Ref P]}}", "{\"a\":[1,\"x\"]}" },
    { "!Ref S", "s-S" },
    { "!Ref C", "arn:aws:kinesis:us-east-1:123456789012:stream/s-S/consumer/c:0" },
    { "!GetAtt C.ConsumerARN", "arn:aws:kinesis:us-east-1:123456789012:stream/s-S/consumer/c:0" },
    { "!Ref Q", "https://sqs.us-east-1.amazonaws.com/123456789012/s-Q" },
    { "!GetAtt Q.Arn", "arn:aws:sqs:us-east-1:123456789012:s-Q" },
    { "!GetAtt Q.QueueName", "s-Q" },
    { "!GetAtt Fifo.QueueName", "s-Fifo.fifo" },
    { "!Ref T", "arn:aws:sns:us-east-1:123456789012:s-T" },
    { "!GetAtt T.TopicName", "s-T" },
    { "!Ref B", "s-b" },
    { "!GetAtt B.Arn", "arn:aws:s3:::s-b" },
    { "!Ref D", "x-table" },
    { "!GetAtt D.StreamArn",
      "arn:aws:dynamodb:us-east-1:123456789012:table/x-table/stream/1970-01-01T00:00:00.000" },
    { "!GetAtt R.Arn", "arn:aws:iam::123456789012:role/s-R" },
    { "!Ref K", "s-K" },
    { "!GetAtt K.Arn", "${K.Arn}" },
    { "{'Fn::GetAtt': F.Arn}", "arn:aws:lambda:us-east-1:123456789012:function:s-F" },
    { "!Ref FAliaslive", "arn:aws:lambda:us-east-1:123456789012:function:s-F:live" },
    { "!Ref F.Alias", "arn:aws:lambda:us-east-1:123456789012:function:s-F:live" },
    { "!GetAtt FRole.Arn", "arn:aws:iam::123456789012:role/s-FRole" },
    { "!Ref ServerlessRestApi", "s-ServerlessRestApi" },
    { "!Ref Nothing", "${Nothing}" },
    { "!ImportValue x", "${ImportValue.x}" },
};

START_TEST(an_intrinsic_function_has_its_value)
{
    mr_auto_buf struct mr_buf text = { 0 };
    mr_buf_printf(&text, "%s%s}\n", head, values[_i].expression);

    mr_auto(mr_template_free) struct mr_template *tpl = look_at(mr_buf_cstr(&text));

    ck_assert_ok(tpl);
    const struct mr_template_model *model = mr_template_model_of(tpl);
    ck_assert_uint_eq(model->output_count, 1);
    ck_assert_str_eq(model->outputs[0].value, values[_i].value);
}
END_TEST

START_TEST(what_depends_on_itself_is_refused)
{
    mr_auto(mr_template_free) struct mr_template *conditions =
        look_at("Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\n"
                "Resources: {Q: {Type: AWS::SQS::Queue}}\n");
    mr_auto(mr_template_free) struct mr_template *names =
        look_at("Resources:\n"
                "  A: {Type: AWS::Kinesis::Stream, Properties: {Name: !Ref B}}\n"
                "  B: {Type: AWS::Kinesis::Stream, Properties: {Name: !Ref A}}\n");

    ck_assert_says(conditions, "depends on itself");
    ck_assert_says(names, "depends on itself");
}
END_TEST

START_TEST(for_each_writes_out_what_it_repeats)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        look_at("Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
                "Parameters: {Names: {Type: CommaDelimitedList, Default: 'a-1,b-2'}}\n"
                "Resources:\n"
                "  Fn::ForEach::Queues:\n"
                "    - Name\n"
                "    - !Ref Names\n"
                "    - Queue&{Name}: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}\n"
                "      Other&{Name}: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub 't-${Name}'}}\n");

    ck_assert_ok(tpl);
    const struct mr_template_model *model = mr_template_model_of(tpl);
    ck_assert_uint_eq(model->queue_count, 2);
    ck_assert_str_eq(model->queues[1].logical_id, "Queueb2");
    ck_assert_str_eq(model->queues[1].name, "b-2");
    ck_assert_str_eq(model->topics[0].name, "t-a-1");
}
END_TEST

/* --- parameters --- */

static const char declared[] =
    "Parameters:\n"
    "  Stage: {Type: String, AllowedValues: [test, prod]}\n"
    "  Size: {Type: Number, MinValue: 1, MaxValue: 10, Default: 5}\n"
    "  Word: {Type: String, Default: abc, AllowedPattern: '[a-z]+', ConstraintDescription: lower case}\n"
    "  Secret: {Type: String, NoEcho: true, MinLength: 3}\n"
    "Resources: {Q: {Type: AWS::SQS::Queue}}\n";

static struct mr_template *
with_parameters(const char *const *parameters)
{
    struct mr_template_options options = { .parameters = parameters };
    return mr_template_parse(mr_slice_str(declared), &options);
}

static const struct {
    const char *parameters[5];
    const char *words; /* NULL: fine */
} parameter_rows[] = {
    { { "Stage=test", "Secret=abc" }, NULL },
    { { "Size=3" }, "parameters without a value: Stage, Secret" },
    { { "Stage=dev", "Secret=abc" }, "template.yaml:2:3: Stage: dev is not one of test, prod" },
    { { "Stage=test", "Secret=abc", "Size=11" }, "MaxValue is 10" },
    { { "Stage=test", "Secret=abc", "Size=ten" }, "must be a number" },
    { { "Stage=test", "Secret=abc", "Word=ABC" }, "[a-z]+ (lower case)" },
    { { "Stage=test", "Secret=ab" }, "MinLength is 3" },
    { { "Stage=test", "Secret=abc", "Sise=1" }, "no parameter Sise; did you mean Size?" },
};

START_TEST(a_parameter_is_held_to_its_declaration)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        with_parameters(parameter_rows[_i].parameters);

    if (parameter_rows[_i].words == NULL) {
        ck_assert_ok(tpl);
        const struct mr_template_model *model = mr_template_model_of(tpl);
        ck_assert_str_eq(model->parameters[0].value, "test");
        ck_assert_str_eq(model->parameters[3].value, "****");
    } else {
        ck_assert(!mr_template_ok(tpl));
        ck_assert_says(tpl, parameter_rows[_i].words);
    }
}
END_TEST

static const struct {
    const char *pattern, *text;
    enum mr_regex_result result;
} patterns[] = {
    { "[a-z]+", "abc", MR_REGEX_MATCHES },
    { "[a-z]+", "abc1", MR_REGEX_DIFFERS },
    { "^[a-zA-Z][-\\w]{2,5}$", "a-b_c", MR_REGEX_MATCHES },
    { "^[a-zA-Z][-\\w]{2,5}$", "ab", MR_REGEX_DIFFERS },
    { "(\\d{1,3})\\.(\\d{1,3})", "10.255", MR_REGEX_MATCHES },
    { "a|bc|", "", MR_REGEX_MATCHES },
    { "a|bc|", "b", MR_REGEX_DIFFERS },
    { "(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", MR_REGEX_DIFFERS },
    { "arn:(aws[a-zA-Z-]*)?:.*", "arn:aws:x", MR_REGEX_MATCHES },
    { "[^\\s]+", "a b", MR_REGEX_DIFFERS },
    { ".{3}", "abc", MR_REGEX_MATCHES },
    { "(?:x|y)+?z", "xyz", MR_REGEX_MATCHES },
    { "(?!x)y", "y", MR_REGEX_NOT_UNDERSTOOD },
    { "((((((a?)?)?)?)?){99}){99}", "a", MR_REGEX_NOT_UNDERSTOOD },
    { "(((((((((((((((((((((((((a)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?)?", "a",
      MR_REGEX_NOT_UNDERSTOOD },
    { "a{2", "aa", MR_REGEX_NOT_UNDERSTOOD },
    { "[b-a]", "a", MR_REGEX_NOT_UNDERSTOOD },
    { "(a", "a", MR_REGEX_NOT_UNDERSTOOD },
    { "a)", "a", MR_REGEX_NOT_UNDERSTOOD },
};

START_TEST(a_pattern_matches_the_whole_text_in_bounded_time)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    ck_assert_int_eq(mr_regex_match(&arena, mr_slice_str(patterns[_i].pattern),
                                      mr_slice_str(patterns[_i].text)),
                     patterns[_i].result);
}
END_TEST

MR_SUITE("sam-templates.resolve",
         MR_TEST_LOOP(an_intrinsic_function_has_its_value, COUNT(values)),
         MR_TEST(what_depends_on_itself_is_refused), MR_TEST(for_each_writes_out_what_it_repeats),
         MR_TEST_LOOP(a_parameter_is_held_to_its_declaration, COUNT(parameter_rows)),
         MR_TEST_LOOP(a_pattern_matches_the_whole_text_in_bounded_time, COUNT(patterns)))
