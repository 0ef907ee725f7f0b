/* What the rooms above are given. */
#include "tests/sam-templates/reading.h"

static const char whole[] =
    "AWSTemplateFormatVersion: '2010-09-09'\n"
    "Transform: AWS::Serverless-2016-10-31\n"
    "Description: all of it\n"
    "Globals:\n"
    "  Function:\n"
    "    Runtime: provided.al2023\n"
    "    Timeout: 30\n"
    "    Layers: [!Ref Shared]\n"
    "    Environment: {Variables: {STAGE: test, LEVEL: info}}\n"
    "Resources:\n"
    "  Orders:\n"
    "    Type: AWS::Kinesis::Stream\n"
    "    Properties: {Name: orders, ShardCount: '2', RetentionPeriodHours: 48, Tags: [{Key: a, Value: b}]}\n"
    "  Fanout: {Type: AWS::Kinesis::StreamConsumer, Properties: {ConsumerName: c, StreamARN: !GetAtt Orders.Arn}}\n"
    "  Table: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: NEW_IMAGE}}}\n"
    "  Simple: {Type: AWS::Serverless::SimpleTable}\n"
    "  Failed: {Type: AWS::SQS::Queue}\n"
    "  Jobs:\n"
    "    Type: AWS::SQS::Queue\n"
    "    Properties: {VisibilityTimeout: 20, RedrivePolicy: {deadLetterTargetArn: !GetAtt Failed.Arn, maxReceiveCount: 3}}\n"
    "  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: ./layer/}}\n"
    "  Policy: {Type: AWS::IAM::Policy}\n"
    "  OrderFn:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Metadata: {BuildMethod: makefile}\n"
    "    Properties:\n"
    "      CodeUri: src/\n"
    "      Handler: bootstrap\n"
    "      MemorySize: 256\n"
    "      ReservedConcurrentExecutions: 5\n"
    "      EphemeralStorage: {Size: 1024}\n"
    "      Architectures: [arm64]\n"
    "      Layers: ['arn:aws:lambda:us-east-1:123456789012:layer:x:1']\n"
    "      Environment: {Variables: {LEVEL: debug, NUMBER: 5, FLAG: yes, QUEUE: !Ref Failed}}\n"
    "      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Failed.Arn}\n"
    "      EventInvokeConfig:\n"
    "        MaximumRetryAttempts: 1\n"
    "        DestinationConfig: {OnSuccess: {Type: SNS}, OnFailure: {Type: SQS, Destination: !GetAtt Failed.Arn}}\n"
    "      Events:\n"
    "        FromOrders:\n"
    "          Type: Kinesis\n"
    "          Properties:\n"
    "            Stream: !GetAtt Fanout.ConsumerARN\n"
    "            StartingPosition: TRIM_HORIZON\n"
    "            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failed.Arn}}\n"
    "        FromJobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, Enabled: false}}\n"
    "  PlainFn:\n"
    "    Type: AWS::Lambda::Function\n"
    "    Properties: {FunctionName: plain, Runtime: nodejs22.x, Handler: a.b, Code: {ZipFile: x}, Role: r}\n"
    "  PlainMapping:\n"
    "    Type: AWS::Lambda::EventSourceMapping\n"
    "    Properties: {FunctionName: !GetAtt PlainFn.Arn, EventSourceArn: !GetAtt Table.StreamArn, StartingPosition: LATEST, BatchSize: '10'}\n"
    "Outputs: {Name: {Value: !Ref Orders, Export: {Name: !Sub '${AWS::StackName}-o'}}}\n";

static struct mr_template *
read_whole(void)
{
    mr_auto(mr_template_free) struct mr_template *tpl = read_strictly(whole);
    ck_assert_ok(tpl);
    return MR_TAKE(tpl);
}

