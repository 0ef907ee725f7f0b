/* Made by scripts/lambda-model.py from AWS's service model. Do not edit. */
#include "control/model.h"

static const struct mr_model_shape NamespacedFunctionName = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 256,
    .pattern =
        "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{"
        "12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    .posix = "^((arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{"
             "1}:)?([0-9]{12}:)?(function:)?([a-zA-Z0-9_.-]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-"
             "Z0-9_-]+))?)$"
};
static const struct mr_model_shape StatementId = { .kind = MR_MODEL_STRING,
                                                   .has_min = true,
                                                   .min = 1,
                                                   .has_max = true,
                                                   .max = 100,
                                                   .pattern = "([a-zA-Z0-9-_]+)",
                                                   .posix = "^(([a-zA-Z0-9_-]+))$" };
static const struct mr_model_shape Action = { .kind = MR_MODEL_STRING,
                                              .pattern = "(lambda:[*]|lambda:[a-zA-Z]+|[*])",
                                              .posix =
                                                  "^((lambda:[*]|lambda:[a-zA-Z]+|[*]))$" };
static const struct mr_model_shape Principal = { .kind = MR_MODEL_STRING,
                                                 .pattern = "[^\\s]+",
                                                 .posix = "^([^[:space:]]+)$" };
static const struct mr_model_shape Arn = {
    .kind = MR_MODEL_STRING,
    .pattern = "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{"
               "12})?:(.*)",
    .posix = "^(arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-gov)?-[a-z]+-[0-9]{1}|"
             "ddblocal)?:([0-9]{12})?:(.*))$"
};
static const struct mr_model_shape SourceOwner = { .kind = MR_MODEL_STRING,
                                                   .has_min = true,
                                                   .min = 0,
                                                   .has_max = true,
                                                   .max = 12,
                                                   .pattern = "\\d{12}",
                                                   .posix = "^([0-9]{12})$" };
static const struct mr_model_shape EventSourceToken = { .kind = MR_MODEL_STRING,
                                                        .has_min = true,
                                                        .min = 0,
                                                        .has_max = true,
                                                        .max = 256,
                                                        .pattern = "[a-zA-Z0-9._\\-]+",
                                                        .posix = "^([a-zA-Z0-9._-]+)$" };
static const struct mr_model_shape NumericLatestPublishedOrAliasQualifier = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 128,
    .pattern = "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
    .posix = "^(\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9_$-]+)$"
};
static const struct mr_model_shape String = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape PrincipalOrgID = { .kind = MR_MODEL_STRING,
                                                      .has_min = true,
                                                      .min = 12,
                                                      .has_max = true,
                                                      .max = 34,
                                                      .pattern = "o-[a-z0-9]{10,32}",
                                                      .posix = "^(o-[a-z0-9]{10,32})$" };
static const char *const FunctionUrlAuthType_values[] = { "NONE", "AWS_IAM", NULL };
static const struct mr_model_shape FunctionUrlAuthType = { .kind = MR_MODEL_STRING,
                                                           .values =
                                                               FunctionUrlAuthType_values };
static const struct mr_model_shape InvokedViaFunctionUrl = { .kind = MR_MODEL_BOOLEAN };
static const struct mr_model_member AddPermissionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "StatementId", .shape = &StatementId, .required = true },
    { .name = "Action", .shape = &Action, .required = true },
    { .name = "Principal", .shape = &Principal, .required = true },
    { .name = "SourceArn", .shape = &Arn },
    { .name = "SourceAccount", .shape = &SourceOwner },
    { .name = "EventSourceToken", .shape = &EventSourceToken },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "RevisionId", .shape = &String },
    { .name = "PrincipalOrgID", .shape = &PrincipalOrgID },
    { .name = "FunctionUrlAuthType", .shape = &FunctionUrlAuthType },
    { .name = "InvokedViaFunctionUrl", .shape = &InvokedViaFunctionUrl },
};
static const struct mr_model_shape AddPermissionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = AddPermissionRequest_members, .member_count = 12
};
static const struct mr_model_shape FunctionName = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 140,
    .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:"
               ")?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
    .posix = "^((arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{"
             "1}:)?([0-9]{12}:)?(function:)?([a-zA-Z0-9_-]+)(:(\\$LATEST|[a-zA-Z0-9_-]+))?)$"
};
static const struct mr_model_shape Alias = { .kind = MR_MODEL_STRING,
                                             .has_min = true,
                                             .min = 1,
                                             .has_max = true,
                                             .max = 128,
                                             .pattern = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)",
                                             .posix = "^(([a-zA-Z0-9_-]+))$",
                                             .not_number = true };
static const struct mr_model_shape VersionWithLatestPublished = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 1024,
    .pattern = "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)",
    .posix = "^((\\$LATEST(\\.PUBLISHED)?|[0-9]+))$"
};
static const struct mr_model_shape Description = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256
};
static const struct mr_model_shape AdditionalVersion = { .kind = MR_MODEL_STRING,
                                                         .has_min = true,
                                                         .min = 1,
                                                         .has_max = true,
                                                         .max = 1024,
                                                         .pattern = "[0-9]+",
                                                         .posix = "^([0-9]+)$" };
static const struct mr_model_shape Weight = {
    .kind = MR_MODEL_DOUBLE, .has_min = true, .min = 0, .has_max = true, .max = 1
};
static const struct mr_model_shape AdditionalVersionWeights = { .kind = MR_MODEL_MAP,
                                                                .key = &AdditionalVersion,
                                                                .element = &Weight };
static const struct mr_model_member AliasRoutingConfiguration_members[] = {
    { .name = "AdditionalVersionWeights", .shape = &AdditionalVersionWeights },
};
static const struct mr_model_shape AliasRoutingConfiguration = {
    .kind = MR_MODEL_STRUCTURE, .members = AliasRoutingConfiguration_members, .member_count = 1
};
static const struct mr_model_member CreateAliasRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Name", .shape = &Alias, .required = true },
    { .name = "FunctionVersion", .shape = &VersionWithLatestPublished, .required = true },
    { .name = "Description", .shape = &Description },
    { .name = "RoutingConfig", .shape = &AliasRoutingConfiguration },
};
static const struct mr_model_shape CreateAliasRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = CreateAliasRequest_members,
                                                          .member_count = 5 };
static const struct mr_model_shape Enabled = { .kind = MR_MODEL_BOOLEAN };
static const struct mr_model_shape BatchSize = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_model_shape Pattern = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 0, .has_max = true, .max = 4096
};
static const struct mr_model_member Filter_members[] = {
    { .name = "Pattern", .shape = &Pattern },
};
static const struct mr_model_shape Filter = { .kind = MR_MODEL_STRUCTURE,
                                              .members = Filter_members,
                                              .member_count = 1 };
static const struct mr_model_shape FilterList = { .kind = MR_MODEL_LIST, .element = &Filter };
static const struct mr_model_member FilterCriteria_members[] = {
    { .name = "Filters", .shape = &FilterList },
};
static const struct mr_model_shape FilterCriteria = { .kind = MR_MODEL_STRUCTURE,
                                                      .members = FilterCriteria_members,
                                                      .member_count = 1 };
static const struct mr_model_shape MaximumBatchingWindowInSeconds = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 300
};
static const struct mr_model_shape ParallelizationFactor = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10
};
static const char *const EventSourcePosition_values[] = { "LATEST", "AT_TIMESTAMP",
                                                          "TRIM_HORIZON", NULL };
static const struct mr_model_shape EventSourcePosition = { .kind = MR_MODEL_STRING,
                                                           .values =
                                                               EventSourcePosition_values };
static const struct mr_model_shape Date = { .kind = MR_MODEL_TIMESTAMP };
static const struct mr_model_shape DestinationArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 0,
    .has_max = true,
    .max = 350,
    .pattern = "$|kafka://"
               "([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]"
               "{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)",
    .posix = "^($|kafka://"
             "([^.]([a-zA-Z0-9_.-]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}((-"
             "gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{1})?:([0-9]{12})?:(.*))$"
};
static const struct mr_model_member OnSuccess_members[] = {
    { .name = "Destination", .shape = &DestinationArn },
};
static const struct mr_model_shape OnSuccess = { .kind = MR_MODEL_STRUCTURE,
                                                 .members = OnSuccess_members,
                                                 .member_count = 1 };
static const struct mr_model_member OnFailure_members[] = {
    { .name = "Destination", .shape = &DestinationArn },
};
static const struct mr_model_shape OnFailure = { .kind = MR_MODEL_STRUCTURE,
                                                 .members = OnFailure_members,
                                                 .member_count = 1 };
static const struct mr_model_member DestinationConfig_members[] = {
    { .name = "OnSuccess", .shape = &OnSuccess },
    { .name = "OnFailure", .shape = &OnFailure },
};
static const struct mr_model_shape DestinationConfig = { .kind = MR_MODEL_STRUCTURE,
                                                         .members = DestinationConfig_members,
                                                         .member_count = 2 };
static const struct mr_model_shape MaximumRecordAgeInSeconds = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = -1, .has_max = true, .max = 604800
};
static const struct mr_model_shape BisectBatchOnFunctionError = { .kind = MR_MODEL_BOOLEAN };
static const struct mr_model_shape MaximumRetryAttemptsEventSourceMapping = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = -1, .has_max = true, .max = 10000
};
static const struct mr_model_shape TagKey = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape TagValue = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape Tags = { .kind = MR_MODEL_MAP,
                                            .key = &TagKey,
                                            .element = &TagValue };
