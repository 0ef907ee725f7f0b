"""boto3 against millraced: what the Lambda API refuses, row by row, and the words AWS has for it."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from lambda_boto3 import ARN, ROLE, client, is_, package, refused, start  # noqa: E402

IPVE, NOT_FOUND, CONFLICT = ("InvalidParameterValueException", "ResourceNotFoundException",
                             "ResourceConflictException")
INVALID, STALE = "ValidationException", "PreconditionFailedException"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:"
OTHER_REGION = ARN.replace("us-east-1", "eu-west-1")
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
STALE_TEXT = ("The Revision Id provided does not match the latest Revision Id. Call the "
              "GetFunction/GetAlias API to retrieve the latest Revision Id")
NO_CONFIG = "The function {} doesn't have an EventInvokeConfig"


def weights(**given):
    return {"AdditionalVersionWeights": {key.lstrip("v"): value for key, value in given.items()}}


def new(**given):
    return {"FunctionName": "new", "Runtime": "python3.11", "Role": ROLE, "Handler": "index.handler",
            "Code": {"ZipFile": package()}, **given}


def alias(**given):
    return {"FunctionName": "f", "Name": "new", "FunctionVersion": "1", **given}


def permission(**given):
    return {"FunctionName": "f", "StatementId": "new", "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com", **given}


def invoke_config(**given):
    return {"FunctionName": "f", "MaximumRetryAttempts": 1, **given}


def success(arn):
    return {"FunctionName": "f", "DestinationConfig": {"OnSuccess": {"Destination": arn}}}


def without(arguments, *names):
    return {name: value for name, value in arguments.items() if name not in names}


# Operation, arguments, error, what its message says.
ROWS = [
    ("create_function", without(new(), "Runtime"), IPVE, "Runtime and Handler are mandatory parameters for "
     "functions created with deployment packages."),
    ("create_function", without(new(), "Handler"), IPVE, "Runtime and Handler are mandatory parameters for "
     "functions created with deployment packages."),
    ("create_function", new(FunctionName="a" * 65), IPVE, f"1 validation error detected: Value '{'a' * 65}' at "
     "'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
    ("create_function", new(FunctionName=ARN + "a" * 100), INVALID,
     "Member must have length less than or equal to 140"),
    ("create_function", new(FunctionName="a:b:c"), INVALID, "Value 'a:b:c' at 'functionName'"),
    ("create_function", new(FunctionName=OTHER_REGION + "new"), NOT_FOUND,
     "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"),
    ("create_function", new(Architectures=["x86_64", "arm64"]), INVALID, "Value '[x86_64, arm64]' at "
     "'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"),
    ("create_function", new(Architectures=["X86_64"]), INVALID, "Value '[X86_64]' at 'architectures' failed to "
     "satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], "
     "Member must not be null]"),
    ("create_function", new(SnapStart={"ApplyOn": "PublishedVersions"}), IPVE,
     "python3.11 is not supported for SnapStart enabled functions."),
    ("create_function", new(SnapStart={"ApplyOn": "always"}), INVALID, "Value 'always' at 'snapStart.applyOn' failed "
     "to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]"),
    ("create_function", new(LoggingConfig={"LogFormat": "Text", "SystemLogLevel": "DEBUG"}), IPVE,
     'LogLevel is not supported when LogFormat is set to "Text".'),
    ("create_function", new(Environment={"Variables": {"LARGE": "x" * 4085}}), IPVE, "exceeded the 4KB limit. String "
     'measured: {"LARGE":"xxx'),
    ("create_function", new(EphemeralStorage={"Size": 511}), INVALID, "'ephemeralStorage.size' failed to satisfy "
     "constraint: Member must have value greater than or equal to 512"),
    ("list_functions", {"FunctionVersion": "some"}, INVALID, "Value 'some' at 'functionVersion' failed to satisfy "
     "constraint: Member must satisfy enum value set: [ALL]"),
    ("delete_function", {"FunctionName": ARN + "f:1", "Qualifier": "$LATEST"}, IPVE, MISMATCH),
    ("delete_function", {"FunctionName": "f", "Qualifier": "1"}, CONFLICT,
     "Version 1 is still being used by alias live"),
    ("delete_function", {"FunctionName": "nope", "Qualifier": "1"}, NOT_FOUND, f"Function not found: {ARN}nope"),
    ("invoke", {"FunctionName": OTHER_REGION + "f"}, NOT_FOUND, "Functions from 'eu-west-1' are not reachable"),
    ("invoke", {"FunctionName": "arn:aws:lambda:us-east-1:123400000000@function:f"}, INVALID, "at 'functionName'"),
    ("invoke", {"FunctionName": "f", "InvocationType": "x"}, INVALID, "Member must satisfy enum value set: [Event, "
     "RequestResponse, DryRun]"),
    ("publish_version", {"FunctionName": "f", "CodeSha256": "x"}, IPVE, "CodeSHA256 (x) is different from current "
     "CodeSHA256 in $LATEST ("),
    ("publish_version", {"FunctionName": "f", "RevisionId": "x"}, STALE, STALE_TEXT),

    ("create_alias", alias(RoutingConfig=weights(v1=0.8, v2=0.2)), IPVE,
     "Number of items in AdditionalVersionWeights cannot be greater than 1"),
    ("create_alias", alias(RoutingConfig=weights(v2=2)), INVALID, "Value '{2=2.0}' at "
     "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: "
     "[Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member "
     "must not be null]"),
    ("create_alias", alias(RoutingConfig=weights(v2=-0.25)), INVALID, "Value '{2=-0.25}' at "),
    ("create_alias", alias(RoutingConfig=weights(v1=0.5)), IPVE, "Invalid function version 1. Function version 1 is "
     "already included in routing configuration."),
    ("create_alias", alias(FunctionVersion="10"), NOT_FOUND, f"Function not found: {ARN}f:10"),
    ("create_alias", alias(RoutingConfig=weights(v10=0.5)), NOT_FOUND, f"Function not found: {ARN}f:10"),
    ("create_alias", alias(FunctionVersion="$LATEST", RoutingConfig=weights(v1=0.5)), IPVE,
     "$LATEST is not supported for an alias pointing to more than 1 version"),
    ("create_alias", alias(RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}}), INVALID, "Map keys must "
     "satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than "
     "or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"),
    ("create_alias", alias(FunctionName="nope"), NOT_FOUND, f"Function not found: {ARN}nope:1"),
    ("update_alias", {"FunctionName": "f", "Name": "live", "RevisionId": "x"}, STALE, STALE_TEXT),
    ("update_alias", {"FunctionName": "f", "Name": "nope"}, NOT_FOUND, f"Cannot find alias arn: {ARN}f:nope"),

    ("add_permission", permission(StatementId="a.b"), INVALID, "Value 'a.b' at 'statementId' failed to satisfy "
     "constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"),
    ("add_permission", permission(FunctionName="f:live", Qualifier="1"), IPVE, MISMATCH),
    ("add_permission", permission(Qualifier="$LATEST"), IPVE,
     "We currently do not support adding policies for $LATEST."),
    ("add_permission", permission(Principal="service.example.com"), IPVE,
     "The provided principal was invalid. Please check the principal and try again."),
    ("add_permission", permission(FunctionName="nope"), NOT_FOUND, f"Function not found: {ARN}nope"),
    ("add_permission", permission(Qualifier="nope"), NOT_FOUND, f"Cannot find alias arn: {ARN}f:nope"),
    ("add_permission", permission(Qualifier="no-$-pe"), NOT_FOUND, f"Function not found: {ARN}f:no-$-pe"),
    ("add_permission", permission(Qualifier="42"), NOT_FOUND, f"Function not found: {ARN}f:42"),
    ("add_permission", permission(StatementId="s"), CONFLICT, "The statement id (s) provided already exists. Please "
     "provide a new statement id, or remove the existing statement."),
    ("add_permission", permission(RevisionId="x"), STALE, STALE_TEXT),
    ("get_policy", {"FunctionName": "nope"}, NOT_FOUND, f"Function not found: {ARN}nope"),
    ("get_policy", {"FunctionName": "f", "Qualifier": "1"}, NOT_FOUND, "The resource you requested does not exist."),
    ("remove_permission", {"FunctionName": "g", "StatementId": "s"}, NOT_FOUND,
     "No policy is associated with the given resource."),
    ("remove_permission", {"FunctionName": "nope", "StatementId": "s"}, NOT_FOUND, f"No policy found for: {ARN}nope"),
    ("remove_permission", {"FunctionName": "f", "StatementId": "x"}, NOT_FOUND,
     "Statement x is not found in resource policy."),

    ("put_function_event_invoke_config", invoke_config(FunctionName="nope"), NOT_FOUND, "The function doesn't exist."),
    ("put_function_event_invoke_config", {"FunctionName": "f"}, IPVE,
     "You must specify at least one of error handling or destination setting."),
    ("put_function_event_invoke_config", success(ARN + "nope"), IPVE,
     f"The destination ARN {ARN}nope is invalid."),
    ("put_function_event_invoke_config", success(ARN + "f"), IPVE,
     "You can't specify the function as a destination for itself."),
    ("put_function_event_invoke_config", success(ARN.replace("lambda", "iam") + "f"), IPVE, "The provided destination "
     f"config DestinationConfig(onSuccess=OnSuccess(destination={ARN.replace('lambda', 'iam')}f), onFailure=null) is "
     "invalid."),
    ("put_function_event_invoke_config", invoke_config(FunctionName="f:live", Qualifier="1"), IPVE, MISMATCH),
    ("put_function_event_invoke_config", invoke_config(MaximumRetryAttempts=3), INVALID,
     "Member must have value less than or equal to 2"),
    ("get_function_event_invoke_config", {"FunctionName": "f", "Qualifier": "nope"}, NOT_FOUND,
     NO_CONFIG.format(ARN + "f:nope")),
    ("update_function_event_invoke_config", invoke_config(FunctionName="nope"), NOT_FOUND,
     "The function doesn't exist."),
    ("update_function_event_invoke_config", invoke_config(), NOT_FOUND, NO_CONFIG.format(ARN + "f:$LATEST")),
    ("delete_function_event_invoke_config", {"FunctionName": "nope"}, NOT_FOUND,
     NO_CONFIG.format(ARN + "nope:$LATEST")),
    ("put_function_concurrency", {"FunctionName": "nope", "ReservedConcurrentExecutions": 1}, NOT_FOUND,
     f"Function not found: {ARN}nope:$LATEST"),
    ("put_function_concurrency", {"FunctionName": ARN + "f:$LATEST", "ReservedConcurrentExecutions": 1}, IPVE,
     "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation."),

    ("tag_resource", {"Resource": "arn:aws:x", "Tags": {"a": "b"}}, INVALID, "Value 'arn:aws:x' at 'resource'"),
    ("tag_resource", {"Resource": ARN + "nope", "Tags": {"a": "b"}}, NOT_FOUND, f"Function not found: {ARN}nope"),
    ("tag_resource", {"Resource": ARN + "f:1", "Tags": {"a": "b"}}, IPVE,
     "Tags on function aliases and versions are not supported. Please specify a function ARN."),
    ("tag_resource", {"Resource": ARN + "f", "Tags": {}}, IPVE, "An error occurred and the request cannot be "
     "processed."),
    ("tag_resource", {"Resource": ARN + "f", "Tags": {str(n): "" for n in range(51)}}, IPVE,
     "Number of tags exceeds resource tag limit."),
    ("untag_resource", {"Resource": ARN + "f", "TagKeys": []}, INVALID, "Value null at 'tagKeys' failed to satisfy "
     "constraint: Member must not be null"),

    ("get_layer_version", {"LayerName": "l", "VersionNumber": 0}, IPVE, "Layer Version Cannot be less than 1"),
    ("get_layer_version", {"LayerName": "l", "VersionNumber": 9}, NOT_FOUND,
     "The resource you requested does not exist."),
    ("delete_layer_version", {"LayerName": "l", "VersionNumber": -1}, IPVE, "Layer Version Cannot be less than 1"),
    ("get_layer_version_by_arn", {"Arn": LAYER + "l"}, INVALID, "at 'arn' failed to satisfy constraint"),
    ("update_function_configuration", {"FunctionName": "f", "Layers": [LAYER + "l:1", LAYER + "l:2"]}, IPVE,
     "Two different versions of the same layer are not allowed to be referenced in the same function. "
     f"{LAYER}l:1 and {LAYER}l:2 are versions of the same layer."),
    ("update_function_configuration", {"FunctionName": "f", "Layers": [LAYER + "l:9"]}, IPVE,
     f"Layer version {LAYER}l:9 does not exist."),
    ("update_function_configuration", {"FunctionName": "f", "Layers": [LAYER.replace("us-east-1", "eu-west-1") + "l:1"]},
     IPVE, "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."),
    ("update_function_configuration", {"FunctionName": "f", "Layers": [f"{LAYER}{n}:1" for n in range(6)]}, IPVE,
     "Cannot reference more than 5 layers."),
]


def prepare(api):
    for name in ("f", "g"):
        api.create_function(**new(FunctionName=name))
    api.publish_version(FunctionName="f")
    api.update_function_configuration(FunctionName="f", Description="other")
    api.publish_version(FunctionName="f")
    api.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    api.add_permission(**permission(StatementId="s"))
    api.publish_layer_version(LayerName="l", CompatibleRuntimes=["python3.11"], Content={"ZipFile": package()})
    api.publish_layer_version(LayerName="l", CompatibleArchitectures=["arm64"], Content={"ZipFile": package()})


def knows(api, operation, arguments):
    """Is this boto3 new enough for the arguments?"""
    model = api.meta.service_model.operation_model(api.meta.method_to_api_mapping[operation])
    return all(name in model.input_shape.members for name in arguments)


def idempotent(api):
    is_("a version that is not there can be deleted", 204, api.delete_function(
        FunctionName="f", Qualifier="1233")["ResponseMetadata"]["HTTPStatusCode"])
    is_("so can an alias", 204, api.delete_alias(FunctionName="f", Name="nope")["ResponseMetadata"]["HTTPStatusCode"])
    is_("and a layer", 204, api.delete_layer_version(
        LayerName="nope", VersionNumber=1)["ResponseMetadata"]["HTTPStatusCode"])
    is_("a name of digits and dashes is an alias's", "2024-01-02", api.create_alias(
        FunctionName="f", Name="2024-01-02", FunctionVersion="1")["Name"])
    is_("weights of nothing are none", None, api.create_alias(
        FunctionName="f", Name="even", FunctionVersion="1", RoutingConfig=weights()).get("RoutingConfig"))


def published(api):
    made = api.update_function_code(FunctionName="f", ZipFile=package(b"# new\n"), Publish=True)
    is_("what is published with its code is a version to come", ("3", ARN + "f:3", "Pending", "Creating", None), (
        made["Version"], made["FunctionArn"], made["State"], made["StateReasonCode"], made.get("LastUpdateStatus")))
    again = api.publish_version(FunctionName="f", Description="again")
    is_("and not published again, nor described", ("3", "other"), (again["Version"], again["Description"]))
    before = api.get_function_configuration(FunctionName="f")["RevisionId"]
    api.update_function_code(FunctionName="f", ZipFile=package(b"# newest\n"), DryRun=True)
    is_("a dry run changes nothing", before, api.get_function_configuration(FunctionName="f")["RevisionId"])


def layers(api):
    def numbers(**asked):
        return [one["Version"] for one in api.list_layer_versions(LayerName="l", **asked)["LayerVersions"]]
    is_("a layer's versions are listed, the newest first", [2, 1], numbers())
    is_("or those for a runtime", [1], numbers(CompatibleRuntime="python3.11"))
    is_("or those for an architecture", [2], numbers(CompatibleArchitecture="arm64"))
    is_("of layers, those that have such a version", [1], [
        one["LatestMatchingVersion"]["Version"] for one in api.list_layers(CompatibleRuntime="python3.11")["Layers"]])


def main():
    with tempfile.TemporaryDirectory() as directory:
        process, url = start(sys.argv[1], directory)
        try:
            api = client("lambda", url)
            prepare(api)
            for operation, arguments, error, text in ROWS:
                if knows(api, operation, arguments):
                    refused(f"{operation}: {text[:60]}", error, text, getattr(api, operation), **arguments)
            idempotent(api)
            published(api)
            layers(api)
        except BaseException:
            print(open(f"{directory}/log").read()[-4000:])
            raise
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