START_TEST(a_function_has_what_a_runtime_needs)
{
    mr_auto(mr_template_free) struct mr_template *tpl = read_whole();
    const struct mr_template_model *model = mr_template_model_of(tpl);

    ck_assert_uint_eq(model->function_count, 2);
    const struct mr_template_function *function = &model->functions[0];
    ck_assert_str_eq(function->logical_id, "OrderFn");
    ck_assert_str_eq(function->name, "s-OrderFn");
    ck_assert_str_eq(function->arn, "arn:aws:lambda:us-east-1:123456789012:function:s-OrderFn");
    ck_assert_str_eq(function->runtime, "provided.al2023");
    ck_assert_str_eq(function->code_path, "/app/src");
    ck_assert_str_eq(function->build_method, "makefile");
    ck_assert_int_eq(function->timeout_s, 30);
    ck_assert_int_eq(function->memory_mb, 256);
    ck_assert_int_eq(function->ephemeral_mb, 1024);
    ck_assert_int_eq(function->reserved_concurrency, 5);
    ck_assert_str_eq(function->architectures[0], "arm64");
    ck_assert_str_eq(function->dead_letter_arn, "arn:aws:sqs:us-east-1:123456789012:s-Failed");
    ck_assert_str_eq(function->on_success_arn,
                     "arn:aws:sns:us-east-1:123456789012:s-OrderFnEventInvokeConfigOnSuccessTopic");
    ck_assert_str_eq(function->on_failure_arn, "arn:aws:sqs:us-east-1:123456789012:s-Failed");
    ck_assert_int_eq(function->invoke_max_retries, 1);
    ck_assert_int_eq(function->invoke_max_age_s, -1);
    ck_assert_uint_eq(function->place.line, 23);
    ck_assert_uint_eq(function->place.column, 3);
    ck_assert_ptr_null(model->functions[1].code_path);
    ck_assert_has(model->functions[1].code_refusal, "ZipFile");
}
END_TEST

START_TEST(globals_join_a_functions_own_properties)
{
    mr_auto(mr_template_free) struct mr_template *tpl = read_whole();
    const struct mr_template_function *function = &mr_template_model_of(tpl)->functions[0];

    ck_assert_uint_eq(function->environment_count, 5);
    ck_assert_str_eq(function->environment[0], "STAGE=test");
    ck_assert_str_eq(function->environment[1], "LEVEL=debug");
    ck_assert_str_eq(function->environment[2], "NUMBER=5");
    ck_assert_str_eq(function->environment[3], "FLAG=true");
    ck_assert_has(function->environment[4], "QUEUE=https://sqs.");
    ck_assert_ptr_null(function->environment[5]);
    ck_assert_uint_eq(function->layer_count, 2);
    ck_assert_str_eq(function->layers[0], "/app/layer");
    ck_assert_has(function->layers[1], ":layer:x:1");
}
END_TEST

START_TEST(a_variable_is_overridden_from_the_shell_and_from_env_vars)
{
    static const char *const shell[] = { "STAGE=shell", "LEVEL=shell", "NUMBER=shell",
                                         "OTHER=shell", NULL };
    struct mr_template_options options = {
        .stack_name = "s",
        .shell = shell,
        .env_vars = MR_SLICE_INIT("{\"Parameters\": {\"LEVEL\": \"all\", \"NUMBER\": 1},"
                                  " \"OrderFn\": {\"NUMBER\": true, \"NEW\": \"x\"}}"),
    };

    mr_auto(mr_template_free) struct mr_template *tpl =
        mr_template_parse(mr_slice_str(whole), &options);

    ck_assert_ok(tpl);
    const struct mr_template_function *function = &mr_template_model_of(tpl)->functions[0];
    ck_assert_uint_eq(function->environment_count, 5);
    ck_assert_str_eq(function->environment[0], "STAGE=shell");
    ck_assert_str_eq(function->environment[1], "LEVEL=all");
    ck_assert_str_eq(function->environment[2], "NUMBER=true");
}
END_TEST

START_TEST(sources_have_their_properties_and_defaults)
{
    mr_auto(mr_template_free) struct mr_template *tpl = read_whole();
    const struct mr_template_model *model = mr_template_model_of(tpl);

    ck_assert_uint_eq(model->stream_count, 1);
    ck_assert_str_eq(model->streams[0].name, "orders");
    ck_assert_int_eq(model->streams[0].shard_count, 2);
    ck_assert_int_eq(model->streams[0].retention_hours, 48);
    ck_assert_str_eq(model->streams[0].tags[0].key, "a");
    ck_assert_str_eq(model->consumers[0].stream_logical_id, "Orders");
    ck_assert_str_eq(model->tables[0].stream_view_type, "NEW_IMAGE");
    ck_assert_ptr_null(model->tables[1].stream_arn);
    ck_assert_uint_eq(model->queue_count, 2);
    ck_assert_int_eq(model->queues[1].visibility_timeout_s, 20);
    ck_assert_int_eq(model->queues[1].max_receive_count, 3);
    ck_assert_str_eq(model->queues[1].redrive_target_arn, model->queues[0].arn);
    ck_assert_uint_eq(model->ignored_type_count, 1);
    ck_assert_str_eq(model->ignored_types[0], "AWS::IAM::Policy");
    ck_assert_str_eq(model->outputs[0].value, "orders");
    ck_assert_str_eq(model->outputs[0].export_name, "s-o");
}
END_TEST