static const struct mr_model_shape TumblingWindowInSeconds = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 900
};
static const struct mr_model_shape Topic = { .kind = MR_MODEL_STRING,
                                             .has_min = true,
                                             .min = 1,
                                             .has_max = true,
                                             .max = 249,
                                             .pattern = "[^.]([a-zA-Z0-9\\-_.]+)",
                                             .posix = "^([^.]([a-zA-Z0-9_.-]+))$" };
static const struct mr_model_shape Topics = { .kind = MR_MODEL_LIST,
                                              .has_min = true,
                                              .min = 1,
                                              .has_max = true,
                                              .max = 1,
                                              .element = &Topic };
static const struct mr_model_shape Queue = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1000
};
static const struct mr_model_shape Queues = { .kind = MR_MODEL_LIST,
                                              .has_min = true,
                                              .min = 1,
                                              .has_max = true,
                                              .max = 1,
                                              .element = &Queue };
static const char *const SourceAccessType_values[] = { "BASIC_AUTH",
                                                       "VPC_SUBNET",
                                                       "VPC_SECURITY_GROUP",
                                                       "SASL_SCRAM_512_AUTH",
                                                       "SASL_SCRAM_256_AUTH",
                                                       "VIRTUAL_HOST",
                                                       "CLIENT_CERTIFICATE_TLS_AUTH",
                                                       "SERVER_ROOT_CA_CERTIFICATE",
                                                       NULL };
static const struct mr_model_shape SourceAccessType = { .kind = MR_MODEL_STRING,
                                                        .values = SourceAccessType_values };
static const struct mr_model_shape URI = { .kind = MR_MODEL_STRING,
                                           .has_min = true,
                                           .min = 1,
                                           .has_max = true,
                                           .max = 200,
                                           .pattern = "[a-zA-Z0-9-\\/*:_+=.@-]*",
                                           .posix = "^([a-zA-Z0-9/*:_+=.@-]*)$" };
static const struct mr_model_member SourceAccessConfiguration_members[] = {
    { .name = "Type", .shape = &SourceAccessType },
    { .name = "URI", .shape = &URI },
};
static const struct mr_model_shape SourceAccessConfiguration = {
    .kind = MR_MODEL_STRUCTURE, .members = SourceAccessConfiguration_members, .member_count = 2
};
static const struct mr_model_shape SourceAccessConfigurations = {
    .kind = MR_MODEL_LIST,
    .has_min = true,
    .min = 0,
    .has_max = true,
    .max = 22,
    .element = &SourceAccessConfiguration
};
static const char *const EndPointType_values[] = { "KAFKA_BOOTSTRAP_SERVERS", NULL };
static const struct mr_model_shape EndPointType = { .kind = MR_MODEL_STRING,
                                                    .values = EndPointType_values };
static const struct mr_model_shape Endpoint = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 300,
    .pattern = "(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\\-]*[a-zA-Z0-9])\\.)*([A-Za-z0-9]|[A-Za-z0-"
               "9][A-Za-z0-9\\-]*[A-Za-z0-9]):[0-9]{1,5}",
    .posix = "^((([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\\.)*([A-Za-z0-9]|[A-Za-z0-9]"
             "[A-Za-z0-9-]*[A-Za-z0-9]):[0-9]{1,5})$"
};
static const struct mr_model_shape EndpointLists = { .kind = MR_MODEL_LIST,
                                                     .has_min = true,
                                                     .min = 1,
                                                     .has_max = true,
                                                     .max = 10,
                                                     .element = &Endpoint };
static const struct mr_model_shape Endpoints = { .kind = MR_MODEL_MAP,
                                                 .has_min = true,
                                                 .min = 1,
                                                 .has_max = true,
                                                 .max = 2,
                                                 .key = &EndPointType,
                                                 .element = &EndpointLists };
static const struct mr_model_member SelfManagedEventSource_members[] = {
    { .name = "Endpoints", .shape = &Endpoints },
};
static const struct mr_model_shape SelfManagedEventSource = {
    .kind = MR_MODEL_STRUCTURE, .members = SelfManagedEventSource_members, .member_count = 1
};
static const char *const FunctionResponseType_values[] = { "ReportBatchItemFailures", NULL };
static const struct mr_model_shape FunctionResponseType = { .kind = MR_MODEL_STRING,
                                                            .values =
                                                                FunctionResponseType_values };
static const struct mr_model_shape FunctionResponseTypeList = { .kind = MR_MODEL_LIST,
                                                                .has_min = true,
                                                                .min = 0,
                                                                .has_max = true,
                                                                .max = 1,
                                                                .element =
                                                                    &FunctionResponseType };
static const struct mr_model_shape SchemaRegistryUri = { .kind = MR_MODEL_STRING,
                                                         .has_min = true,
                                                         .min = 1,
                                                         .has_max = true,
                                                         .max = 10000,
                                                         .pattern = "[a-zA-Z0-9-\\/*:_+=.@-]*",
                                                         .posix = "^([a-zA-Z0-9/*:_+=.@-]*)$" };
static const char *const SchemaRegistryEventRecordFormat_values[] = { "JSON", "SOURCE", NULL };
static const struct mr_model_shape SchemaRegistryEventRecordFormat = {
    .kind = MR_MODEL_STRING, .values = SchemaRegistryEventRecordFormat_values
};
static const char *const KafkaSchemaRegistryAuthType_values[] = {
    "BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", NULL
};
static const struct mr_model_shape KafkaSchemaRegistryAuthType = {
    .kind = MR_MODEL_STRING, .values = KafkaSchemaRegistryAuthType_values
};
static const struct mr_model_member KafkaSchemaRegistryAccessConfig_members[] = {
    { .name = "Type", .shape = &KafkaSchemaRegistryAuthType },
    { .name = "URI", .shape = &Arn },
};
static const struct mr_model_shape KafkaSchemaRegistryAccessConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = KafkaSchemaRegistryAccessConfig_members,
    .member_count = 2
};
static const struct mr_model_shape KafkaSchemaRegistryAccessConfigList = {
    .kind = MR_MODEL_LIST, .element = &KafkaSchemaRegistryAccessConfig
};
static const char *const KafkaSchemaValidationAttribute_values[] = { "KEY", "VALUE", NULL };
static const struct mr_model_shape KafkaSchemaValidationAttribute = {
    .kind = MR_MODEL_STRING, .values = KafkaSchemaValidationAttribute_values
};
static const struct mr_model_member KafkaSchemaValidationConfig_members[] = {
    { .name = "Attribute", .shape = &KafkaSchemaValidationAttribute },
};
static const struct mr_model_shape KafkaSchemaValidationConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = KafkaSchemaValidationConfig_members,
    .member_count = 1
};
static const struct mr_model_shape KafkaSchemaValidationConfigList = {
    .kind = MR_MODEL_LIST, .element = &KafkaSchemaValidationConfig
};
static const struct mr_model_member KafkaSchemaRegistryConfig_members[] = {
    { .name = "SchemaRegistryURI", .shape = &SchemaRegistryUri },
    { .name = "EventRecordFormat", .shape = &SchemaRegistryEventRecordFormat },
    { .name = "AccessConfigs", .shape = &KafkaSchemaRegistryAccessConfigList },
    { .name = "SchemaValidationConfigs", .shape = &KafkaSchemaValidationConfigList },
};
static const struct mr_model_shape KafkaSchemaRegistryConfig = {
    .kind = MR_MODEL_STRUCTURE, .members = KafkaSchemaRegistryConfig_members, .member_count = 4
};
static const struct mr_model_member AmazonManagedKafkaEventSourceConfig_members[] = {
    { .name = "ConsumerGroupId", .shape = &URI },
    { .name = "SchemaRegistryConfig", .shape = &KafkaSchemaRegistryConfig },
};
static const struct mr_model_shape AmazonManagedKafkaEventSourceConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = AmazonManagedKafkaEventSourceConfig_members,
    .member_count = 2
};
static const struct mr_model_member SelfManagedKafkaEventSourceConfig_members[] = {
    { .name = "ConsumerGroupId", .shape = &URI },
    { .name = "SchemaRegistryConfig", .shape = &KafkaSchemaRegistryConfig },
};
static const struct mr_model_shape SelfManagedKafkaEventSourceConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = SelfManagedKafkaEventSourceConfig_members,
    .member_count = 2
};
static const struct mr_model_shape MaximumConcurrency = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 2, .has_max = true, .max = 1000
};
static const struct mr_model_member ScalingConfig_members[] = {
    { .name = "MaximumConcurrency", .shape = &MaximumConcurrency },
};
static const struct mr_model_shape ScalingConfig = { .kind = MR_MODEL_STRUCTURE,
                                                     .members = ScalingConfig_members,
                                                     .member_count = 1 };
static const struct mr_model_shape DatabaseName = { .kind = MR_MODEL_STRING,
                                                    .has_min = true,
                                                    .min = 1,
                                                    .has_max = true,
                                                    .max = 63,
                                                    .pattern = "[^ /\\.$\\x22]*",
                                                    .posix = "^([^ /.$\"]*)$" };
