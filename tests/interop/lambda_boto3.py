"""boto3 against millraced: functions, versions, aliases, invocations, and what is read beside them."""
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    print("skipped: no boto3 for this python3 (apt-get install python3-boto3)")
    sys.exit(77)

HANDLER = b"""
import json
def handler(event, context):
    if isinstance(event, dict) and event.get("fail"):
        raise ValueError("asked to")
    print("hello from", context.function_name)
    return {"event": event, "arn": context.invoked_function_arn,
            "client": context.client_context.custom if context.client_context else None}
"""
ROLE = "arn:aws:iam::123456789012:role/r"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def package(text=HANDLER):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", text)
    return file.getvalue()


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"zeros{number}", bytes(50 << 20))
    return file.getvalue()


def start(binaries, directory, *more):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    process = subprocess.Popen(
        [f"{binaries}/millraced", "--data", f"{directory}/data", "--port", "0", "--sandbox", "off",
         "--ready-fd", str(writer), *more], pass_fds=[writer], stderr=open(f"{directory}/log", "a"))
    os.close(writer)
    words = os.fdopen(reader).read().split()
    assert words[:1] == ["READY"], open(f"{directory}/log").read()
    return process, f"http://127.0.0.1:{words[1]}"


def client(service, url):
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test",
                        config=Config(retries={"max_attempts": 0}, parameter_validation=False))


def refused(name, error, text, call, **arguments):
    try:
        call(**arguments)
    except ClientError as failure:
        told = failure.response["Error"]
        assert told["Code"] == error, (name, told)
        assert text in told["Message"], (name, told)
        print("ok:", name)
        return failure.response
    raise AssertionError(f"{name}: not refused")


def is_(name, wanted, got):
    assert wanted == got, f"{name}\n  wanted: {wanted!r}\n  got:    {got!r}"
    print("ok:", name)