START_TEST(a_mapping_knows_its_ends)
{
    mr_auto(mr_template_free) struct mr_template *tpl = read_whole();
    const struct mr_template_model *model = mr_template_model_of(tpl);

    ck_assert_uint_eq(model->mapping_count, 3);
    const struct mr_template_mapping *orders = &model->mappings[0];
    ck_assert_str_eq(orders->logical_id, "OrderFnFromOrders");
    ck_assert_str_eq(orders->event_name, "FromOrders");
    ck_assert_int_eq(orders->source, MR_TEMPLATE_KINESIS);
    ck_assert_str_eq(orders->source_logical_id, "Fanout");
    ck_assert_str_eq(orders->function_logical_id, "OrderFn");
    ck_assert_str_eq(orders->destination_logical_id, "Failed");
    ck_assert(orders->enabled);
    ck_assert(!model->mappings[1].enabled);
    const struct mr_template_mapping *plain = &model->mappings[2];
    ck_assert_int_eq(plain->source, MR_TEMPLATE_DYNAMODB);
    ck_assert_str_eq(plain->source_logical_id, "Table");
    ck_assert_str_eq(plain->function_logical_id, "PlainFn");
    ck_assert_has(plain->properties_json, "\"BatchSize\":10");
    ck_assert_says(tpl, "hides a message for 20 s");
}
END_TEST

START_TEST(a_template_that_is_none_still_has_a_model)
{
    static const char *const texts[] = { "", "[]", "x", "{", "Resources:", "Resources: {A: 1}",
                                         "{\"Resources\": {\"A\": null}}", "\xff\xfe" };
    mr_auto(mr_template_free) struct mr_template *tpl = look_at(texts[_i]);

    ck_assert(!mr_template_ok(tpl));
    ck_assert_uint_eq(mr_template_model_of(tpl)->mapping_count, 0);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L1), "{\"error\":");
}
END_TEST

/* Sections, functions and tables that the translator refuses. */
static const struct {
    const char *text, *words;
} refused[] = {
    { "Mappings:\nResources: {Q: {Type: AWS::SQS::Queue}}", "Mappings must be a map" },
    { "Globals: []\nResources: {Q: {Type: AWS::SQS::Queue}}", "Globals must be a map" },
    { "Globals: {Functions: {}}\nResources: {Q: {Type: AWS::SQS::Queue}}", "did you mean Function?" },
    { "Globals: {Function: {Role: x}}\nResources: {Q: {Type: AWS::SQS::Queue}}", "Role is not supported" },
    { "Globals: {Function: {Timeouts: 3}}\nResources: {Q: {Type: A}}", "did you mean Timeout?" },
    { "Globals: {Function: {Timeout: 3}}\n"
      "Resources: {F: {Type: AWS::Serverless::Function, IgnoreGlobals: [Handler], Properties: {Runtime: r, Handler: h}}}",
      "IgnoreGlobals" },
    { "Resources: {F: {Type: AWS::Serverless::Function}}", "needs a Runtime" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: null}}", "must be a map" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r}}}", "needs a Handler" },
    { "Resources: {F-1: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h}}}",
      "letters and digits" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, CodeUri: [x]}}}",
      "CodeUri must be" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, Layers: x}}}",
      "Layers must be a list" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, TimeOut: 3, Memory: 1}}}",
      "did you mean Timeout?" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, DeadLetterQueue: {Type: S3, TargetArn: a}}}}",
      "SQS or SNS" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, AutoPublishAlias: !GetAtt a.b}}}",
      "AutoPublishAlias must be" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, Handler: h}}}",
      "not for PackageType: Image" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h}}, FRole: {Type: AWS::IAM::Role}}",
      "second resource FRole" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Condition: [C], Properties: {Runtime: r, Handler: h}}}",
      "the name of a condition" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, FunctionUrlConfig: {AuthType: X}}}}",
      "AWS_IAM or NONE" },
    { "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, DeploymentPreference: {Type: Canary}}}}",
      "needs AutoPublishAlias" },
    { "Resources: {T: {Type: AWS::Serverless::SimpleTable, Properties: {PrimaryKey: {Name: a}}}}", "needs a Type" },
    { "Resources: {T: {Type: AWS::Serverless::SimpleTable, Properties: {PrimaryKey: {Name: a, Type: S}}}}",
      "String, Number or Binary" },
    { "Resources: {L: {Type: AWS::Serverless::LayerVersion}}", "needs the property ContentUri" },
    { "Resources: {L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: x, RetentionPolicy: Keep}}}",
      "Retain or Delete" },
    { "Mappings: {M: {a: [1]}}\nResources: {Q: {Type: X, Properties: {P: !FindInMap [M, a, b]}}}", "map of maps" },
    { "Parameters: {P: {Type: String, Default: [a, b]}}\nResources: {Q: {Type: X, Properties: {P: !Sub '${P}'}}}",
      "is a list" },
};