static const struct mr_model_shape CollectionName = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 57,
    .pattern = "(^(?!(system\\x2e)))(^[_a-zA-Z0-9])([^$]*)",
    .posix = "^((^)(^[_a-zA-Z0-9])([^$]*))$"
};
static const char *const FullDocument_values[] = { "UpdateLookup", "Default", NULL };
static const struct mr_model_shape FullDocument = { .kind = MR_MODEL_STRING,
                                                    .values = FullDocument_values };
static const struct mr_model_member DocumentDBEventSourceConfig_members[] = {
    { .name = "DatabaseName", .shape = &DatabaseName },
    { .name = "CollectionName", .shape = &CollectionName },
    { .name = "FullDocument", .shape = &FullDocument },
};
static const struct mr_model_shape DocumentDBEventSourceConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = DocumentDBEventSourceConfig_members,
    .member_count = 3
};
static const struct mr_model_shape KMSKeyArn = {
    .kind = MR_MODEL_STRING,
    .pattern = "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()",
    .posix = "^((arn:(aws[a-zA-Z-]*)?:[a-z0-9.-]+:.*)|())$"
};
static const char *const EventSourceMappingMetric_values[] = { "EventCount", "ErrorCount",
                                                               "KafkaMetrics", NULL };
static const struct mr_model_shape EventSourceMappingMetric = {
    .kind = MR_MODEL_STRING, .values = EventSourceMappingMetric_values
};
static const struct mr_model_shape EventSourceMappingMetricList = {
    .kind = MR_MODEL_LIST,
    .has_min = true,
    .min = 0,
    .has_max = true,
    .max = 3,
    .element = &EventSourceMappingMetric
};
static const struct mr_model_member EventSourceMappingMetricsConfig_members[] = {
    { .name = "Metrics", .shape = &EventSourceMappingMetricList },
};
static const struct mr_model_shape EventSourceMappingMetricsConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = EventSourceMappingMetricsConfig_members,
    .member_count = 1
};
static const char *const EventSourceMappingSystemLogLevel_values[] = { "DEBUG", "INFO", "WARN",
                                                                       NULL };
static const struct mr_model_shape EventSourceMappingSystemLogLevel = {
    .kind = MR_MODEL_STRING, .values = EventSourceMappingSystemLogLevel_values
};
static const struct mr_model_member EventSourceMappingLoggingConfig_members[] = {
    { .name = "SystemLogLevel", .shape = &EventSourceMappingSystemLogLevel },
};
static const struct mr_model_shape EventSourceMappingLoggingConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = EventSourceMappingLoggingConfig_members,
    .member_count = 1
};
static const struct mr_model_shape MinimumNumberOfPollers = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 200
};
static const struct mr_model_shape MaximumNumberOfPollers = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 2000
};
static const struct mr_model_shape ProvisionedPollerGroupName = { .kind = MR_MODEL_STRING,
                                                                  .has_min = true,
                                                                  .min = 0,
                                                                  .has_max = true,
                                                                  .max = 128,
                                                                  .pattern = "[a-zA-Z0-9-_]*",
                                                                  .posix =
                                                                      "^([a-zA-Z0-9_-]*)$" };
static const struct mr_model_member ProvisionedPollerConfig_members[] = {
    { .name = "MinimumPollers", .shape = &MinimumNumberOfPollers },
    { .name = "MaximumPollers", .shape = &MaximumNumberOfPollers },
    { .name = "PollerGroupName", .shape = &ProvisionedPollerGroupName },
};
static const struct mr_model_shape ProvisionedPollerConfig = {
    .kind = MR_MODEL_STRUCTURE, .members = ProvisionedPollerConfig_members, .member_count = 3
};
static const struct mr_model_member CreateEventSourceMappingRequest_members[] = {
    { .name = "EventSourceArn", .shape = &Arn },
    { .name = "FunctionName", .shape = &NamespacedFunctionName, .required = true },
    { .name = "Enabled", .shape = &Enabled },
    { .name = "BatchSize", .shape = &BatchSize },
    { .name = "FilterCriteria", .shape = &FilterCriteria },
    { .name = "MaximumBatchingWindowInSeconds", .shape = &MaximumBatchingWindowInSeconds },
    { .name = "ParallelizationFactor", .shape = &ParallelizationFactor },
    { .name = "StartingPosition", .shape = &EventSourcePosition },
    { .name = "StartingPositionTimestamp", .shape = &Date },
    { .name = "DestinationConfig", .shape = &DestinationConfig },
    { .name = "MaximumRecordAgeInSeconds", .shape = &MaximumRecordAgeInSeconds },
    { .name = "BisectBatchOnFunctionError", .shape = &BisectBatchOnFunctionError },
    { .name = "MaximumRetryAttempts", .shape = &MaximumRetryAttemptsEventSourceMapping },
    { .name = "Tags", .shape = &Tags },
    { .name = "TumblingWindowInSeconds", .shape = &TumblingWindowInSeconds },
    { .name = "Topics", .shape = &Topics },
    { .name = "Queues", .shape = &Queues },
    { .name = "SourceAccessConfigurations", .shape = &SourceAccessConfigurations },
    { .name = "SelfManagedEventSource", .shape = &SelfManagedEventSource },
    { .name = "FunctionResponseTypes", .shape = &FunctionResponseTypeList },
    { .name = "AmazonManagedKafkaEventSourceConfig",
      .shape = &AmazonManagedKafkaEventSourceConfig },
    { .name = "SelfManagedKafkaEventSourceConfig",
      .shape = &SelfManagedKafkaEventSourceConfig },
    { .name = "ScalingConfig", .shape = &ScalingConfig },
    { .name = "DocumentDBEventSourceConfig", .shape = &DocumentDBEventSourceConfig },
    { .name = "KMSKeyArn", .shape = &KMSKeyArn },
    { .name = "MetricsConfig", .shape = &EventSourceMappingMetricsConfig },
    { .name = "LoggingConfig", .shape = &EventSourceMappingLoggingConfig },
    { .name = "ProvisionedPollerConfig", .shape = &ProvisionedPollerConfig },
};
static const struct mr_model_shape CreateEventSourceMappingRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = CreateEventSourceMappingRequest_members,
    .member_count = 28
};
static const struct mr_model_shape Runtime = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape RoleArn = {
    .kind = MR_MODEL_STRING,
    .pattern = "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
    .posix = "^(arn:(aws[a-zA-Z-]*)?:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@_/-]+)$"
};
static const struct mr_model_shape Handler = { .kind = MR_MODEL_STRING,
                                               .has_min = true,
                                               .min = 0,
                                               .has_max = true,
                                               .max = 128,
                                               .pattern = "[^\\s]+",
                                               .posix = "^([^[:space:]]+)$" };
static const struct mr_model_shape Blob = { .kind = MR_MODEL_BLOB };
static const struct mr_model_shape S3Bucket = { .kind = MR_MODEL_STRING,
                                                .has_min = true,
                                                .min = 3,
                                                .has_max = true,
                                                .max = 63,
                                                .pattern = "[0-9A-Za-z\\.\\-_]*(?<!\\.)",
                                                .posix = "^([0-9A-Za-z._-]*)$" };
static const struct mr_model_shape S3Key = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024
};
static const struct mr_model_shape S3ObjectVersion = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024
};
static const struct mr_model_member FunctionCode_members[] = {
    { .name = "ZipFile", .shape = &Blob },
    { .name = "S3Bucket", .shape = &S3Bucket },
    { .name = "S3Key", .shape = &S3Key },
    { .name = "S3ObjectVersion", .shape = &S3ObjectVersion },
    { .name = "ImageUri", .shape = &String },
    { .name = "SourceKMSKeyArn", .shape = &KMSKeyArn },
};
static const struct mr_model_shape FunctionCode = { .kind = MR_MODEL_STRUCTURE,
                                                    .members = FunctionCode_members,
                                                    .member_count = 6 };
static const struct mr_model_shape Timeout = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 900
};
static const struct mr_model_shape MemorySize = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 128, .has_max = true, .max = 10240
};
static const struct mr_model_shape Boolean = { .kind = MR_MODEL_BOOLEAN };
static const struct mr_model_shape SubnetId = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape SubnetIds = { .kind = MR_MODEL_LIST,
                                                 .has_min = true,
                                                 .min = 0,
                                                 .has_max = true,
                                                 .max = 16,
                                                 .element = &SubnetId };
static const struct mr_model_shape SecurityGroupId = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape SecurityGroupIds = { .kind = MR_MODEL_LIST,
                                                        .has_min = true,
                                                        .min = 0,
                                                        .has_max = true,
                                                        .max = 5,
                                                        .element = &SecurityGroupId };
static const struct mr_model_shape NullableBoolean = { .kind = MR_MODEL_BOOLEAN };
static const struct mr_model_member VpcConfig_members[] = {
    { .name = "SubnetIds", .shape = &SubnetIds },
    { .name = "SecurityGroupIds", .shape = &SecurityGroupIds },
    { .name = "Ipv6AllowedForDualStack", .shape = &NullableBoolean },
};
static const struct mr_model_shape VpcConfig = { .kind = MR_MODEL_STRUCTURE,
                                                 .members = VpcConfig_members,
                                                 .member_count = 3 };
static const char *const PackageType_values[] = { "Zip", "Image", NULL };
static const struct mr_model_shape PackageType = { .kind = MR_MODEL_STRING,
                                                   .values = PackageType_values };
