/* SAM events into mappings, and what the translator refuses. */
#include "tests/sam-templates/reading.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

/* A template with one function whose only event is `type` with `properties` (flow style). */
static struct mr_template *
with_event(const char *type, const char *properties)
{
    mr_auto_buf struct mr_buf text = { 0 };
    mr_buf_printf(&text,
                  "Transform: AWS::Serverless-2016-10-31\n"
                  "Resources:\n"
                  "  Q: {Type: AWS::SQS::Queue}\n"
                  "  S: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}\n"
                  "  F:\n"
                  "    Type: AWS::Serverless::Function\n"
                  "    Properties:\n"
                  "      Runtime: provided.al2023\n"
                  "      Handler: bootstrap\n"
                  "      Events:\n"
                  "        E:\n"
                  "          Type: %s\n"
                  "          Properties: %s\n",
                  type, properties);
    return look_at(mr_buf_cstr(&text));
}

static const struct {
    const char *type, *properties, *level_1; /* Properties without FunctionName */
} events[] = {
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: LATEST}",
      "\"EventSourceArn\":{\"Fn::GetAtt\":[\"S\",\"Arn\"]},\"StartingPosition\":\"LATEST\"" },
    { "DynamoDB", "{Stream: a, StartingPosition: LATEST, BatchSize: 5, Enabled: no}",
      "\"EventSourceArn\":\"a\",\"StartingPosition\":\"LATEST\",\"BatchSize\":5,\"Enabled\":false" },
    { "SQS", "{Queue: q, FilterCriteria: {}}", "\"EventSourceArn\":\"q\",\"FilterCriteria\":{}" },
    { "SQS", "{Queue: q, DestinationConfig: {}, BatchSize: null}", "\"EventSourceArn\":\"q\"}" },
    { "Kinesis",
      "{Stream: a, StartingPosition: LATEST, DestinationConfig: {OnFailure: {Type: SQS, "
      "Destination: d}}}",
      "\"DestinationConfig\":{\"OnFailure\":{\"Destination\":\"d\"}}" },
    { "MSK",
      "{Stream: a, StartingPosition: LATEST, Topics: [t], ConsumerGroupId: g}",
      "\"AmazonManagedKafkaEventSourceConfig\":{\"ConsumerGroupId\":\"g\"}" },
    { "MSK",
      "{Stream: a, StartingPosition: LATEST, SchemaRegistryConfig: {SchemaRegistryURI: u, "
      "EventRecordFormat: JSON, SchemaValidationConfigs: []}}",
      "\"AmazonManagedKafkaEventSourceConfig\":{\"SchemaRegistryConfig\":{\"SchemaRegistryURI\":"
      "\"u\"" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a:9092], Topics: [t], SourceAccessConfigurations: [{Type: "
      "BASIC_AUTH, URI: u}], ConsumerGroupId: g}",
      "\"SelfManagedEventSource\":{\"Endpoints\":{\"KafkaBootstrapServers\":[\"a:9092\"]}},"
      "\"SelfManagedKafkaEventSourceConfig\":{\"ConsumerGroupId\":\"g\"}" },
    { "MQ",
      "{Broker: b, Queues: [q], SourceAccessConfigurations: [{Type: VIRTUAL_HOST, URI: /}, {Type: "
      "BASIC_AUTH, URI: u}]}",
      "\"EventSourceArn\":\"b\",\"Queues\":[\"q\"]" },
    { "DocumentDB",
      "{Cluster: c, DatabaseName: d, CollectionName: '', FullDocument: UpdateLookup, "
      "SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: u}]}",
      "\"DocumentDBEventSourceConfig\":{\"DatabaseName\":\"d\",\"FullDocument\":\"UpdateLookup\"}" },
    { "SNS", "{Topic: t, SqsSubscription: true}",
      "\"EventSourceArn\":{\"Fn::GetAtt\":[\"FEQueue\",\"Arn\"]},\"BatchSize\":10,\"Enabled\":true" },
    { "SNS",
      "{Topic: t, SqsSubscription: {QueueArn: a, QueueUrl: u, BatchSize: 3, Enabled: false}}",
      "\"EventSourceArn\":\"a\",\"BatchSize\":3,\"Enabled\":true" },
};

