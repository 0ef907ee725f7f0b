#include "sam-templates/rules.h"

/* --- resources --- */

static const struct mr_property_rule function[] = {
    { "FunctionName", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Handler", MR_TYPE_ANY },
    { "Runtime", MR_TYPE_ANY },
    { "CodeUri", MR_TYPE_ANY },
    { "ImageUri", MR_TYPE_ANY },
    { "PackageType", MR_TYPE_ANY },
    { "InlineCode", MR_TYPE_ANY },
    { "DeadLetterQueue", MR_TYPE_MAP },
    { "Description", MR_TYPE_ANY },
    { "MemorySize", MR_TYPE_ANY },
    { "Timeout", MR_TYPE_ANY },
    { "VpcConfig", MR_TYPE_ANY },
    { "Role", MR_TYPE_STRING },
    { "AssumeRolePolicyDocument", MR_TYPE_MAP },
    { "Policies", MR_TYPE_STRING | MR_TYPE_LIST_OF_STRINGS_OR_MAPS | MR_TYPE_MAP },
    { "RolePath", MR_TYPE_ANY },
    { "PermissionsBoundary", MR_TYPE_STRING },
    { "Environment", MR_TYPE_MAP_OF_MAPS },
    { "Events", MR_TYPE_MAP_OF_MAPS },
    { "Tags", MR_TYPE_MAP },
    { "PropagateTags", MR_TYPE_BOOL },
    { "Tracing", MR_TYPE_STRING | MR_TYPE_MAP },
    { "KmsKeyArn", MR_TYPE_ANY },
    { "DeploymentPreference", MR_TYPE_MAP },
    { "ReservedConcurrentExecutions", MR_TYPE_ANY },
    { "Layers", MR_TYPE_LIST_OF_STRINGS_OR_MAPS },
    { "EventInvokeConfig", MR_TYPE_MAP },
    { "EphemeralStorage", MR_TYPE_ANY },
    { "AutoPublishAlias", MR_TYPE_STRING },
    { "AutoPublishCodeSha256", MR_TYPE_STRING },
    { "AutoPublishAliasAllProperties", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { "VersionDescription", MR_TYPE_ANY },
    { "ProvisionedConcurrencyConfig", MR_TYPE_ANY },
    { "FileSystemConfigs", MR_TYPE_ANY },
    { "ImageConfig", MR_TYPE_ANY },
    { "CodeSigningConfigArn", MR_TYPE_ANY },
    { "Architectures", MR_TYPE_ANY },
    { "SnapStart", MR_TYPE_MAP },
    { "FunctionUrlConfig", MR_TYPE_MAP },
    { "RuntimeManagementConfig", MR_TYPE_ANY },
    { "LoggingConfig", MR_TYPE_ANY },
    { "RecursiveLoop", MR_TYPE_ANY },
    { "SourceKMSKeyArn", MR_TYPE_ANY },
    { "CapacityProviderConfig", MR_TYPE_MAP },
    { "FunctionScalingConfig", MR_TYPE_MAP },
    { "VersionDeletionPolicy", MR_TYPE_STRING },
    { "PublishToLatestPublished", MR_TYPE_ANY },
    { "TenancyConfig", MR_TYPE_ANY },
    { "DurableConfig", MR_TYPE_MAP },
    { NULL, 0 },
};

static const struct mr_property_rule simple_table[] = {
    { "PointInTimeRecoverySpecification", MR_TYPE_ANY },
    { "PrimaryKey", MR_TYPE_MAP_OF_STRINGS },
    { "ProvisionedThroughput", MR_TYPE_MAP_OF_INTS_OR_MAPS },
    { "TableName", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Tags", MR_TYPE_MAP },
    { "SSESpecification", MR_TYPE_MAP },
    { NULL, 0 },
};

static const struct mr_property_rule layer[] = {
    { "LayerName", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Description", MR_TYPE_STRING },
    { "PublishLambdaVersion", MR_TYPE_BOOL },
    { "ContentUri", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_REQUIRED },
    { "CompatibleArchitectures", MR_TYPE_LIST_OF_STRINGS_OR_MAPS },
    { "CompatibleRuntimes", MR_TYPE_LIST_OF_STRINGS_OR_MAPS },
    { "LicenseInfo", MR_TYPE_STRING },
    { "RetentionPolicy", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule application[] = {
    { "Location", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_REQUIRED },
    { "TemplateUrl", MR_TYPE_STRING },
    { "Parameters", MR_TYPE_MAP },
    { "NotificationARNs", MR_TYPE_LIST_OF_STRINGS_OR_MAPS },
    { "Tags", MR_TYPE_MAP },
    { "TimeoutInMinutes", MR_TYPE_INT },
    { NULL, 0 },
};

static const struct mr_property_rule api[] = {
    { "__MANAGE_SWAGGER", MR_TYPE_BOOL },
    { "Name", MR_TYPE_STRING | MR_TYPE_MAP },
    { "StageName", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_REQUIRED },
    { "Tags", MR_TYPE_MAP },
    { "PropagateTags", MR_TYPE_BOOL },
    { "DefinitionBody", MR_TYPE_MAP },
    { "DefinitionUri", MR_TYPE_STRING | MR_TYPE_MAP },
    { "MergeDefinitions", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { "CacheClusterEnabled", MR_TYPE_BOOL },
    { "CacheClusterSize", MR_TYPE_STRING },
    { "Variables", MR_TYPE_MAP },
    { "EndpointConfiguration", MR_TYPE_STRING | MR_TYPE_MAP },
    { "MethodSettings", MR_TYPE_LIST },
    { "BinaryMediaTypes", MR_TYPE_LIST },
    { "MinimumCompressionSize", MR_TYPE_INT },
    { "Cors", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Auth", MR_TYPE_MAP },
    { "GatewayResponses", MR_TYPE_MAP },
    { "AccessLogSetting", MR_TYPE_MAP },
    { "CanarySetting", MR_TYPE_MAP },
    { "TracingEnabled", MR_TYPE_BOOL },
    { "OpenApiVersion", MR_TYPE_STRING },
    { "Models", MR_TYPE_MAP },
    { "Domain", MR_TYPE_MAP },
    { "FailOnWarnings", MR_TYPE_BOOL },
    { "Description", MR_TYPE_STRING },
    { "Mode", MR_TYPE_STRING },
    { "DisableExecuteApiEndpoint", MR_TYPE_BOOL },
    { "ApiKeySourceType", MR_TYPE_STRING },
    { "AlwaysDeploy", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { "Policy", MR_TYPE_STRING | MR_TYPE_MAP },
    { "SecurityPolicy", MR_TYPE_STRING },
    { "EndpointAccessMode", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule http_api[] = {
    { "__MANAGE_SWAGGER", MR_TYPE_BOOL },
    { "Name", MR_TYPE_ANY },
    { "StageName", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Tags", MR_TYPE_MAP },
    { "PropagateTags", MR_TYPE_BOOL },
    { "DefinitionBody", MR_TYPE_MAP },
    { "DefinitionUri", MR_TYPE_STRING | MR_TYPE_MAP },
    { "StageVariables", MR_TYPE_MAP },
    { "CorsConfiguration", MR_TYPE_BOOL | MR_TYPE_MAP },
    { "AccessLogSettings", MR_TYPE_MAP },
    { "DefaultRouteSettings", MR_TYPE_MAP },
    { "Auth", MR_TYPE_MAP },
    { "RouteSettings", MR_TYPE_MAP },
    { "Domain", MR_TYPE_MAP },
    { "FailOnWarnings", MR_TYPE_BOOL },
    { "Description", MR_TYPE_STRING },
    { "DisableExecuteApiEndpoint", MR_TYPE_BOOL },
    { NULL, 0 },
};

static const struct mr_property_rule state_machine[] = {
    { "Definition", MR_TYPE_MAP },
    { "DefinitionUri", MR_TYPE_STRING | MR_TYPE_MAP },
    { "Logging", MR_TYPE_MAP },
    { "Role", MR_TYPE_STRING },
    { "RolePath", MR_TYPE_ANY },
    { "DefinitionSubstitutions", MR_TYPE_MAP },
    { "Events", MR_TYPE_MAP_OF_MAPS },
    { "Name", MR_TYPE_STRING },
    { "Type", MR_TYPE_STRING },
    { "Tags", MR_TYPE_MAP },
    { "PropagateTags", MR_TYPE_BOOL },
    { "Policies", MR_TYPE_STRING | MR_TYPE_LIST_OF_STRINGS_OR_MAPS },
    { "Tracing", MR_TYPE_MAP },
    { "PermissionsBoundary", MR_TYPE_STRING },
    { "AutoPublishAlias", MR_TYPE_ANY },
    { "DeploymentPreference", MR_TYPE_ANY },
    { "UseAliasAsEventTarget", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { NULL, 0 },
};

static const struct mr_property_rule connector[] = {
    { "Source", MR_TYPE_MAP | MR_TYPE_REQUIRED },
    { "Destination", MR_TYPE_MAP | MR_TYPE_LIST | MR_TYPE_REQUIRED },
    { "Permissions", MR_TYPE_LIST_OF_STRINGS | MR_TYPE_REQUIRED },
    { NULL, 0 },
};

static const struct mr_property_rule capacity_provider[] = {
    { "CapacityProviderName", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "VpcConfig", MR_TYPE_MAP | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { "OperatorRole", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "Tags", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "PropagateTags", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { "InstanceRequirements", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "ScalingConfig", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "KmsKeyArn", MR_TYPE_STRING | MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { NULL, 0 },
};

static const struct mr_property_rule graphql_api[] = {
    { "Name", MR_TYPE_ANY },
    { "Tags", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "XrayEnabled", MR_TYPE_ANY },
    { "Auth", MR_TYPE_MAP | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { "SchemaInline", MR_TYPE_STRING | MR_TYPE_NO_INTRINSIC },
    { "SchemaUri", MR_TYPE_STRING | MR_TYPE_NO_INTRINSIC },
    { "Logging", MR_TYPE_BOOL | MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "DataSources", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "Functions", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "Resolvers", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "ApiKeys", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "DomainName", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "Cache", MR_TYPE_MAP | MR_TYPE_NO_INTRINSIC },
    { "Visibility", MR_TYPE_ANY },
    { "OwnerContact", MR_TYPE_ANY },
    { "IntrospectionConfig", MR_TYPE_ANY },
    { "QueryDepthLimit", MR_TYPE_ANY },
    { "ResolverCountLimit", MR_TYPE_ANY },
    { NULL, 0 },
};

static const struct mr_property_rule websocket_api[] = {
    { "ApiKeySelectionExpression", MR_TYPE_STRING },
    { "AccessLogSettings", MR_TYPE_MAP },
    { "Auth", MR_TYPE_MAP },
    { "DefaultRouteSettings", MR_TYPE_MAP },
    { "Description", MR_TYPE_STRING },
    { "DisableExecuteApiEndpoint", MR_TYPE_BOOL },
    { "Domain", MR_TYPE_MAP },
    { "DisableSchemaValidation", MR_TYPE_BOOL },
    { "FailOnWarnings", MR_TYPE_BOOL },
    { "IpAddressType", MR_TYPE_STRING },
    { "Name", MR_TYPE_STRING },
    { "PropagateTags", MR_TYPE_BOOL },
    { "Routes", MR_TYPE_MAP | MR_TYPE_REQUIRED },
    { "RouteSettings", MR_TYPE_MAP },
    { "RouteSelectionExpression", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "StageName", MR_TYPE_STRING | MR_TYPE_MAP },
    { "StageVariables", MR_TYPE_MAP },
    { "Tags", MR_TYPE_MAP },
    { NULL, 0 },
};

const struct mr_property_rule *
mr_resource_rules(struct mr_slice type)
{
    static const struct {
        const char *type;
        const struct mr_property_rule *rules;
    } rows[] = {
        { "AWS::Serverless::Function", function },
        { "AWS::Serverless::SimpleTable", simple_table },
        { "AWS::Serverless::LayerVersion", layer },
        { "AWS::Serverless::Application", application },
        { "AWS::Serverless::Api", api },
        { "AWS::Serverless::HttpApi", http_api },
        { "AWS::Serverless::StateMachine", state_machine },
        { "AWS::Serverless::Connector", connector },
        { "AWS::Serverless::CapacityProvider", capacity_provider },
        { "AWS::Serverless::GraphQLApi", graphql_api },
        { "AWS::Serverless::WebSocketApi", websocket_api },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (mr_slice_is(type, rows[i].type)) {
            return rows[i].rules;
        }
    }
    return NULL;
}

/* --- Globals --- */

static const char *const globals_api[] = {
    "Auth",
    "Name",
    "DefinitionUri",
    "CacheClusterEnabled",
    "CacheClusterSize",
    "MergeDefinitions",
    "Variables",
    "EndpointConfiguration",
    "MethodSettings",
    "BinaryMediaTypes",
    "MinimumCompressionSize",
    "Cors",
    "GatewayResponses",
    "AccessLogSetting",
    "CanarySetting",
    "TracingEnabled",
    "OpenApiVersion",
    "Domain",
    "AlwaysDeploy",
    "PropagateTags",
    "SecurityPolicy",
    "EndpointAccessMode",
    NULL,
};

static const char *const globals_capacity_provider[] = {
    "VpcConfig",     "OperatorRole", "Tags",          "InstanceRequirements",
    "ScalingConfig", "KmsKeyArn",    "PropagateTags", NULL,
};

static const char *const globals_function[] = {
    "Handler",
    "Runtime",
    "CodeUri",
    "DeadLetterQueue",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Environment",
    "Tags",
    "PropagateTags",
    "Tracing",
    "KmsKeyArn",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "Layers",
    "DeploymentPreference",
    "RolePath",
    "PermissionsBoundary",
    "ReservedConcurrentExecutions",
    "ProvisionedConcurrencyConfig",
    "AssumeRolePolicyDocument",
    "EventInvokeConfig",
    "FileSystemConfigs",
    "CodeSigningConfigArn",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "FunctionUrlConfig",
    "RuntimeManagementConfig",
    "LoggingConfig",
    "RecursiveLoop",
    "SourceKMSKeyArn",
    "TenancyConfig",
    "DurableConfig",
    "CapacityProviderConfig",
    "FunctionScalingConfig",
    "PublishToLatestPublished",
    "VersionDeletionPolicy",
    NULL,
};

static const char *const globals_http_api[] = {
    "Auth",
    "AccessLogSettings",
    "StageVariables",
    "Tags",
    "CorsConfiguration",
    "DefaultRouteSettings",
    "Domain",
    "RouteSettings",
    "FailOnWarnings",
    "PropagateTags",
    NULL,
};

static const char *const globals_layer_version[] = {
    "PublishLambdaVersion",
    NULL,
};

static const char *const globals_simple_table[] = {
    "SSESpecification",
    NULL,
};

static const char *const globals_state_machine[] = {
    "PropagateTags",
    NULL,
};

static const char *const globals_web_socket_api[] = {
    "AccessLogSettings",
    "ApiKeySelectionExpression",
    "DefaultRouteSettings",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "Domain",
    "FailOnWarnings",
    "IpAddressType",
    "PropagateTags",
    "RouteSelectionExpression",
    "RouteSettings",
    "StageVariables",
    "Tags",
    NULL,
};

static const struct mr_globals_rule globals[] = {
    { "Api", globals_api },
    { "CapacityProvider", globals_capacity_provider },
    { "Function", globals_function },
    { "HttpApi", globals_http_api },
    { "LayerVersion", globals_layer_version },
    { "SimpleTable", globals_simple_table },
    { "StateMachine", globals_state_machine },
    { "WebSocketApi", globals_web_socket_api },
};

const struct mr_globals_rule *
mr_globals_rule_find(struct mr_slice section)
{
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        if (mr_slice_is(section, globals[i].section)) {
            return &globals[i];
        }
    }
    return NULL;
}

const char *const *
mr_globals_sections(void)
{
    static const char *const names[] = {
        "Api",         "CapacityProvider", "Function",     "HttpApi", "LayerVersion",
        "SimpleTable", "StateMachine",     "WebSocketApi", NULL,
    };
    return names;
}

/* --- events --- */

static const struct mr_property_rule pull[] = {
    { "BatchSize", MR_TYPE_INT },
    { "StartingPosition", MR_TYPE_ANY },
    { "StartingPositionTimestamp", MR_TYPE_ANY },
    { "Enabled", MR_TYPE_BOOL },
    { "MaximumBatchingWindowInSeconds", MR_TYPE_INT },
    { "MaximumRetryAttempts", MR_TYPE_INT },
    { "BisectBatchOnFunctionError", MR_TYPE_BOOL },
    { "MaximumRecordAgeInSeconds", MR_TYPE_INT },
    { "DestinationConfig", MR_TYPE_MAP },
    { "ParallelizationFactor", MR_TYPE_INT },
    { "Topics", MR_TYPE_LIST },
    { "Queues", MR_TYPE_LIST },
    { "SourceAccessConfigurations", MR_TYPE_LIST },
    { "SecretsManagerKmsKeyId", MR_TYPE_STRING },
    { "TumblingWindowInSeconds", MR_TYPE_INT },
    { "FunctionResponseTypes", MR_TYPE_LIST },
    { "KafkaBootstrapServers", MR_TYPE_LIST },
    { "FilterCriteria", MR_TYPE_MAP },
    { "KmsKeyArn", MR_TYPE_ANY },
    { "ConsumerGroupId", MR_TYPE_STRING },
    { "ScalingConfig", MR_TYPE_MAP },
    { "ProvisionedPollerConfig", MR_TYPE_MAP },
    { "SchemaRegistryConfig", MR_TYPE_MAP },
    { "MetricsConfig", MR_TYPE_MAP },
    { "LoggingConfig", MR_TYPE_MAP },
    { NULL, 0 },
};

static const struct mr_property_rule event_kinesis[] = {
    { "StartingPosition", MR_TYPE_REQUIRED },
    { "Stream", MR_TYPE_REQUIRED },
    { NULL, 0 },
};

static const struct mr_property_rule event_dynamo_db[] = {
    { "StartingPosition", MR_TYPE_REQUIRED },
    { "Stream", MR_TYPE_REQUIRED },
    { NULL, 0 },
};

static const struct mr_property_rule event_sqs[] = {
    { "Queue", MR_TYPE_REQUIRED },
    { NULL, 0 },
};

static const struct mr_property_rule event_msk[] = {
    { "StartingPosition", MR_TYPE_REQUIRED },
    { "Stream", MR_TYPE_REQUIRED },
    { NULL, 0 },
};

static const struct mr_property_rule event_self_managed_kafka[] = {
    { NULL, 0 },
};

static const struct mr_property_rule event_mq[] = {
    { "Broker", MR_TYPE_REQUIRED },
    { "DynamicPolicyName", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { NULL, 0 },
};

static const struct mr_property_rule event_document_db[] = {
    { "Cluster", MR_TYPE_REQUIRED },
    { "DatabaseName", MR_TYPE_REQUIRED },
    { "CollectionName", MR_TYPE_ANY },
    { "FullDocument", MR_TYPE_ANY },
    { NULL, 0 },
};

static const struct mr_property_rule event_sns[] = {
    { "Topic", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "Region", MR_TYPE_STRING },
    { "FilterPolicy", MR_TYPE_ANY },
    { "FilterPolicyScope", MR_TYPE_ANY },
    { "SqsSubscription", MR_TYPE_BOOL | MR_TYPE_MAP },
    { "RedrivePolicy", MR_TYPE_MAP },
    { NULL, 0 },
};

static const struct mr_property_rule event_schedule[] = {
    { "Schedule", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "RuleName", MR_TYPE_STRING },
    { "Input", MR_TYPE_STRING },
    { "Enabled", MR_TYPE_BOOL },
    { "State", MR_TYPE_STRING },
    { "Name", MR_TYPE_STRING },
    { "Description", MR_TYPE_STRING },
    { "DeadLetterConfig", MR_TYPE_MAP },
    { "RetryPolicy", MR_TYPE_MAP },
    { NULL, 0 },
};

static const struct mr_property_rule event_schedule_v2[] = {
    { "PermissionsBoundary", MR_TYPE_STRING },
    { "ScheduleExpression", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "FlexibleTimeWindow", MR_TYPE_MAP },
    { "Name", MR_TYPE_STRING },
    { "State", MR_TYPE_STRING },
    { "Description", MR_TYPE_STRING },
    { "StartDate", MR_TYPE_STRING },
    { "EndDate", MR_TYPE_STRING },
    { "ScheduleExpressionTimezone", MR_TYPE_STRING },
    { "GroupName", MR_TYPE_STRING },
    { "KmsKeyArn", MR_TYPE_STRING },
    { "Input", MR_TYPE_STRING },
    { "RoleArn", MR_TYPE_STRING },
    { "DeadLetterConfig", MR_TYPE_MAP },
    { "RetryPolicy", MR_TYPE_MAP },
    { "OmitName", MR_TYPE_BOOL | MR_TYPE_NO_INTRINSIC },
    { NULL, 0 },
};

static const struct mr_property_rule event_rule[] = {
    { "EventBusName", MR_TYPE_STRING },  { "RuleName", MR_TYPE_STRING },
    { "Pattern", MR_TYPE_MAP },          { "DeadLetterConfig", MR_TYPE_MAP },
    { "RetryPolicy", MR_TYPE_MAP },      { "Input", MR_TYPE_STRING },
    { "InputPath", MR_TYPE_STRING },     { "Target", MR_TYPE_MAP },
    { "Enabled", MR_TYPE_BOOL },         { "State", MR_TYPE_STRING },
    { "InputTransformer", MR_TYPE_MAP }, { NULL, 0 },
};

static const struct mr_property_rule event_s3[] = {
    { "Bucket", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "Events",
      MR_TYPE_STRING | MR_TYPE_LIST_OF_STRINGS | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { "Filter", MR_TYPE_MAP_OF_STRINGS },
    { NULL, 0 },
};

static const struct mr_property_rule event_api[] = {
    { "Path", MR_TYPE_STRING | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { "Method", MR_TYPE_STRING | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { "RestApiId", MR_TYPE_STRING },
    { "Stage", MR_TYPE_STRING },
    { "Auth", MR_TYPE_MAP },
    { "RequestModel", MR_TYPE_MAP },
    { "RequestParameters", MR_TYPE_LIST },
    { "TimeoutInMillis", MR_TYPE_INT },
    { "ResponseTransferMode", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule event_http_api[] = {
    { "Path", MR_TYPE_STRING },
    { "Method", MR_TYPE_STRING },
    { "ApiId", MR_TYPE_STRING },
    { "Stage", MR_TYPE_STRING },
    { "Auth", MR_TYPE_MAP },
    { "TimeoutInMillis", MR_TYPE_INT },
    { "RouteSettings", MR_TYPE_MAP },
    { "PayloadFormatVersion", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule event_alexa[] = {
    { "SkillId", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule event_iot[] = {
    { "Sql", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "AwsIotSqlVersion", MR_TYPE_STRING },
    { NULL, 0 },
};

static const struct mr_property_rule event_cognito[] = {
    { "UserPool", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "Trigger",
      MR_TYPE_STRING | MR_TYPE_LIST_OF_STRINGS | MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC },
    { NULL, 0 },
};

static const struct mr_property_rule event_logs[] = {
    { "LogGroupName", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { "FilterPattern", MR_TYPE_STRING | MR_TYPE_REQUIRED },
    { NULL, 0 },
};

/* A pull event has its own properties and those of all pull events; its own go first. */
static const struct mr_event_rule events[] = {
    { "Kinesis", MR_EVENT_PULL, MR_TEMPLATE_KINESIS, event_kinesis, pull },
    { "DynamoDB", MR_EVENT_PULL, MR_TEMPLATE_DYNAMODB, event_dynamo_db, pull },
    { "SQS", MR_EVENT_PULL, MR_TEMPLATE_SQS, event_sqs, pull },
    { "MSK", MR_EVENT_PULL, MR_TEMPLATE_MSK, event_msk, pull },
    { "SelfManagedKafka", MR_EVENT_PULL, MR_TEMPLATE_SELF_MANAGED_KAFKA,
      event_self_managed_kafka, pull },
    { "MQ", MR_EVENT_PULL, MR_TEMPLATE_MQ, event_mq, pull },
    { "DocumentDB", MR_EVENT_PULL, MR_TEMPLATE_DOCUMENTDB, event_document_db, pull },
    { "SNS", MR_EVENT_SNS, MR_TEMPLATE_SQS, event_sns, NULL },
    { "Schedule", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_schedule, NULL },
    { "ScheduleV2", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_schedule_v2, NULL },
    { "CloudWatchEvent", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_rule, NULL },
    { "EventBridgeRule", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_rule, NULL },
    { "S3", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_s3, NULL },
    { "Api", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_api, NULL },
    { "HttpApi", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_http_api, NULL },
    { "AlexaSkill", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_alexa, NULL },
    { "IoTRule", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_iot, NULL },
    { "Cognito", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_cognito, NULL },
    { "CloudWatchLogs", MR_EVENT_PUSH, MR_TEMPLATE_UNKNOWN_SOURCE, event_logs, NULL },
};

const struct mr_event_rule *
mr_event_rule_at(size_t index)
{
    return index < sizeof(events) / sizeof(events[0]) ? &events[index] : NULL;
}

const struct mr_event_rule *
mr_event_rule_find(struct mr_slice type)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (mr_slice_is(type, events[i].type)) {
            return &events[i];
        }
    }
    return NULL;
}