static const struct mr_model_shape ResourceArn = {
    .kind = MR_MODEL_STRING,
    .pattern = "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()",
    .posix = "^((arn:(aws[a-zA-Z-]*)?:[a-z0-9.-]+:.*)|())$"
};
static const struct mr_model_member DeadLetterConfig_members[] = {
    { .name = "TargetArn", .shape = &ResourceArn },
};
static const struct mr_model_shape DeadLetterConfig = { .kind = MR_MODEL_STRUCTURE,
                                                        .members = DeadLetterConfig_members,
                                                        .member_count = 1 };
static const struct mr_model_shape EnvironmentVariableName = {
    .kind = MR_MODEL_STRING,
    .pattern = "[a-zA-Z]([a-zA-Z0-9_])+",
    .posix = "^([a-zA-Z]([a-zA-Z0-9_])+)$"
};
static const struct mr_model_shape EnvironmentVariableValue = { .kind = MR_MODEL_STRING };
static const struct mr_model_shape EnvironmentVariables = {
    .kind = MR_MODEL_MAP, .key = &EnvironmentVariableName, .element = &EnvironmentVariableValue
};
static const struct mr_model_member Environment_members[] = {
    { .name = "Variables", .shape = &EnvironmentVariables },
};
static const struct mr_model_shape Environment = { .kind = MR_MODEL_STRUCTURE,
                                                   .members = Environment_members,
                                                   .member_count = 1 };
static const char *const TracingMode_values[] = { "Active", "PassThrough", NULL };
static const struct mr_model_shape TracingMode = { .kind = MR_MODEL_STRING,
                                                   .values = TracingMode_values };
static const struct mr_model_member TracingConfig_members[] = {
    { .name = "Mode", .shape = &TracingMode },
};
static const struct mr_model_shape TracingConfig = { .kind = MR_MODEL_STRUCTURE,
                                                     .members = TracingConfig_members,
                                                     .member_count = 1 };
static const struct mr_model_shape LayerVersionArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 140,
    .pattern = "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+",
    .posix = "^(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:[0-9]{12}:layer:[a-zA-Z0-9_-]+:[0-9]+)$"
};
static const struct mr_model_shape LayerList = { .kind = MR_MODEL_LIST,
                                                 .element = &LayerVersionArn };
static const struct mr_model_shape FileSystemArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 0,
    .has_max = true,
    .max = 256,
    .pattern =
        "arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}"
        ":access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/"
        "fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}",
    .posix = "^(arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-[0-9]{"
             "1}:[0-9]{12}:access-point/"
             "fsap-[a-f0-9]{17}$|^arn:aws[a-z-]*:s3files:[0-9a-z:-]+:file-system/"
             "fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40})$"
};
static const struct mr_model_shape LocalMountPath = { .kind = MR_MODEL_STRING,
                                                      .has_min = true,
                                                      .min = 0,
                                                      .has_max = true,
                                                      .max = 160,
                                                      .pattern = "/mnt/[a-zA-Z0-9-_.]+",
                                                      .posix = "^(/mnt/[a-zA-Z0-9_.-]+)$" };
static const struct mr_model_member FileSystemConfig_members[] = {
    { .name = "Arn", .shape = &FileSystemArn, .required = true },
    { .name = "LocalMountPath", .shape = &LocalMountPath, .required = true },
};
static const struct mr_model_shape FileSystemConfig = { .kind = MR_MODEL_STRUCTURE,
                                                        .members = FileSystemConfig_members,
                                                        .member_count = 2 };
static const struct mr_model_shape FileSystemConfigList = { .kind = MR_MODEL_LIST,
                                                            .has_min = true,
                                                            .min = 0,
                                                            .has_max = true,
                                                            .max = 1,
                                                            .element = &FileSystemConfig };
static const struct mr_model_shape StringList = { .kind = MR_MODEL_LIST,
                                                  .has_min = true,
                                                  .min = 0,
                                                  .has_max = true,
                                                  .max = 1500,
                                                  .element = &String };
static const struct mr_model_shape WorkingDirectory = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1000
};
static const struct mr_model_member ImageConfig_members[] = {
    { .name = "EntryPoint", .shape = &StringList },
    { .name = "Command", .shape = &StringList },
    { .name = "WorkingDirectory", .shape = &WorkingDirectory },
};
static const struct mr_model_shape ImageConfig = { .kind = MR_MODEL_STRUCTURE,
                                                   .members = ImageConfig_members,
                                                   .member_count = 3 };
static const struct mr_model_shape CodeSigningConfigArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 0,
    .has_max = true,
    .max = 200,
    .pattern = "arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}:\\d{12}:"
               "code-signing-config:csc-[a-z0-9]{17}",
    .posix = "^(arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-[0-9]{1}:[0-9]{"
             "12}:code-signing-config:csc-[a-z0-9]{17})$"
};
static const char *const Architecture_values[] = { "x86_64", "arm64", NULL };
static const struct mr_model_shape Architecture = { .kind = MR_MODEL_STRING,
                                                    .values = Architecture_values };
static const struct mr_model_shape ArchitecturesList = { .kind = MR_MODEL_LIST,
                                                         .has_min = true,
                                                         .min = 1,
                                                         .has_max = true,
                                                         .max = 1,
                                                         .element = &Architecture };
static const struct mr_model_shape EphemeralStorageSize = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 512, .has_max = true, .max = 10240
};
static const struct mr_model_member EphemeralStorage_members[] = {
    { .name = "Size", .shape = &EphemeralStorageSize, .required = true },
};
static const struct mr_model_shape EphemeralStorage = { .kind = MR_MODEL_STRUCTURE,
                                                        .members = EphemeralStorage_members,
                                                        .member_count = 1 };
static const char *const SnapStartApplyOn_values[] = { "PublishedVersions", "None", NULL };
static const struct mr_model_shape SnapStartApplyOn = { .kind = MR_MODEL_STRING,
                                                        .values = SnapStartApplyOn_values };
static const struct mr_model_member SnapStart_members[] = {
    { .name = "ApplyOn", .shape = &SnapStartApplyOn },
};
static const struct mr_model_shape SnapStart = { .kind = MR_MODEL_STRUCTURE,
                                                 .members = SnapStart_members,
                                                 .member_count = 1 };
static const char *const LogFormat_values[] = { "JSON", "Text", NULL };
static const struct mr_model_shape LogFormat = { .kind = MR_MODEL_STRING,
                                                 .values = LogFormat_values };
static const char *const ApplicationLogLevel_values[] = { "TRACE", "DEBUG", "INFO", "WARN",
                                                          "ERROR", "FATAL", NULL };
static const struct mr_model_shape ApplicationLogLevel = { .kind = MR_MODEL_STRING,
                                                           .values =
                                                               ApplicationLogLevel_values };
static const char *const SystemLogLevel_values[] = { "DEBUG", "INFO", "WARN", NULL };
static const struct mr_model_shape SystemLogLevel = { .kind = MR_MODEL_STRING,
                                                      .values = SystemLogLevel_values };
static const struct mr_model_shape LogGroup = { .kind = MR_MODEL_STRING,
                                                .has_min = true,
                                                .min = 1,
                                                .has_max = true,
                                                .max = 512,
                                                .pattern = "[\\.\\-_/#A-Za-z0-9]+",
                                                .posix = "^([._/#A-Za-z0-9-]+)$" };
static const struct mr_model_member LoggingConfig_members[] = {
    { .name = "LogFormat", .shape = &LogFormat },
    { .name = "ApplicationLogLevel", .shape = &ApplicationLogLevel },
    { .name = "SystemLogLevel", .shape = &SystemLogLevel },
    { .name = "LogGroup", .shape = &LogGroup },
};
static const struct mr_model_shape LoggingConfig = { .kind = MR_MODEL_STRUCTURE,
                                                     .members = LoggingConfig_members,
                                                     .member_count = 4 };
static const struct mr_model_shape CapacityProviderArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 140,
    .pattern = "arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}"
               ":capacity-provider:[a-zA-Z0-9-_]+",
    .posix = "^(arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{1}:[0-9]"
             "{12}:capacity-provider:[a-zA-Z0-9_-]+)$"
};
static const struct mr_model_shape PerExecutionEnvironmentMaxConcurrency = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 1600
};
static const struct mr_model_shape ExecutionEnvironmentMemoryGiBPerVCpu = {
    .kind = MR_MODEL_DOUBLE, .has_min = true, .min = 2, .has_max = true, .max = 8
};
static const struct mr_model_member LambdaManagedInstancesCapacityProviderConfig_members[] = {
    { .name = "CapacityProviderArn", .shape = &CapacityProviderArn, .required = true },
    { .name = "PerExecutionEnvironmentMaxConcurrency",
      .shape = &PerExecutionEnvironmentMaxConcurrency },
    { .name = "ExecutionEnvironmentMemoryGiBPerVCpu",
      .shape = &ExecutionEnvironmentMemoryGiBPerVCpu },
};
static const struct mr_model_shape LambdaManagedInstancesCapacityProviderConfig = {
    .kind = MR_MODEL_STRUCTURE,
    .members = LambdaManagedInstancesCapacityProviderConfig_members,
    .member_count = 3
};
static const struct mr_model_member CapacityProviderConfig_members[] = {
    { .name = "LambdaManagedInstancesCapacityProviderConfig",
      .shape = &LambdaManagedInstancesCapacityProviderConfig,
      .required = true },
};
static const struct mr_model_shape CapacityProviderConfig = {
    .kind = MR_MODEL_STRUCTURE, .members = CapacityProviderConfig_members, .member_count = 1
};
static const char *const FunctionVersionLatestPublished_values[] = { "LATEST_PUBLISHED", NULL };
static const struct mr_model_shape FunctionVersionLatestPublished = {
    .kind = MR_MODEL_STRING, .values = FunctionVersionLatestPublished_values
};
static const struct mr_model_shape RetentionPeriodInDays = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 90
};
static const struct mr_model_shape ExecutionTimeout = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 31622400
};
static const struct mr_model_member DurableConfig_members[] = {
    { .name = "RetentionPeriodInDays", .shape = &RetentionPeriodInDays },
    { .name = "ExecutionTimeout", .shape = &ExecutionTimeout },
};
static const struct mr_model_shape DurableConfig = { .kind = MR_MODEL_STRUCTURE,
                                                     .members = DurableConfig_members,
                                                     .member_count = 2 };