START_TEST(an_event_becomes_the_mapping_the_translator_makes)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        with_event(events[_i].type, events[_i].properties);

    ck_assert_ok(tpl);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L1), events[_i].level_1);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L1), "\"FunctionName\":{\"Ref\":\"F\"}");
}
END_TEST

static const struct {
    const char *type, *properties, *words;
} refused[] = {
    { "Kinesis", "{Stream: a}", "needs the property StartingPosition" },
    { "Kinesis", "{StartingPosition: LATEST}", "needs the property Stream" },
    { "Kinesis", "{Stream: null, StartingPosition: LATEST}", "needs the property Stream" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, BatchSize: '10'}", "whole number, not 10" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, BatchSise: 10}", "did you mean BatchSize?" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, Enabled: 'yes'}", "true or false" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, ConsumerGroupId: g}", "Kafka events only" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, FilterCriteria: {Filter: []}}",
      "one key, Filters" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, DestinationConfig: {OnFailure: x}}",
      "must be a map" },
    { "Kinesis", "{Stream: a, StartingPosition: LATEST, DestinationConfig: {OnSuccess: {}}}",
      "must be a map" },
    { "Kinesis",
      "{Stream: a, StartingPosition: LATEST, DestinationConfig: {OnFailure: {Type: EventBridge, "
      "Destination: d}}}",
      "SQS, SNS, S3 or Kafka" },
    { "SQS", "{Stream: a}", "no property Stream" },
    { "SQS", "[]", "Properties must be a map" },
    { "SQS", "null", "Properties must be a map" },
    { "MSK", "{Stream: a, Topics: [t]}", "StartingPosition" },
    { "MSK",
      "{Stream: a, StartingPosition: LATEST, SchemaRegistryConfig: {SchemaRegistryURI: u, "
      "EventRecordFormat: XML, SchemaValidationConfigs: []}}",
      "JSON or SOURCE" },
    { "MSK", "{Stream: a, StartingPosition: LATEST, SourceAccessConfigurations: x}", "a list" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a], Topics: [t, u], SourceAccessConfigurations: [{Type: BASIC_AUTH, "
      "URI: u}]}",
      "exactly one topic" },
    { "SelfManagedKafka",
      "{Topics: [t], SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: u}]}",
      "KafkaBootstrapServers" },
    { "SelfManagedKafka", "{KafkaBootstrapServers: [a], Topics: [t]}", "SourceAccessConfigurations" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a], Topics: [t], SourceAccessConfigurations: [{Type: BASIC_AUTH, "
      "URI: u}, {Type: SASL_SCRAM_256_AUTH, URI: v}]}",
      "more than one authentication" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a], Topics: [t], SourceAccessConfigurations: [{Type: VPC_SUBNET, "
      "URI: u}]}",
      "given together" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a], Topics: [t], SourceAccessConfigurations: [{Type: BASIC_AUTH}]}",
      "needs a URI" },
    { "SelfManagedKafka",
      "{KafkaBootstrapServers: [a], Topics: [t], SecretsManagerKmsKeyId: {a: 1}, "
      "SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: u}]}",
      "SecretsManagerKmsKeyId must be a string" },
    { "MQ", "{Broker: b, Queues: [q]}", "BASIC_AUTH" },
    { "MQ", "{Broker: b, SourceAccessConfigurations: [{Type: VIRTUAL_HOST, URI: u}]}",
      "need a BASIC_AUTH" },
    { "MQ", "{Broker: b, SourceAccessConfigurations: [{Type: BASIC_AUTH}]}", "needs a URI" },
    { "MQ", "{Broker: b, SourceAccessConfigurations: [{Type: TLS, URI: u}]}", "VIRTUAL_HOST" },
    { "DocumentDB",
      "{Cluster: c, DatabaseName: d, SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: u}, {Type: "
      "BASIC_AUTH, URI: v}]}",
      "more than one BASIC_AUTH" },
    { "DocumentDB", "{Cluster: c, SourceAccessConfigurations: []}", "DatabaseName" },
    { "SNS", "{Topic: t, SqsSubscription: {QueueArn: a}}", "QueueArn and QueueUrl" },
    { "SNS", "{Topic: t, FilterCriteria: {}}", "no property FilterCriteria" },
    { "Kinesiss", "{}", "did you mean Kinesis?" },
    { "[a]", "{}", "a Type, a string" },
    { "S3", "{Bucket: !Ref Q, Events: x}", "a bucket of the same template" },
    { "Schedule", "{}", "needs the property Schedule" },
    { "Schedule", "{Schedule: rate(1 minute), DeadLetterConfig: {Type: SNS}}", "is SQS" },
    { "Api", "{Path: /}", "needs the property Method" },
    { "Api", "{Path: /, Method: get, RestApiId: !Ref Nowhere}", "the same template" },
};