START_TEST(a_template_that_will_not_deploy_is_refused)
{
    mr_auto(mr_template_free) struct mr_template *tpl = look_at(refused[_i].text);

    ck_assert(!mr_template_ok(tpl));
    ck_assert_says(tpl, refused[_i].words);
}
END_TEST

static const char *const accepted[] = {
    "Resources: {X: {Type: Some::Unknown::Type}}",
    "Resources: {X: {Type: AWS::Serverless::Api, Properties: {StageName: p, DefinitionBody: {'Fn::Transform': {Name: AWS::Include}}}}}",
    "Resources: {X: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: a.yaml}}}",
    "Resources: {X: {Type: AWS::Serverless::Application, Properties: {Location: a.yaml}}}",
    "Resources: {X: {Type: AWS::SQS::Queue, Properties: null}}",
    "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, CodeUri: !Sub 'x'}}}",
    "Resources: {F: {Type: AWS::Serverless::Function, Properties: {PackageType: Image}, Metadata: {Dockerfile: Dockerfile}}}",
    "Parameters: null\nResources: {X: {Type: A}}",
    "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h, Role: x}}, FRole: {Type: AWS::IAM::Role}}",
    "Resources: {X: {Type: AWS::Kinesis::Stream, Properties: {Name: \xc3\xa9}}}",
    "Resources: {X: {Type: AWS::SQS::Queue}, X: {Type: AWS::SQS::Queue}}",
    "{\"Resources\": {\"X\": {\"Type\": \"AWS::SQS::Queue\"}}}",
};

START_TEST(what_means_nothing_to_us_is_accepted)
{
    mr_auto(mr_template_free) struct mr_template *tpl = look_at(accepted[_i]);

    ck_assert_ok(tpl);
    ck_assert_has(json_of(tpl, MR_TEMPLATE_L2), "{\"esms\":[]");
}
END_TEST

START_TEST(a_template_written_out_too_large_is_refused_in_time)
{
    mr_auto_buf struct mr_buf text = { 0 };
    mr_buf_append_str(&text, "Globals: {Function: {Environment: {Variables: {");
    for (int i = 0; i < 5000; i++) {
        mr_buf_printf(&text, "V%d: x,", i);
    }
    mr_buf_append_str(&text, "}}}}\nResources:\n");
    for (int i = 0; i < 5000; i++) {
        mr_buf_printf(&text, "  F%d: {Type: AWS::Serverless::Function, Properties: {Runtime: r, "
                             "Handler: h, Environment: {Variables: {A: b}}}}\n", i);
    }

    mr_auto(mr_template_free) struct mr_template *tpl = look_at(mr_buf_cstr(&text));

    ck_assert_says(tpl, "when it is written out");
}
END_TEST

MR_SUITE("sam-templates.model", MR_TEST(a_function_has_what_a_runtime_needs),
         MR_TEST(globals_join_a_functions_own_properties),
         MR_TEST(a_variable_is_overridden_from_the_shell_and_from_env_vars),
         MR_TEST(sources_have_their_properties_and_defaults), MR_TEST(a_mapping_knows_its_ends),
         MR_TEST_LOOP(a_template_that_is_none_still_has_a_model, 8),
         MR_TEST_LOOP(a_template_that_will_not_deploy_is_refused,
                      (int)(sizeof(refused) / sizeof(refused[0]))),
         MR_TEST_LOOP(what_means_nothing_to_us_is_accepted,
                      (int)(sizeof(accepted) / sizeof(accepted[0]))),
         MR_TEST(a_template_written_out_too_large_is_refused_in_time))