static const char *const TenantIsolationMode_values[] = { "PER_TENANT", NULL };
static const struct mr_model_shape TenantIsolationMode = { .kind = MR_MODEL_STRING,
                                                           .values =
                                                               TenantIsolationMode_values };
static const struct mr_model_member TenancyConfig_members[] = {
    { .name = "TenantIsolationMode", .shape = &TenantIsolationMode, .required = true },
};
static const struct mr_model_shape TenancyConfig = { .kind = MR_MODEL_STRUCTURE,
                                                     .members = TenancyConfig_members,
                                                     .member_count = 1 };
static const struct mr_model_member CreateFunctionRequest_members[] = {
    { .name = "FunctionName", .shape = &FunctionName, .required = true },
    { .name = "Runtime", .shape = &Runtime },
    { .name = "Role", .shape = &RoleArn, .required = true },
    { .name = "Handler", .shape = &Handler },
    { .name = "Code", .shape = &FunctionCode, .required = true },
    { .name = "Description", .shape = &Description },
    { .name = "Timeout", .shape = &Timeout },
    { .name = "MemorySize", .shape = &MemorySize },
    { .name = "Publish", .shape = &Boolean },
    { .name = "VpcConfig", .shape = &VpcConfig },
    { .name = "PackageType", .shape = &PackageType },
    { .name = "DeadLetterConfig", .shape = &DeadLetterConfig },
    { .name = "Environment", .shape = &Environment },
    { .name = "KMSKeyArn", .shape = &KMSKeyArn },
    { .name = "TracingConfig", .shape = &TracingConfig },
    { .name = "Tags", .shape = &Tags },
    { .name = "Layers", .shape = &LayerList },
    { .name = "FileSystemConfigs", .shape = &FileSystemConfigList },
    { .name = "ImageConfig", .shape = &ImageConfig },
    { .name = "CodeSigningConfigArn", .shape = &CodeSigningConfigArn },
    { .name = "Architectures", .shape = &ArchitecturesList },
    { .name = "EphemeralStorage", .shape = &EphemeralStorage },
    { .name = "SnapStart", .shape = &SnapStart },
    { .name = "LoggingConfig", .shape = &LoggingConfig },
    { .name = "CapacityProviderConfig", .shape = &CapacityProviderConfig },
    { .name = "PublishTo", .shape = &FunctionVersionLatestPublished },
    { .name = "DurableConfig", .shape = &DurableConfig },
    { .name = "TenancyConfig", .shape = &TenancyConfig },
};
static const struct mr_model_shape CreateFunctionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = CreateFunctionRequest_members, .member_count = 28
};
static const struct mr_model_member DeleteAliasRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Name",
      .shape = &Alias,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Name" },
};
static const struct mr_model_shape DeleteAliasRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = DeleteAliasRequest_members,
                                                          .member_count = 2 };
static const struct mr_model_member DeleteEventSourceMappingRequest_members[] = {
    { .name = "UUID",
      .shape = &String,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "UUID" },
};
static const struct mr_model_shape DeleteEventSourceMappingRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = DeleteEventSourceMappingRequest_members,
    .member_count = 1
};
static const struct mr_model_member DeleteFunctionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape DeleteFunctionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = DeleteFunctionRequest_members, .member_count = 2
};
static const struct mr_model_member DeleteFunctionConcurrencyRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
};
static const struct mr_model_shape DeleteFunctionConcurrencyRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = DeleteFunctionConcurrencyRequest_members,
    .member_count = 1
};
static const struct mr_model_member DeleteFunctionEventInvokeConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape DeleteFunctionEventInvokeConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = DeleteFunctionEventInvokeConfigRequest_members,
    .member_count = 2
};
static const struct mr_model_shape LayerName = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 140,
    .pattern =
        "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
    .posix = "^((arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:[0-9]{12}:layer:[a-zA-Z0-9_-]+)|[a-zA-"
             "Z0-9_-]+)$"
};
static const struct mr_model_shape LayerVersionNumber = { .kind = MR_MODEL_INTEGER };
static const struct mr_model_member DeleteLayerVersionRequest_members[] = {
    { .name = "LayerName",
      .shape = &LayerName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "LayerName" },
    { .name = "VersionNumber",
      .shape = &LayerVersionNumber,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "VersionNumber" },
};
static const struct mr_model_shape DeleteLayerVersionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = DeleteLayerVersionRequest_members, .member_count = 2
};
static const struct mr_model_shape GetAccountSettingsRequest = { .kind = MR_MODEL_STRUCTURE };
static const struct mr_model_member GetAliasRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Name",
      .shape = &Alias,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Name" },
};
static const struct mr_model_shape GetAliasRequest = { .kind = MR_MODEL_STRUCTURE,
                                                       .members = GetAliasRequest_members,
                                                       .member_count = 2 };
static const struct mr_model_member GetEventSourceMappingRequest_members[] = {
    { .name = "UUID",
      .shape = &String,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "UUID" },
};
static const struct mr_model_shape GetEventSourceMappingRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetEventSourceMappingRequest_members,
    .member_count = 1
};
static const struct mr_model_member GetFunctionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetFunctionRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = GetFunctionRequest_members,
                                                          .member_count = 2 };
static const struct mr_model_member GetFunctionCodeSigningConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
};
static const struct mr_model_shape GetFunctionCodeSigningConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionCodeSigningConfigRequest_members,
    .member_count = 1
};
static const struct mr_model_member GetFunctionConcurrencyRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
};
static const struct mr_model_shape GetFunctionConcurrencyRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionConcurrencyRequest_members,
    .member_count = 1
};
static const struct mr_model_member GetFunctionConfigurationRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetFunctionConfigurationRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionConfigurationRequest_members,
    .member_count = 2
};
static const struct mr_model_member GetFunctionEventInvokeConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetFunctionEventInvokeConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionEventInvokeConfigRequest_members,
    .member_count = 2
};
static const struct mr_model_shape UnqualifiedFunctionName = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 140,
    .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:"
               ")?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)",
    .posix = "^((arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{"
             "1}:)?([0-9]{12}:)?(function:)?([a-zA-Z0-9_-]+))$"
};
static const struct mr_model_member GetFunctionRecursionConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &UnqualifiedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
};
static const struct mr_model_shape GetFunctionRecursionConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionRecursionConfigRequest_members,
    .member_count = 1
};
static const struct mr_model_shape FunctionUrlQualifier = { .kind = MR_MODEL_STRING,
                                                            .has_min = true,
                                                            .min = 1,
                                                            .has_max = true,
                                                            .max = 128,
                                                            .pattern =
                                                                "((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
                                                            .posix = "^((^[0-9a-zA-Z_-]+$))$",
                                                            .not_number = true };
static const struct mr_model_member GetFunctionUrlConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &FunctionUrlQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetFunctionUrlConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetFunctionUrlConfigRequest_members,
    .member_count = 2
};
static const struct mr_model_member GetLayerVersionRequest_members[] = {
    { .name = "LayerName",
      .shape = &LayerName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "LayerName" },
    { .name = "VersionNumber",
      .shape = &LayerVersionNumber,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "VersionNumber" },
};
static const struct mr_model_shape GetLayerVersionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = GetLayerVersionRequest_members, .member_count = 2
};
static const struct mr_model_member GetPolicyRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetPolicyRequest = { .kind = MR_MODEL_STRUCTURE,
                                                        .members = GetPolicyRequest_members,
                                                        .member_count = 2 };
static const struct mr_model_member GetRuntimeManagementConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
};
static const struct mr_model_shape GetRuntimeManagementConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = GetRuntimeManagementConfigRequest_members,
    .member_count = 2
};
static const char *const InvocationType_values[] = { "Event", "RequestResponse", "DryRun",
                                                     NULL };
static const struct mr_model_shape InvocationType = { .kind = MR_MODEL_STRING,
                                                      .values = InvocationType_values };
static const char *const LogType_values[] = { "None", "Tail", NULL };
static const struct mr_model_shape LogType = { .kind = MR_MODEL_STRING,
                                               .values = LogType_values };
static const struct mr_model_shape DurableExecutionName = { .kind = MR_MODEL_STRING,
                                                            .has_min = true,
                                                            .min = 1,
                                                            .has_max = true,
                                                            .max = 64,
                                                            .pattern = "[a-zA-Z0-9-_]+",
                                                            .posix = "^([a-zA-Z0-9_-]+)$" };
