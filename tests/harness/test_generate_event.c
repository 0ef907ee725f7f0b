#include <jansson.h>

#include "harness/generate_event.h"
#include "stream/hash_key.h"
#include "tests/suite.h"

static const char text[] =
    "Transform: AWS::Serverless-2016-10-31\n"
    "Globals: { Function: { Runtime: provided.al2023, Handler: bootstrap, CodeUri: . } }\n"
    "Resources:\n"
    "  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 4 } }\n"
    "  Items:\n"
    "    Type: AWS::DynamoDB::Table\n"
    "    Properties:\n"
    "      KeySchema: [ { AttributeName: id, KeyType: HASH } ]\n"
    "      AttributeDefinitions: [ { AttributeName: id, AttributeType: S } ]\n"
    "      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }\n"
    "  Jobs: { Type: AWS::SQS::Queue }\n"
    "  Fn:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Properties:\n"
    "      Events:\n"
    "        In: { Type: Kinesis, Properties: { Stream: !GetAtt Orders.Arn, StartingPosition: "
    "LATEST } }\n"
    "        Table: { Type: DynamoDB, Properties: { Stream: !GetAtt Items.StreamArn, "
    "StartingPosition: LATEST } }\n"
    "        Queue: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn } }\n"
    "  Other:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Properties:\n"
    "      Events:\n"
    "        Queue: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn } }\n";

static json_t *
generated(const char *name, const struct mr_generate_event *how)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        mr_template_parse(mr_slice_str(text), NULL);
    mr_auto_buf struct mr_buf event = { 0 };
    struct mr_error err = { 0 };
    ck_assert(mr_template_ok(tpl));
    ck_assert_msg(mr_generate_event(tpl, name, how, &event, &err) == 0, "%s", err.text);
    json_t *json = json_loadb((const char *)event.data, event.size, 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *
text_of(const json_t *record, const char *outer, const char *name)
{
    return json_string_value(
        json_object_get(outer == NULL ? record : json_object_get(record, outer), name));
}

START_TEST(kinesis_records_have_the_templates_arn_rising_numbers_and_keys_of_one_shard)
{
    struct mr_generate_event how = { .records = 20, .keys = 5 };
    json_t *records, *event = generated("Fn.In", &how);
    mr_hash_key start, end;
    const char *last = "";
    records = json_object_get(event, "Records");
    mr_hash_key_range(0, 4, &start, &end);

    ck_assert_uint_eq(json_array_size(records), 20);
    for (size_t i = 0; i < 20; i++) {
        const json_t *record = json_array_get(records, i);
        mr_hash_key key =
            mr_hash_key_of(mr_slice_str(text_of(record, "kinesis", "partitionKey")));
        ck_assert_str_eq(text_of(record, NULL, "eventSourceARN"),
                         "arn:aws:kinesis:us-east-1:123456789012:stream/orders");
        ck_assert_int_gt(strcmp(text_of(record, "kinesis", "sequenceNumber"), last), 0);
        ck_assert(key >= start && key <= end);
        last = text_of(record, "kinesis", "sequenceNumber");
    }
    ck_assert_str_eq(text_of(json_array_get(records, 0), "kinesis", "data"), "eyJuIjoxfQ==");
    json_decref(event);
}
END_TEST

START_TEST(a_window_adds_its_members)
{
    struct mr_generate_event how = { .window = true };
    json_t *event = generated("FnIn", &how);

    ck_assert(json_is_object(json_object_get(event, "state")));
    ck_assert(json_is_false(json_object_get(event, "isFinalInvokeForWindow")));
    ck_assert_str_eq(text_of(event, "window", "start"), "2026-01-01T00:00:00Z");
    json_decref(event);
}
END_TEST

START_TEST(a_modified_item_has_both_images_and_a_new_one_has_no_old)
{
    struct mr_generate_event how = { .shape = MR_SHAPE_MODIFY };
    json_t *event = generated("Fn.Table", &how);
    const json_t *record = json_array_get(json_object_get(event, "Records"), 0);
    ck_assert_str_eq(text_of(record, NULL, "eventName"), "MODIFY");
    ck_assert_ptr_nonnull(json_object_get(json_object_get(record, "dynamodb"), "OldImage"));
    json_decref(event);

    how.shape = MR_SHAPE_INSERT;
    event = generated("Fn.Table", &how);
    record = json_array_get(json_object_get(event, "Records"), 0);
    ck_assert_ptr_null(json_object_get(json_object_get(record, "dynamodb"), "OldImage"));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(record, "dynamodb"), "NewImage"));
    json_decref(event);
}
END_TEST

START_TEST(a_message_has_the_digest_of_its_body)
{
    struct mr_generate_event how = { .data = MR_SLICE("hello") };
    json_t *event = generated("Other", &how);
    const json_t *record = json_array_get(json_object_get(event, "Records"), 0);

    ck_assert_str_eq(text_of(record, NULL, "body"), "hello");
    ck_assert_str_eq(text_of(record, NULL, "md5OfBody"), "5d41402abc4b2a76b9719d911017c592");
    json_decref(event);
}
END_TEST

START_TEST(a_name_of_none_or_of_several_mappings_is_refused_with_those_there_are)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        mr_template_parse(mr_slice_str(text), NULL);
    struct mr_error err = { 0 };

    ck_assert_ptr_null(mr_generate_mapping(tpl, "Fn", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "more than one"));
    ck_assert_ptr_null(mr_generate_mapping(tpl, "Fn.Nothing", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "FnIn"));
}
END_TEST

MR_SUITE("harness.generate_event",
         MR_TEST(kinesis_records_have_the_templates_arn_rising_numbers_and_keys_of_one_shard),
         MR_TEST(a_window_adds_its_members),
         MR_TEST(a_modified_item_has_both_images_and_a_new_one_has_no_old),
         MR_TEST(a_message_has_the_digest_of_its_body),
         MR_TEST(a_name_of_none_or_of_several_mappings_is_refused_with_those_there_are))