START_TEST(an_event_that_will_not_deploy_is_refused)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        with_event(refused[_i].type, refused[_i].properties);

    ck_assert(!mr_template_ok(tpl));
    ck_assert_says(tpl, refused[_i].words);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L2), "{\"error\":\"template.yaml:");
}
END_TEST

/* Ranges that the service has and the translator does not know. */
static const struct {
    const char *type, *properties, *words;
} unfit[] = {
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: LATEST, MaximumRecordAgeInSeconds: 30}",
      "template.yaml:13:100: MaximumRecordAgeInSeconds: 30 is not in -1, 60..604800 (event E of F)" },
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: LATEST, BatchSize: 0}", "not in 1..10000" },
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: LATEST, ParallelizationFactor: 11}",
      "not in 1..10" },
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: NOW}", "TRIM_HORIZON, LATEST" },
    { "Kinesis", "{Stream: !GetAtt S.Arn, StartingPosition: AT_TIMESTAMP}",
      "needs StartingPositionTimestamp" },
    { "SQS", "{Queue: !GetAtt Q.Arn, BatchSize: 11}", "at least 1" },
    { "SQS", "{Queue: !GetAtt Q.Arn, StartingPosition: LATEST}", "no StartingPosition" },
    { "SQS", "{Queue: !GetAtt Q.Arn, BisectBatchOnFunctionError: true}", "not for queues" },
    { "SQS", "{Queue: !GetAtt Q.Arn, FilterCriteria: {Filters: [{Pattern: {a: [1]}}]}}",
      "in quotes" },
    { "SQS", "{Queue: !GetAtt Qu.Arn}", "there is no resource or parameter Qu" },
    { "SQS", "{Queue: !GetAtt Q.Arn, ScalingConfig: {MaximumConcurrency: 1}}", "not in 2..1000" },
};

START_TEST(what_the_service_refuses_stops_a_run_and_warns_who_only_looks)
{
    mr_auto(mr_template_free) struct mr_template *looked =
        with_event(unfit[_i].type, unfit[_i].properties);
    mr_auto_buf struct mr_buf line = { 0 };
    size_t count;

    ck_assert_ok(looked);
    ck_assert_uint_ge((mr_template_diagnostics(looked, &count), count), 1);
    const char *text = said(looked);
    char plain[4096] = "";
    for (const char *from = text, *hit; *from != '\0' && strlen(plain) < 3000; from = hit) {
        hit = strstr(from, "warning: ");
        hit = hit == NULL ? from + strlen(from) : hit;
        strncat(plain, from, (size_t)(hit - from));
        hit += *hit != '\0' ? 9 : 0;
    }
    ck_assert_has(plain, unfit[_i].words);
}
END_TEST