static const struct mr_model_shape TenantId = { .kind = MR_MODEL_STRING,
                                                .has_min = true,
                                                .min = 1,
                                                .has_max = true,
                                                .max = 256,
                                                .pattern = "[a-zA-Z0-9\\._:\\/=+\\-@ ]+",
                                                .posix = "^([a-zA-Z0-9._:/=+@ -]+)$" };
static const struct mr_model_member InvocationRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "InvocationType",
      .shape = &InvocationType,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Invocation-Type" },
    { .name = "LogType",
      .shape = &LogType,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Log-Type" },
    { .name = "ClientContext",
      .shape = &String,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Client-Context" },
    { .name = "DurableExecutionName",
      .shape = &DurableExecutionName,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Durable-Execution-Name" },
    { .name = "Payload", .shape = &Blob, .where = MR_MODEL_PAYLOAD },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "TenantId",
      .shape = &TenantId,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Tenant-Id" },
};
static const struct mr_model_shape InvocationRequest = { .kind = MR_MODEL_STRUCTURE,
                                                         .members = InvocationRequest_members,
                                                         .member_count = 8 };
static const struct mr_model_shape BlobStream = { .kind = MR_MODEL_BLOB };
static const struct mr_model_member InvokeAsyncRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "InvokeArgs", .shape = &BlobStream, .required = true, .where = MR_MODEL_PAYLOAD },
};
static const struct mr_model_shape InvokeAsyncRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = InvokeAsyncRequest_members,
                                                          .member_count = 2 };
static const char *const ResponseStreamingInvocationType_values[] = { "RequestResponse",
                                                                      "DryRun", NULL };
static const struct mr_model_shape ResponseStreamingInvocationType = {
    .kind = MR_MODEL_STRING, .values = ResponseStreamingInvocationType_values
};
static const struct mr_model_member InvokeWithResponseStreamRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "InvocationType",
      .shape = &ResponseStreamingInvocationType,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Invocation-Type" },
    { .name = "LogType",
      .shape = &LogType,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Log-Type" },
    { .name = "ClientContext",
      .shape = &String,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Client-Context" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "Payload", .shape = &Blob, .where = MR_MODEL_PAYLOAD },
    { .name = "TenantId",
      .shape = &TenantId,
      .where = MR_MODEL_HEADER,
      .wire = "X-Amz-Tenant-Id" },
};
static const struct mr_model_shape InvokeWithResponseStreamRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = InvokeWithResponseStreamRequest_members,
    .member_count = 7
};
static const struct mr_model_shape MaxListItems = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_model_member ListAliasesRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "FunctionVersion",
      .shape = &VersionWithLatestPublished,
      .where = MR_MODEL_QUERY,
      .wire = "FunctionVersion" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems", .shape = &MaxListItems, .where = MR_MODEL_QUERY, .wire = "MaxItems" },
};
static const struct mr_model_shape ListAliasesRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = ListAliasesRequest_members,
                                                          .member_count = 4 };
static const struct mr_model_member ListEventSourceMappingsRequest_members[] = {
    { .name = "EventSourceArn",
      .shape = &Arn,
      .where = MR_MODEL_QUERY,
      .wire = "EventSourceArn" },
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .where = MR_MODEL_QUERY,
      .wire = "FunctionName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems", .shape = &MaxListItems, .where = MR_MODEL_QUERY, .wire = "MaxItems" },
};
static const struct mr_model_shape ListEventSourceMappingsRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = ListEventSourceMappingsRequest_members,
    .member_count = 4
};
static const struct mr_model_shape MaxFunctionEventInvokeConfigListItems = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50
};
static const struct mr_model_member ListFunctionEventInvokeConfigsRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems",
      .shape = &MaxFunctionEventInvokeConfigListItems,
      .where = MR_MODEL_QUERY,
      .wire = "MaxItems" },
};
static const struct mr_model_shape ListFunctionEventInvokeConfigsRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = ListFunctionEventInvokeConfigsRequest_members,
    .member_count = 3
};
static const struct mr_model_shape MaxItems = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50
};
static const struct mr_model_member ListFunctionUrlConfigsRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems", .shape = &MaxItems, .where = MR_MODEL_QUERY, .wire = "MaxItems" },
};
static const struct mr_model_shape ListFunctionUrlConfigsRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = ListFunctionUrlConfigsRequest_members,
    .member_count = 3
};
static const struct mr_model_shape MasterRegion = {
    .kind = MR_MODEL_STRING,
    .pattern = "ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1}",
    .posix = "^(ALL|[a-z]{2}(-gov)?-[a-z]+-[0-9]{1})$"
};
static const char *const FunctionVersion_values[] = { "ALL", NULL };
static const struct mr_model_shape FunctionVersion = { .kind = MR_MODEL_STRING,
                                                       .values = FunctionVersion_values };
static const struct mr_model_member ListFunctionsRequest_members[] = {
    { .name = "MasterRegion",
      .shape = &MasterRegion,
      .where = MR_MODEL_QUERY,
      .wire = "MasterRegion" },
    { .name = "FunctionVersion",
      .shape = &FunctionVersion,
      .where = MR_MODEL_QUERY,
      .wire = "FunctionVersion" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems", .shape = &MaxListItems, .where = MR_MODEL_QUERY, .wire = "MaxItems" },
};
static const struct mr_model_shape ListFunctionsRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = ListFunctionsRequest_members, .member_count = 4
};
static const struct mr_model_shape MaxLayerListItems = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50
};
static const struct mr_model_member ListLayerVersionsRequest_members[] = {
    { .name = "CompatibleRuntime",
      .shape = &Runtime,
      .where = MR_MODEL_QUERY,
      .wire = "CompatibleRuntime" },
    { .name = "LayerName",
      .shape = &LayerName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "LayerName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems",
      .shape = &MaxLayerListItems,
      .where = MR_MODEL_QUERY,
      .wire = "MaxItems" },
    { .name = "CompatibleArchitecture",
      .shape = &Architecture,
      .where = MR_MODEL_QUERY,
      .wire = "CompatibleArchitecture" },
};
static const struct mr_model_shape ListLayerVersionsRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = ListLayerVersionsRequest_members, .member_count = 5
};
static const struct mr_model_member ListLayersRequest_members[] = {
    { .name = "CompatibleRuntime",
      .shape = &Runtime,
      .where = MR_MODEL_QUERY,
      .wire = "CompatibleRuntime" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems",
      .shape = &MaxLayerListItems,
      .where = MR_MODEL_QUERY,
      .wire = "MaxItems" },
    { .name = "CompatibleArchitecture",
      .shape = &Architecture,
      .where = MR_MODEL_QUERY,
      .wire = "CompatibleArchitecture" },
};
static const struct mr_model_shape ListLayersRequest = { .kind = MR_MODEL_STRUCTURE,
                                                         .members = ListLayersRequest_members,
                                                         .member_count = 4 };
static const struct mr_model_shape MaxProvisionedConcurrencyConfigListItems = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50
};
static const struct mr_model_member ListProvisionedConcurrencyConfigsRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems",
      .shape = &MaxProvisionedConcurrencyConfigListItems,
      .where = MR_MODEL_QUERY,
      .wire = "MaxItems" },
};
static const struct mr_model_shape ListProvisionedConcurrencyConfigsRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = ListProvisionedConcurrencyConfigsRequest_members,
    .member_count = 3
};
static const struct mr_model_shape TaggableResource = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 1,
    .has_max = true,
    .max = 256,
    .pattern = "arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{"
               "12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:"
               "csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]"
               "{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)",
    .posix = "^(arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{1}:[0-"
             "9]{12}:(function:[a-zA-Z0-9_-]+(:(\\$LATEST|[a-zA-Z0-9_-]+))?|code-signing-"
             "config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-"
             "fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9_-]+))$"
};
static const struct mr_model_member ListTagsRequest_members[] = {
    { .name = "Resource",
      .shape = &TaggableResource,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Resource" },
};
static const struct mr_model_shape ListTagsRequest = { .kind = MR_MODEL_STRUCTURE,
                                                       .members = ListTagsRequest_members,
                                                       .member_count = 1 };
static const struct mr_model_member ListVersionsByFunctionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Marker", .shape = &String, .where = MR_MODEL_QUERY, .wire = "Marker" },
    { .name = "MaxItems", .shape = &MaxListItems, .where = MR_MODEL_QUERY, .wire = "MaxItems" },
};
static const struct mr_model_shape ListVersionsByFunctionRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = ListVersionsByFunctionRequest_members,
    .member_count = 3
};
static const struct mr_model_member LayerVersionContentInput_members[] = {
    { .name = "S3Bucket", .shape = &S3Bucket },
    { .name = "S3Key", .shape = &S3Key },
    { .name = "S3ObjectVersion", .shape = &S3ObjectVersion },
    { .name = "ZipFile", .shape = &Blob },
};
static const struct mr_model_shape LayerVersionContentInput = {
    .kind = MR_MODEL_STRUCTURE, .members = LayerVersionContentInput_members, .member_count = 4
};
static const struct mr_model_shape CompatibleRuntimes = { .kind = MR_MODEL_LIST,
                                                          .has_min = true,
                                                          .min = 0,
                                                          .has_max = true,
                                                          .max = 15,
                                                          .element = &Runtime };