def functions(api, url):
    made = api.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="index.handler",
                               Code={"ZipFile": package()}, Tags={"a": "b"},
                               Environment={"Variables": {"KEY": "value"}})
    is_("a function is made Pending", "Pending Creating", f'{made["State"]} {made["StateReasonCode"]}')
    is_("its answer is 201", 201, made["ResponseMetadata"]["HTTPStatusCode"])
    api.get_waiter("function_active").wait(FunctionName="f")
    got = api.get_function(FunctionName="f")
    is_("it becomes Active", "Active Successful",
        f'{got["Configuration"]["State"]} {got["Configuration"]["LastUpdateStatus"]}')
    is_("its tags are shown", {"a": "b"}, got["Tags"])
    is_("its code can be fetched", package(),
        urllib.request.urlopen(got["Code"]["Location"]).read())
    by_arn = api.get_function_configuration(FunctionName=ARN + "f")
    is_("an ARN names it as well", made["FunctionName"], by_arn["FunctionName"])
    refused("a second of the same name", "ResourceConflictException", "Function already exist: f",
            api.create_function, FunctionName="f", Runtime="python3.11", Role=ROLE,
            Handler="index.handler", Code={"ZipFile": package()})
    missing = refused("one that is not there", "ResourceNotFoundException",
                      f"Function not found: {ARN}nope", api.get_function, FunctionName="nope")
    is_("an error says whose fault it is", "User", missing["Type"])
    refused("a version that is not there", "ResourceNotFoundException",
            f"Function not found: {ARN}f:7", api.get_function, FunctionName="f", Qualifier="7")
    refused("a region that is not here", "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
            api.get_function, FunctionName="arn:aws:lambda:eu-west-1:123456789012:function:f")
    refused("two qualifiers that differ", "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
            api.get_function, FunctionName="f:1", Qualifier="2")
    refused("a role that is none", "ValidationException",
            "Value 'r' at 'role' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: arn:(aws[a-zA-Z-]*)?:iam::", api.create_function, FunctionName="g",
            Runtime="python3.11", Role="r", Handler="h", Code={"ZipFile": package()})
    refused("a runtime nobody knows", "InvalidParameterValueException", "Value cobol at 'runtime' failed",
            api.create_function, FunctionName="g", Runtime="cobol", Role=ROLE, Handler="h",
            Code={"ZipFile": package()})
    refused("memory out of range", "ValidationException",
            "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: "
            "Member must have value greater than or equal to 128", api.create_function,
            FunctionName="g", Runtime="python3.11", Role=ROLE, Handler="h", MemorySize=1,
            Code={"ZipFile": package()})
    refused("a package that is no zip", "InvalidParameterValueException",
            "Could not unzip uploaded file", api.create_function, FunctionName="g",
            Runtime="python3.11", Role=ROLE, Handler="h", Code={"ZipFile": b"no zip"})
    refused("a package without anything", "InvalidParameterValueException", "Uploaded file must be a non-empty zip",
            api.create_function, FunctionName="g", Runtime="python3.11", Role=ROLE, Handler="h",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)})
    refused("a request that is too large", "RequestEntityTooLargeException",
            "Request must be smaller than 70167211 bytes for the CreateFunction operation",
            api.create_function, FunctionName="g", Runtime="python3.11", Role=ROLE, Handler="h",
            Code={"ZipFile": bytes(54 << 20)})
    refused("a package that is too large", "RequestEntityTooLargeException",
            "Zipped size must be smaller than 52428800 bytes", api.create_function, FunctionName="g",
            Runtime="python3.11", Role=ROLE, Handler="h", Code={"ZipFile": bytes((50 << 20) + 1)})
    refused("a package that unpacks to too much", "InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes", api.create_function, FunctionName="g",
            Runtime="python3.11", Role=ROLE, Handler="h", Code={"ZipFile": bomb()})
    refused("a function without a handler", "InvalidParameterValueException",
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            api.create_function, FunctionName="g", Runtime="python3.11", Role=ROLE, Code={"ZipFile": package()})
    refused("an environment that is too large", "InvalidParameterValueException",
            'exceeded the 4KB limit. String measured: {"KEY":"xxx', api.create_function, FunctionName="g",
            Runtime="python3.11", Role=ROLE, Handler="h", Code={"ZipFile": package()},
            Environment={"Variables": {"KEY": "x" * 4096}})
    refused("variables that are reserved", "InvalidParameterValueException", "reserved keys",
            api.create_function, FunctionName="g", Runtime="python3.11", Role=ROLE, Handler="h",
            Code={"ZipFile": package()}, Environment={"Variables": {"AWS_REGION": "x"}})
    refused("a stale revision", "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id",
            api.update_function_configuration, FunctionName="f", RevisionId="x", Timeout=5)
    changed = api.update_function_configuration(FunctionName="f", Timeout=5)
    is_("an update is in progress", "InProgress", changed["LastUpdateStatus"])
    api.get_waiter("function_updated").wait(FunctionName="f")
    is_("and then done", 5, api.get_function_configuration(FunctionName="f")["Timeout"])