START_TEST(a_function_gives_its_condition_and_its_alias_to_its_mappings)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        look_at("Transform: AWS::Serverless-2016-10-31\n"
                "Parameters: {Alias: {Type: String, Default: blue-green_1}}\n"
                "Conditions: {C: !Equals [a, b]}\n"
                "Resources:\n"
                "  F:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Condition: C\n"
                "    DeletionPolicy: Retain\n"
                "    Properties:\n"
                "      Runtime: r\n"
                "      Handler: h\n"
                "      AutoPublishAlias: !Ref Alias\n"
                "      Events: {E: {Type: SQS, Properties: {Queue: q}}}\n");

    ck_assert_ok(tpl);
    const char *level_1 = json_of(tpl, MR_TEMPLATE_L1);
    ck_assert_has(level_1, "{\"Ref\":\"FAliasblueDgreenU1\"}");
    ck_assert_has(level_1, "\"Attributes\":{\"Condition\":\"C\",\"DeletionPolicy\":\"Retain\"}");
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L2), "{\"esms\":[]");
    ck_assert_uint_eq(mr_template_model_of(tpl)->mapping_count, 0);
    ck_assert_uint_eq(mr_template_model_of(tpl)->function_count, 0);
}
END_TEST

START_TEST(a_part_of_a_function_is_written_as_the_resource_it_became)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        look_at("Transform: AWS::Serverless-2016-10-31\n"
                "Resources:\n"
                "  F:\n"
                "    Type: AWS::Serverless::Function\n"
                "    Properties: {Runtime: r, Handler: h, AutoPublishAlias: live, EventInvokeConfig: "
                "{DestinationConfig: {OnFailure: {Type: SQS}}}}\n"
                "  M:\n"
                "    Type: AWS::Lambda::EventSourceMapping\n"
                "    Properties: {FunctionName: !Ref F.Alias, EventSourceArn: !GetAtt "
                "F.DestinationQueue.Arn, KmsKeyArn: !Sub '${F.Alias}-${F}'}\n");

    ck_assert_ok(tpl);
    const char *level_1 = json_of(tpl, MR_TEMPLATE_L1);
    ck_assert_has(level_1, "\"FunctionName\":{\"Ref\":\"FAliaslive\"}");
    ck_assert_has(level_1, "[\"FEventInvokeConfigOnFailureQueue\",\"Arn\"]");
    ck_assert_has(level_1, "{\"Fn::Sub\":\"${FAliaslive}-${F}\"}");
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L2),
                  "\"FunctionName\":\"arn:aws:lambda:us-east-1:123456789012:function:s-F:live\"");
}
END_TEST

START_TEST(a_mapping_waits_for_the_connector_that_lets_it_read)
{
    mr_auto(mr_template_free) struct mr_template *tpl =
        look_at("Transform: AWS::Serverless-2016-10-31\n"
                "Resources:\n"
                "  Q:\n"
                "    Type: AWS::SQS::Queue\n"
                "    Connectors: {In: {Properties: {Destination: {Id: F}, Permissions: [Read]}}}\n"
                "  F: {Type: AWS::Lambda::Function}\n"
                "  M:\n"
                "    Type: AWS::Lambda::EventSourceMapping\n"
                "    DependsOn: [F, QIn]\n"
                "    Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}\n");

    ck_assert_ok(tpl);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L1), "\"DependsOn\":[\"F\",\"QInPolicy\"]");
}
END_TEST

MR_SUITE("sam-templates.events",
         MR_TEST_LOOP(an_event_becomes_the_mapping_the_translator_makes, COUNT(events)),
         MR_TEST_LOOP(an_event_that_will_not_deploy_is_refused, COUNT(refused)),
         MR_TEST_LOOP(what_the_service_refuses_stops_a_run_and_warns_who_only_looks, COUNT(unfit)),
         MR_TEST(a_function_gives_its_condition_and_its_alias_to_its_mappings),
         MR_TEST(a_part_of_a_function_is_written_as_the_resource_it_became),
         MR_TEST(a_mapping_waits_for_the_connector_that_lets_it_read))