static const struct mr_model_shape LicenseInfo = {
    .kind = MR_MODEL_STRING, .has_min = true, .min = 0, .has_max = true, .max = 512
};
static const struct mr_model_shape CompatibleArchitectures = { .kind = MR_MODEL_LIST,
                                                               .has_min = true,
                                                               .min = 0,
                                                               .has_max = true,
                                                               .max = 2,
                                                               .element = &Architecture };
static const struct mr_model_member PublishLayerVersionRequest_members[] = {
    { .name = "LayerName",
      .shape = &LayerName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "LayerName" },
    { .name = "Description", .shape = &Description },
    { .name = "Content", .shape = &LayerVersionContentInput, .required = true },
    { .name = "CompatibleRuntimes", .shape = &CompatibleRuntimes },
    { .name = "LicenseInfo", .shape = &LicenseInfo },
    { .name = "CompatibleArchitectures", .shape = &CompatibleArchitectures },
};
static const struct mr_model_shape PublishLayerVersionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = PublishLayerVersionRequest_members, .member_count = 6
};
static const struct mr_model_member PublishVersionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "CodeSha256", .shape = &String },
    { .name = "Description", .shape = &Description },
    { .name = "RevisionId", .shape = &String },
    { .name = "PublishTo", .shape = &FunctionVersionLatestPublished },
};
static const struct mr_model_shape PublishVersionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = PublishVersionRequest_members, .member_count = 5
};
static const struct mr_model_shape ReservedConcurrentExecutions = { .kind = MR_MODEL_INTEGER,
                                                                    .has_min = true,
                                                                    .min = 0 };
static const struct mr_model_member PutFunctionConcurrencyRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "ReservedConcurrentExecutions",
      .shape = &ReservedConcurrentExecutions,
      .required = true },
};
static const struct mr_model_shape PutFunctionConcurrencyRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = PutFunctionConcurrencyRequest_members,
    .member_count = 2
};
static const struct mr_model_shape MaximumRetryAttempts = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 2
};
static const struct mr_model_shape MaximumEventAgeInSeconds = {
    .kind = MR_MODEL_INTEGER, .has_min = true, .min = 60, .has_max = true, .max = 21600
};
static const struct mr_model_member PutFunctionEventInvokeConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "MaximumRetryAttempts", .shape = &MaximumRetryAttempts },
    { .name = "MaximumEventAgeInSeconds", .shape = &MaximumEventAgeInSeconds },
    { .name = "DestinationConfig", .shape = &DestinationConfig },
};
static const struct mr_model_shape PutFunctionEventInvokeConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = PutFunctionEventInvokeConfigRequest_members,
    .member_count = 5
};
static const char *const RecursiveLoop_values[] = { "Allow", "Terminate", NULL };
static const struct mr_model_shape RecursiveLoop = { .kind = MR_MODEL_STRING,
                                                     .values = RecursiveLoop_values };
static const struct mr_model_member PutFunctionRecursionConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &UnqualifiedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "RecursiveLoop", .shape = &RecursiveLoop, .required = true },
};
static const struct mr_model_shape PutFunctionRecursionConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = PutFunctionRecursionConfigRequest_members,
    .member_count = 2
};
static const char *const UpdateRuntimeOn_values[] = { "Auto", "Manual", "FunctionUpdate",
                                                      NULL };
static const struct mr_model_shape UpdateRuntimeOn = { .kind = MR_MODEL_STRING,
                                                       .values = UpdateRuntimeOn_values };
static const struct mr_model_shape RuntimeVersionArn = {
    .kind = MR_MODEL_STRING,
    .has_min = true,
    .min = 26,
    .has_max = true,
    .max = 2048,
    .pattern =
        "arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\\d{1}::runtime:.+",
    .posix = "^(arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-[0-9]{1}::"
             "runtime:.+)$"
};
static const struct mr_model_member PutRuntimeManagementConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "UpdateRuntimeOn", .shape = &UpdateRuntimeOn, .required = true },
    { .name = "RuntimeVersionArn", .shape = &RuntimeVersionArn },
};
static const struct mr_model_shape PutRuntimeManagementConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = PutRuntimeManagementConfigRequest_members,
    .member_count = 4
};
static const struct mr_model_shape NamespacedStatementId = { .kind = MR_MODEL_STRING,
                                                             .has_min = true,
                                                             .min = 1,
                                                             .has_max = true,
                                                             .max = 100,
                                                             .pattern = "([a-zA-Z0-9-_.]+)",
                                                             .posix = "^(([a-zA-Z0-9_.-]+))$" };
static const struct mr_model_member RemovePermissionRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "StatementId",
      .shape = &NamespacedStatementId,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "StatementId" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "RevisionId", .shape = &String, .where = MR_MODEL_QUERY, .wire = "RevisionId" },
};
static const struct mr_model_shape RemovePermissionRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = RemovePermissionRequest_members, .member_count = 4
};
static const struct mr_model_member TagResourceRequest_members[] = {
    { .name = "Resource",
      .shape = &TaggableResource,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Resource" },
    { .name = "Tags", .shape = &Tags, .required = true },
};
static const struct mr_model_shape TagResourceRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = TagResourceRequest_members,
                                                          .member_count = 2 };
static const struct mr_model_shape TagKeyList = { .kind = MR_MODEL_LIST, .element = &TagKey };
static const struct mr_model_member UntagResourceRequest_members[] = {
    { .name = "Resource",
      .shape = &TaggableResource,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Resource" },
    { .name = "TagKeys",
      .shape = &TagKeyList,
      .required = true,
      .where = MR_MODEL_QUERY,
      .wire = "tagKeys" },
};
static const struct mr_model_shape UntagResourceRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = UntagResourceRequest_members, .member_count = 2
};
static const struct mr_model_member UpdateAliasRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Name",
      .shape = &Alias,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "Name" },
    { .name = "FunctionVersion", .shape = &VersionWithLatestPublished },
    { .name = "Description", .shape = &Description },
    { .name = "RoutingConfig", .shape = &AliasRoutingConfiguration },
    { .name = "RevisionId", .shape = &String },
};
static const struct mr_model_shape UpdateAliasRequest = { .kind = MR_MODEL_STRUCTURE,
                                                          .members = UpdateAliasRequest_members,
                                                          .member_count = 6 };
static const struct mr_model_member UpdateEventSourceMappingRequest_members[] = {
    { .name = "UUID",
      .shape = &String,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "UUID" },
    { .name = "FunctionName", .shape = &NamespacedFunctionName },
    { .name = "Enabled", .shape = &Enabled },
    { .name = "BatchSize", .shape = &BatchSize },
    { .name = "FilterCriteria", .shape = &FilterCriteria },
    { .name = "MaximumBatchingWindowInSeconds", .shape = &MaximumBatchingWindowInSeconds },
    { .name = "DestinationConfig", .shape = &DestinationConfig },
    { .name = "MaximumRecordAgeInSeconds", .shape = &MaximumRecordAgeInSeconds },
    { .name = "BisectBatchOnFunctionError", .shape = &BisectBatchOnFunctionError },
    { .name = "MaximumRetryAttempts", .shape = &MaximumRetryAttemptsEventSourceMapping },
    { .name = "ParallelizationFactor", .shape = &ParallelizationFactor },
    { .name = "SourceAccessConfigurations", .shape = &SourceAccessConfigurations },
    { .name = "TumblingWindowInSeconds", .shape = &TumblingWindowInSeconds },
    { .name = "FunctionResponseTypes", .shape = &FunctionResponseTypeList },
    { .name = "ScalingConfig", .shape = &ScalingConfig },
    { .name = "AmazonManagedKafkaEventSourceConfig",
      .shape = &AmazonManagedKafkaEventSourceConfig },
    { .name = "SelfManagedKafkaEventSourceConfig",
      .shape = &SelfManagedKafkaEventSourceConfig },
    { .name = "DocumentDBEventSourceConfig", .shape = &DocumentDBEventSourceConfig },
    { .name = "KMSKeyArn", .shape = &KMSKeyArn },
    { .name = "MetricsConfig", .shape = &EventSourceMappingMetricsConfig },
    { .name = "LoggingConfig", .shape = &EventSourceMappingLoggingConfig },
    { .name = "ProvisionedPollerConfig", .shape = &ProvisionedPollerConfig },
};
static const struct mr_model_shape UpdateEventSourceMappingRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = UpdateEventSourceMappingRequest_members,
    .member_count = 22
};
static const struct mr_model_member UpdateFunctionCodeRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "ZipFile", .shape = &Blob },
    { .name = "S3Bucket", .shape = &S3Bucket },
    { .name = "S3Key", .shape = &S3Key },
    { .name = "S3ObjectVersion", .shape = &S3ObjectVersion },
    { .name = "ImageUri", .shape = &String },
    { .name = "Publish", .shape = &Boolean },
    { .name = "DryRun", .shape = &Boolean },
    { .name = "RevisionId", .shape = &String },
    { .name = "Architectures", .shape = &ArchitecturesList },
    { .name = "SourceKMSKeyArn", .shape = &KMSKeyArn },
    { .name = "PublishTo", .shape = &FunctionVersionLatestPublished },
};
static const struct mr_model_shape UpdateFunctionCodeRequest = {
    .kind = MR_MODEL_STRUCTURE, .members = UpdateFunctionCodeRequest_members, .member_count = 12
};
static const struct mr_model_member UpdateFunctionConfigurationRequest_members[] = {
    { .name = "FunctionName",
      .shape = &FunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Role", .shape = &RoleArn },
    { .name = "Handler", .shape = &Handler },
    { .name = "Description", .shape = &Description },
    { .name = "Timeout", .shape = &Timeout },
    { .name = "MemorySize", .shape = &MemorySize },
    { .name = "VpcConfig", .shape = &VpcConfig },
    { .name = "Environment", .shape = &Environment },
    { .name = "Runtime", .shape = &Runtime },
    { .name = "DeadLetterConfig", .shape = &DeadLetterConfig },
    { .name = "KMSKeyArn", .shape = &KMSKeyArn },
    { .name = "TracingConfig", .shape = &TracingConfig },
    { .name = "RevisionId", .shape = &String },
    { .name = "Layers", .shape = &LayerList },
    { .name = "FileSystemConfigs", .shape = &FileSystemConfigList },
    { .name = "ImageConfig", .shape = &ImageConfig },
    { .name = "EphemeralStorage", .shape = &EphemeralStorage },
    { .name = "SnapStart", .shape = &SnapStart },
    { .name = "LoggingConfig", .shape = &LoggingConfig },
    { .name = "CapacityProviderConfig", .shape = &CapacityProviderConfig },
    { .name = "DurableConfig", .shape = &DurableConfig },
};
static const struct mr_model_shape UpdateFunctionConfigurationRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = UpdateFunctionConfigurationRequest_members,
    .member_count = 21
};
static const struct mr_model_member UpdateFunctionEventInvokeConfigRequest_members[] = {
    { .name = "FunctionName",
      .shape = &NamespacedFunctionName,
      .required = true,
      .where = MR_MODEL_URI,
      .wire = "FunctionName" },
    { .name = "Qualifier",
      .shape = &NumericLatestPublishedOrAliasQualifier,
      .where = MR_MODEL_QUERY,
      .wire = "Qualifier" },
    { .name = "MaximumRetryAttempts", .shape = &MaximumRetryAttempts },
    { .name = "MaximumEventAgeInSeconds", .shape = &MaximumEventAgeInSeconds },
    { .name = "DestinationConfig", .shape = &DestinationConfig },
};
static const struct mr_model_shape UpdateFunctionEventInvokeConfigRequest = {
    .kind = MR_MODEL_STRUCTURE,
    .members = UpdateFunctionEventInvokeConfigRequest_members,
    .member_count = 5
};