def invocations(api):
    answer = api.invoke(FunctionName="f", Payload=b'{"n": 1}', LogType="Tail",
                        ClientContext=base64.b64encode(b'{"custom": {"k": "v"}}').decode())
    body = json.loads(answer["Payload"].read())
    is_("an invocation is answered", ({"n": 1}, 200, "$LATEST"),
        (body["event"], answer["StatusCode"], answer["ExecutedVersion"]))
    is_("it hears of its caller", {"k": "v"}, body["client"])
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId: " in log and "hello from f" in log and "REPORT RequestId: " in log, log
    print("ok: the end of its log is returned")
    failed = api.invoke(FunctionName="f", Payload=b'{"fail": true}')
    is_("an error is an answer", ("Unhandled", 200), (failed["FunctionError"], failed["StatusCode"]))
    is_("with what the handler raised", "asked to", json.loads(failed["Payload"].read())["errorMessage"])
    is_("no payload is an empty object", {},
        json.loads(api.invoke(FunctionName="f")["Payload"].read())["event"])
    is_("an event is accepted", 202, api.invoke(FunctionName="f", InvocationType="Event")["StatusCode"])
    is_("a dry run runs nothing", 204, api.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"])
    refused("a payload that is no JSON", "InvalidRequestContentException", "Could not parse",
            api.invoke, FunctionName="f", Payload=b"{no")
    refused("a function that is not there", "ResourceNotFoundException",
            f"Function not found: {ARN}nope", api.invoke, FunctionName="nope")
    if hasattr(api, "invoke_with_response_stream"):
        parts = list(api.invoke_with_response_stream(FunctionName="f", Payload=b"{}")["EventStream"])
        assert "InvokeComplete" in parts[-1], parts
        print("ok: a streamed answer ends with its completion")


def versions(api):
    one = api.publish_version(FunctionName="f", Description="first")
    is_("a version is published", ("1", ARN + "f:1"), (one["Version"], one["FunctionArn"]))
    is_("nothing new is not published again", "1", api.publish_version(FunctionName="f")["Version"])
    api.update_function_code(FunctionName="f", ZipFile=package(HANDLER + b"# two\n"))
    is_("new code is", "2", api.publish_version(FunctionName="f")["Version"])
    is_("all are listed", ["$LATEST", "1", "2"],
        [v["Version"] for v in api.list_versions_by_function(FunctionName="f")["Versions"]])
    alias = api.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    is_("an alias points at one", (ARN + "f:live", "1"), (alias["AliasArn"], alias["FunctionVersion"]))
    refused("an alias twice", "ResourceConflictException", f"Alias already exists: {ARN}f:live",
            api.create_alias, FunctionName="f", Name="live", FunctionVersion="1")
    refused("an alias that is a number", "ValidationException",
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
            api.create_alias, FunctionName="f", Name="12", FunctionVersion="1")
    refused("an alias that is not there", "ResourceNotFoundException",
            f"Cannot find alias arn: {ARN}f:x", api.get_alias, FunctionName="f", Name="x")
    answer = api.invoke(FunctionName="f:live", Payload=b"{}")
    is_("invoked, it says which version ran", "1", answer["ExecutedVersion"])
    is_("and what it was called", ARN + "f:live", json.loads(answer["Payload"].read())["arn"])
    api.update_alias(FunctionName="f", Name="live", FunctionVersion="2",
                     RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})
    is_("weights are kept", {"AdditionalVersionWeights": {"1": 0.5}},
        api.get_alias(FunctionName="f", Name="live")["RoutingConfig"])
    seen = {api.invoke(FunctionName="f", Qualifier="live")["ExecutedVersion"] for _ in range(40)}
    is_("and used", {"1", "2"}, seen)
    api.delete_alias(FunctionName="f", Name="live")
    is_("a deleted alias is gone", [], api.list_aliases(FunctionName="f")["Aliases"])
    api.delete_function(FunctionName="f", Qualifier="1")
    is_("so is a deleted version", 2, len(api.list_versions_by_function(FunctionName="f")["Versions"]))