static const struct {
    const char *operation;
    const struct mr_model_shape *input;
} inputs[] = {
    { "AddPermission", &AddPermissionRequest },
    { "CreateAlias", &CreateAliasRequest },
    { "CreateEventSourceMapping", &CreateEventSourceMappingRequest },
    { "CreateFunction", &CreateFunctionRequest },
    { "DeleteAlias", &DeleteAliasRequest },
    { "DeleteEventSourceMapping", &DeleteEventSourceMappingRequest },
    { "DeleteFunction", &DeleteFunctionRequest },
    { "DeleteFunctionConcurrency", &DeleteFunctionConcurrencyRequest },
    { "DeleteFunctionEventInvokeConfig", &DeleteFunctionEventInvokeConfigRequest },
    { "DeleteLayerVersion", &DeleteLayerVersionRequest },
    { "GetAccountSettings", &GetAccountSettingsRequest },
    { "GetAlias", &GetAliasRequest },
    { "GetEventSourceMapping", &GetEventSourceMappingRequest },
    { "GetFunction", &GetFunctionRequest },
    { "GetFunctionCodeSigningConfig", &GetFunctionCodeSigningConfigRequest },
    { "GetFunctionConcurrency", &GetFunctionConcurrencyRequest },
    { "GetFunctionConfiguration", &GetFunctionConfigurationRequest },
    { "GetFunctionEventInvokeConfig", &GetFunctionEventInvokeConfigRequest },
    { "GetFunctionRecursionConfig", &GetFunctionRecursionConfigRequest },
    { "GetFunctionUrlConfig", &GetFunctionUrlConfigRequest },
    { "GetLayerVersion", &GetLayerVersionRequest },
    { "GetPolicy", &GetPolicyRequest },
    { "GetRuntimeManagementConfig", &GetRuntimeManagementConfigRequest },
    { "Invoke", &InvocationRequest },
    { "InvokeAsync", &InvokeAsyncRequest },
    { "InvokeWithResponseStream", &InvokeWithResponseStreamRequest },
    { "ListAliases", &ListAliasesRequest },
    { "ListEventSourceMappings", &ListEventSourceMappingsRequest },
    { "ListFunctionEventInvokeConfigs", &ListFunctionEventInvokeConfigsRequest },
    { "ListFunctionUrlConfigs", &ListFunctionUrlConfigsRequest },
    { "ListFunctions", &ListFunctionsRequest },
    { "ListLayerVersions", &ListLayerVersionsRequest },
    { "ListLayers", &ListLayersRequest },
    { "ListProvisionedConcurrencyConfigs", &ListProvisionedConcurrencyConfigsRequest },
    { "ListTags", &ListTagsRequest },
    { "ListVersionsByFunction", &ListVersionsByFunctionRequest },
    { "PublishLayerVersion", &PublishLayerVersionRequest },
    { "PublishVersion", &PublishVersionRequest },
    { "PutFunctionConcurrency", &PutFunctionConcurrencyRequest },
    { "PutFunctionEventInvokeConfig", &PutFunctionEventInvokeConfigRequest },
    { "PutFunctionRecursionConfig", &PutFunctionRecursionConfigRequest },
    { "PutRuntimeManagementConfig", &PutRuntimeManagementConfigRequest },
    { "RemovePermission", &RemovePermissionRequest },
    { "TagResource", &TagResourceRequest },
    { "UntagResource", &UntagResourceRequest },
    { "UpdateAlias", &UpdateAliasRequest },
    { "UpdateEventSourceMapping", &UpdateEventSourceMappingRequest },
    { "UpdateFunctionCode", &UpdateFunctionCodeRequest },
    { "UpdateFunctionConfiguration", &UpdateFunctionConfigurationRequest },
    { "UpdateFunctionEventInvokeConfig", &UpdateFunctionEventInvokeConfigRequest },
};

const struct mr_model_shape *
mr_model_input(const char *operation)
{
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (strcmp(inputs[i].operation, operation) == 0) {
            return inputs[i].input;
        }
    }
    return NULL;
}

const char *
mr_model_operation(size_t index)
{
    return index < sizeof(inputs) / sizeof(inputs[0]) ? inputs[index].operation : NULL;
}

const struct mr_model_error mr_model_errors[] = {
    { "CallbackTimeoutException", 400, "Message" },
    { "CapacityProviderLimitExceededException", 400, "message" },
    { "CodeSigningConfigNotFoundException", 404, "Message" },
    { "CodeStorageExceededException", 400, "message" },
    { "CodeVerificationFailedException", 400, "Message" },
    { "DurableExecutionAlreadyStartedException", 409, "Message" },
    { "EC2AccessDeniedException", 502, "Message" },
    { "EC2ThrottledException", 502, "Message" },
    { "EC2UnexpectedException", 502, "Message" },
    { "EFSIOException", 410, "Message" },
    { "EFSMountConnectivityException", 408, "Message" },
    { "EFSMountFailureException", 403, "Message" },
    { "EFSMountTimeoutException", 408, "Message" },
    { "ENILimitReachedException", 502, "Message" },
    { "FunctionVersionsPerCapacityProviderLimitExceededException", 400, "message" },
    { "InvalidCodeSignatureException", 400, "Message" },
    { "InvalidParameterValueException", 400, "message" },
    { "InvalidRequestContentException", 400, "message" },
    { "InvalidRuntimeException", 502, "Message" },
    { "InvalidSecurityGroupIDException", 502, "Message" },
    { "InvalidSubnetIDException", 502, "Message" },
    { "InvalidZipFileException", 502, "Message" },
    { "KMSAccessDeniedException", 502, "Message" },
    { "KMSDisabledException", 502, "Message" },
    { "KMSInvalidStateException", 502, "Message" },
    { "KMSNotFoundException", 502, "Message" },
    { "NoPublishedVersionException", 400, "Message" },
    { "PolicyLengthExceededException", 400, "message" },
    { "PreconditionFailedException", 412, "message" },
    { "ProvisionedConcurrencyConfigNotFoundException", 404, "message" },
    { "RecursiveInvocationException", 400, "Message" },
    { "RequestTooLargeException", 413, "message" },
    { "ResourceConflictException", 409, "message" },
    { "ResourceInUseException", 400, "Message" },
    { "ResourceNotFoundException", 404, "Message" },
    { "ResourceNotReadyException", 502, "message" },
    { "S3FilesMountConnectivityException", 408, "Message" },
    { "S3FilesMountFailureException", 403, "Message" },
    { "S3FilesMountTimeoutException", 408, "Message" },
    { "SerializedRequestEntityTooLargeException", 413, "message" },
    { "ServiceException", 500, "Message" },
    { "SnapStartException", 400, "Message" },
    { "SnapStartNotReadyException", 409, "Message" },
    { "SnapStartTimeoutException", 408, "Message" },
    { "SubnetIPAddressLimitReachedException", 502, "Message" },
    { "TooManyRequestsException", 429, "message" },
    { "UnsupportedMediaTypeException", 415, "message" },
    { NULL, 0, NULL },
};