def beside(api):
    api.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    throttled = refused("no concurrency throttles", "TooManyRequestsException", "Rate Exceeded.",
                        api.invoke, FunctionName="f")
    is_("and says why", "ReservedFunctionConcurrentInvocationLimitExceeded", throttled["Reason"])
    is_("it is shown", 0, api.get_function(FunctionName="f")["Concurrency"]["ReservedConcurrentExecutions"])
    api.delete_function_concurrency(FunctionName="f")
    refused("too much is refused", "InvalidParameterValueException",
            "decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
            api.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=901)
    config = api.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    is_("asynchronous settings are kept", (1, {"OnSuccess": {}, "OnFailure": {}}, ARN + "f:$LATEST"),
        (config["MaximumRetryAttempts"], config["DestinationConfig"], config["FunctionArn"]))
    api.delete_function_event_invoke_config(FunctionName="f")
    refused("and gone when deleted", "ResourceNotFoundException",
            f"The function {ARN}f:$LATEST doesn't have an EventInvokeConfig",
            api.get_function_event_invoke_config, FunctionName="f")
    statement = json.loads(api.add_permission(FunctionName="f", StatementId="s1", Action="lambda:InvokeFunction",
                                              Principal="s3.amazonaws.com")["Statement"])
    is_("a permission is a statement", {"Service": "s3.amazonaws.com"}, statement["Principal"])
    policy = json.loads(api.get_policy(FunctionName="f")["Policy"])
    is_("in a policy", ["s1"], [one["Sid"] for one in policy["Statement"]])
    api.remove_permission(FunctionName="f", StatementId="s1")
    refused("that goes with its last one", "ResourceNotFoundException",
            "The resource you requested does not exist.", api.get_policy, FunctionName="f")
    api.tag_resource(Resource=ARN + "f", Tags={"c": "d"})
    api.untag_resource(Resource=ARN + "f", TagKeys=["a"])
    is_("tags are set and taken away", {"c": "d"}, api.list_tags(Resource=ARN + "f")["Tags"])
    if hasattr(api, "get_runtime_management_config"):
        is_("the runtime is managed", "Auto",
            api.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"])
    assert "CodeSigningConfigArn" not in api.get_function_code_signing_config(FunctionName="f")
    is_("functions are counted", 1, api.get_account_settings()["AccountUsage"]["FunctionCount"])
    layer = api.publish_layer_version(LayerName="l", Content={"ZipFile": package(b"x = 1\n")})
    api.update_function_configuration(FunctionName="f", Layers=[layer["LayerVersionArn"]])
    is_("a layer is used", [layer["LayerVersionArn"]],
        [one["Arn"] for one in api.get_function_configuration(FunctionName="f")["Layers"]])
    api.update_function_configuration(FunctionName="f", Layers=[])


def listing(api, directory):
    code = f"{directory}/code"
    os.mkdir(code)
    with open(f"{code}/index.py", "wb") as file:
        file.write(HANDLER)
    for number in range(3):
        api.create_function(FunctionName=f"list-{number}", Runtime="python3.11", Role=ROLE,
                            Handler="index.handler", Code={"S3Bucket": "hot-reload", "S3Key": code})
    is_("code may be a directory", 200, api.invoke(FunctionName="list-0")["StatusCode"])
    pages = list(api.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    is_("lists have pages", [2, 2], [len(page["Functions"]) for page in pages])
    assert "State" not in pages[0]["Functions"][0]
    everything = api.list_functions(FunctionVersion="ALL")["Functions"]
    assert ARN + "f:2" in [one["FunctionArn"] for one in everything], everything
    print("ok: every version can be listed")


def main():
    with tempfile.TemporaryDirectory() as directory:
        process, url = start(sys.argv[1], directory)
        try:
            api = client("lambda", url)
            functions(api, url)
            invocations(api)
            versions(api)
            beside(api)
            listing(api, directory)
            process.kill()
            process.wait()
            process, url = start(sys.argv[1], directory)
            api = client("lambda", url)
            is_("kill -9 loses nothing", 4, len(api.list_functions()["Functions"]))
            is_("and they run", 200, api.invoke(FunctionName="f")["StatusCode"])
            api.delete_function(FunctionName="f")
            refused("a deleted function is gone", "ResourceNotFoundException", "Function not found",
                    api.get_function, FunctionName="f")
            process.terminate()
            is_("SIGTERM is a clean stop", 0, process.wait(timeout=20))
        finally:
            process.kill()


if __name__ == "__main__":
    main()
