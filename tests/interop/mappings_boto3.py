"""boto3 against streamd and millraced as one endpoint: event source mappings, their every parameter and refusal."""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from lambda_boto3 import ClientError, ARN, ROLE, client, is_, package, refused  # noqa: E402

IPVE = "InvalidParameterValueException"
ACCOUNT = "arn:aws:{}:us-east-1:123456789012:"
QUEUE = ACCOUNT.format("sqs") + "q"
TABLE = ACCOUNT.format("dynamodb") + "table/t/stream/2025-11-25T15:47:01.123"
HANDLER = b"""
import base64
def handler(event, context):
    for record in event["Records"]:
        if base64.b64decode(record["kinesis"]["data"]) == b"poison":
            raise ValueError("poison")
    return {}
"""


def start(binaries, directory):
    programs, read, write = [], *os.pipe()
    os.set_inheritable(write, True)
    log = open(f"{directory}/log", "a")
    programs.append(subprocess.Popen(
        [f"{binaries}/millrace-streamd", "--data", f"{directory}/streamd", "--port", "0", "--socket",
         f"{directory}/s.sock", "--forward", f"{directory}/m.sock", "--durability", "os", "--ready-fd",
         str(write)], pass_fds=[write], stderr=log))
    os.close(write)
    port = os.fdopen(read).read().split()[1]
    read, write = os.pipe()
    os.set_inheritable(write, True)
    programs.append(subprocess.Popen(
        [f"{binaries}/millraced", "--data", f"{directory}/millraced", "--socket", f"{directory}/m.sock",
         "--kinesis", f"unix:{directory}/s.sock", "--sandbox", "off", "--backoff-ms", "10", "--ready-fd",
         str(write)], pass_fds=[write], stderr=log))
    os.close(write)
    assert os.fdopen(read).read().startswith("READY"), open(f"{directory}/log").read()
    return programs, f"http://127.0.0.1:{port}"


def wait_for(name, wanted, get, seconds=20):
    until = time.time() + seconds
    while time.time() < until:
        got = get()
        if got == wanted:
            print("ok:", name)
            return
        time.sleep(0.02)
    raise AssertionError(f"{name}\n  wanted: {wanted!r}\n  got:    {got!r}")


def state(api, mapping):
    return api.get_event_source_mapping(UUID=mapping["UUID"])["State"]


def members(answer):
    return {name: value for name, value in answer.items()
            if name not in ("ResponseMetadata", "UUID", "LastModified", "EventSourceMappingArn")}


def shapes(api, stream):
    made = api.create_event_source_mapping(FunctionName="f", EventSourceArn=stream, StartingPosition="LATEST")
    is_("a stream's mapping is made with AWS's defaults", {
        "BatchSize": 100, "BisectBatchOnFunctionError": False, "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": stream, "FunctionArn": ARN + "f", "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed", "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "ParallelizationFactor": 1,
        "StartingPosition": "LATEST", "State": "Creating", "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0}, members(made))
    is_("answered 202", 202, made["ResponseMetadata"]["HTTPStatusCode"])
    wait_for("and becomes Enabled", "Enabled", lambda: state(api, made))
    refused("the same pair again", "ResourceConflictException",
            f'The event source arn (" {stream} ") and function (" f ") provided mapping already exists. '
            f'Please update or delete the existing mapping with UUID {made["UUID"]}',
            api.create_event_source_mapping, FunctionName="f", EventSourceArn=stream, StartingPosition="LATEST")
    off = api.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    is_("disabling is told", "Disabling", off["State"])
    wait_for("and done", "Disabled", lambda: state(api, made))
    is_("enabling is told", "Enabling", api.update_event_source_mapping(UUID=made["UUID"], Enabled=True)["State"])
    wait_for("and done too", "Enabled", lambda: state(api, made))
    changed = api.update_event_source_mapping(UUID=made["UUID"], BatchSize=7, MaximumRetryAttempts=2)
    is_("an update is told with its values", ("Updating", 7, 2),
        (changed["State"], changed["BatchSize"], changed["MaximumRetryAttempts"]))
    nothing = api.update_event_source_mapping(UUID=made["UUID"])
    is_("an update of nothing changes nothing", (7, 2), (nothing["BatchSize"], nothing["MaximumRetryAttempts"]))
    for qualifier in ("1", "live", "$LATEST"):
        other = api.create_event_source_mapping(FunctionName=f"f:{qualifier}", EventSourceArn=stream,
                                                StartingPosition="LATEST", Enabled=False)
        is_(f"a mapping keeps its qualifier {qualifier}", f"{ARN}f:{qualifier}", other["FunctionArn"])
        is_("and is listed by it alone", [other["UUID"]],
            [m["UUID"] for m in api.list_event_source_mappings(FunctionName=f"f:{qualifier}")["EventSourceMappings"]])
        is_("deleting it is told", "Deleting", api.delete_event_source_mapping(UUID=other["UUID"])["State"])
    is_("a list by source and function", [made["UUID"]], [m["UUID"] for m in api.list_event_source_mappings(
        EventSourceArn=stream, FunctionName="f")["EventSourceMappings"]])
    is_("a list of nothing", [], api.list_event_source_mappings(FunctionName="nope")["EventSourceMappings"])
    arn = f'arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{made["UUID"]}'
    api.tag_resource(Resource=arn, Tags={"a": "b"})
    is_("a mapping has tags", {"a": "b"}, api.list_tags(Resource=arn)["Tags"])
    api.delete_event_source_mapping(UUID=made["UUID"])
    refused("a deleted mapping", "ResourceNotFoundException", "The resource you requested does not exist.",
            api.get_event_source_mapping, UUID=made["UUID"])
    refused("its tags", "ResourceNotFoundException", f"Event source mapping not found: {arn}",
            api.tag_resource, Resource=arn, Tags={"a": "b"})


def other_sources(api):
    queue = api.create_event_source_mapping(FunctionName="f", EventSourceArn=QUEUE)
    is_("a queue's mapping has its own shape", {
        "BatchSize": 10, "EventSourceArn": QUEUE, "FunctionArn": ARN + "f", "FunctionResponseTypes": [],
        "MaximumBatchingWindowInSeconds": 0, "State": "Creating",
        "StateTransitionReason": "USER_INITIATED"}, members(queue))
    refused("a queue twice", "ResourceConflictException",
            f'An event source mapping with SQS arn (" {QUEUE} ") and function (" f ") already exists. Please '
            f'update or delete the existing mapping with UUID {queue["UUID"]}', api.create_event_source_mapping,
            FunctionName="f", EventSourceArn=QUEUE)
    off = api.create_event_source_mapping(FunctionName="f", EventSourceArn=QUEUE + "2", Enabled=False)
    is_("a queue's mapping can be made Disabled at once", "Disabled", off["State"])
    brokers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000", "kafka:2000"]}}
    access = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"}]
    kafka = api.create_event_source_mapping(FunctionName="f", SelfManagedEventSource=brokers, Topics=["topic"],
                                            SourceAccessConfigurations=access)
    is_("so does Kafka's", {
        "BatchSize": 100, "FunctionArn": ARN + "f", "LastProcessingResult": "No records processed",
        "SelfManagedEventSource": brokers, "SourceAccessConfigurations": access,
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": kafka["UUID"]},
        "StartingPosition": "TRIM_HORIZON", "State": "Creating", "StateTransitionReason": "USER_INITIATED",
        "Topics": ["topic"]}, members(kafka))
    refused("Kafka twice", "ResourceConflictException",
            f'An event source mapping with event source ("kafka:1000,kafka:2000"), function ("{ARN}f"), topics '
            f'("topic") already exists. Please update or delete the existing mapping with UUID {kafka["UUID"]}',
            api.create_event_source_mapping, FunctionName="f", SelfManagedEventSource=brokers, Topics=["topic"],
            SourceAccessConfigurations=access)
    refused("Kafka without credentials", IPVE, "Required 'sourceAccessConfigurations' parameter is missing.",
            api.create_event_source_mapping, FunctionName="f", SelfManagedEventSource=brokers, Topics=["topic"])
    refused("a queue's large batch on update", IPVE, "Maximum batch window in seconds must be greater than 0",
            api.update_event_source_mapping, UUID=queue["UUID"], BatchSize=11)
    for mapping in (queue, off, kafka):
        api.delete_event_source_mapping(UUID=mapping["UUID"])


def create_raw(url):
    """As create_event_source_mapping, for members that this boto3 is too old to know."""
    def create(**arguments):
        asked = urllib.request.Request(f"{url}/2015-03-31/event-source-mappings", json.dumps(arguments).encode())
        try:
            return json.load(urllib.request.urlopen(asked))
        except urllib.error.HTTPError as answer:
            body = json.load(answer)
            told = {"Code": answer.headers["x-amzn-ErrorType"], "Message": body.get("message", body.get("Message"))}
            raise ClientError({"Error": told, **body}, "CreateEventSourceMapping") from None
    return create


def constraint(value, member, text):
    return f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {text}"


def refusals(api, url, stream):
    missing = stream + "-none"
    rows = [
        ("no StartingPosition", IPVE, "1 validation error detected: Value null at 'startingPosition' failed to "
         "satisfy constraint: Member must not be null.", {"StartingPosition": None}),
        ("a StartingPosition that is none", "ValidationException", constraint(
            "invalid", "startingPosition", "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"),
         {"StartingPosition": "invalid"}),
        ("AT_TIMESTAMP on a table", IPVE, f"Unsupported starting position for arn type: {TABLE}",
         {"EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}),
        ("a timestamp without AT_TIMESTAMP", IPVE, "Timestamp only valid with StartingPosition AT_TIMESTAMP",
         {"StartingPositionTimestamp": 1}),
        ("BatchSize 10001", "ValidationException", constraint(
            10001, "batchSize", "Member must have value less than or equal to 10000"), {"BatchSize": 10001}),
        ("BatchSize 0", "ValidationException", constraint(
            0, "batchSize", "Member must have value greater than or equal to 1"), {"BatchSize": 0}),
        ("ParallelizationFactor 11", "ValidationException", constraint(
            11, "parallelizationFactor", "Member must have value less than or equal to 10"),
         {"ParallelizationFactor": 11}),
        ("a window of 301", "ValidationException", constraint(
            301, "maximumBatchingWindowInSeconds", "Member must have value less than or equal to 300"),
         {"MaximumBatchingWindowInSeconds": 301}),
        ("a tumbling window of 901", "ValidationException", constraint(
            901, "tumblingWindowInSeconds", "Member must have value less than or equal to 900"),
         {"TumblingWindowInSeconds": 901}),
        ("a record age of 0", IPVE, "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 "
         "(inclusive)", {"MaximumRecordAgeInSeconds": 0}),
        ("a record age of 59", IPVE, "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 "
         "(inclusive)", {"MaximumRecordAgeInSeconds": 59}),
        ("a response type that is none", "ValidationException", constraint(
            "[Bad]", "functionResponseTypes", "Member must satisfy constraint: [Member must satisfy enum value set: "
            "[ReportBatchItemFailures], Member must not be null]"), {"FunctionResponseTypes": ["Bad"]}),
        ("ScalingConfig on a stream", IPVE, "Unsupported ScalingConfig parameter for given event source mapping type.",
         {"ScalingConfig": {"MaximumConcurrency": 2}}),
        ("OnSuccess on a stream", IPVE, "OnSuccess configuration is not supported for event source mappings.",
         {"DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}}),
        ("DestinationConfig on a queue, before the function is looked at", IPVE,
         "Unsupported DestinationConfig parameter for given event source mapping type.",
         {"EventSourceArn": QUEUE, "StartingPosition": None, "FunctionName": "nope",
          "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}),
        ("tumbling with lanes", IPVE, "Parallelization factor must be equal to 1 when tumbling window period is "
         "configured", {"TumblingWindowInSeconds": 10, "ParallelizationFactor": 2}),
        ("tumbling with filters", IPVE, "tumbling window",
         {"TumblingWindowInSeconds": 10, "FilterCriteria": {"Filters": [{"Pattern": '{"data":{"a":[1]}}'}]}}),
        ("a time before there was any", IPVE, "Received Exception while reading from provided stream. class "
         "java.lang.Long can not be converted to a Timestamp",
         {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": -1700000000}),
        ("a queue with a position", IPVE, "StartingPosition is not valid for SQS event sources.",
         {"EventSourceArn": QUEUE, "StartingPosition": "LATEST"}),
        ("a position before its time on a queue", IPVE, "StartingPosition is not valid for SQS event sources.",
         {"EventSourceArn": QUEUE, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": -1}),
        ("a function as a destination", IPVE, "An on-failure destination must be an SQS queue, an SNS topic or an S3 "
         "bucket: ", {"DestinationConfig": {"OnFailure": {"Destination": ARN + "f"}}}),
        ("two mistakes", "ValidationException", "2 validation errors detected: Value '0' at 'batchSize' failed to "
         "satisfy constraint: Member must have value greater than or equal to 1; Value '0' at "
         "'parallelizationFactor' failed to satisfy constraint: Member must have value greater than or equal to 1",
         {"BatchSize": 0, "ParallelizationFactor": 0}),
        ("a FIFO destination", IPVE, "FIFO",
         {"DestinationConfig": {"OnFailure": {"Destination": QUEUE + ".fifo"}}}),
        ("a stream that is not there", IPVE, f"Stream not found: {missing}", {"EventSourceArn": missing}),
        ("no source at all", IPVE, "Unrecognized event source.", {"EventSourceArn": None, "StartingPosition": None}),
        ("a function that is not there", IPVE, "Function does not exist", {"FunctionName": "nope"}),
        ("an alias that is not there", IPVE, "Function does not exist", {"FunctionName": "f:nope"}),
        ("a queue's large batch without a window", IPVE, "Maximum batch window in seconds must be greater than 0 if "
         "maximum batch size is greater than 10",
         {"EventSourceArn": QUEUE, "StartingPosition": None, "BatchSize": 11}),
    ]
    for pattern in ("not json", "null", '"text"', '{"eventSource":"aws:sqs"}', '{"eventSource":[]}',
                    '[{"eventName": ["INSERT"=123}]'):
        rows.append((f"the filter {pattern}", IPVE, "Invalid filter pattern definition.",
                     {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}))
    for name, error, text, changes in rows:
        asked = {"FunctionName": "f", "EventSourceArn": stream, "StartingPosition": "LATEST", **changes}
        refused(name, error, text, create_raw(url),
                **{key: value for key, value in asked.items() if value is not None})
    unknown = "00000000-0000-4000-8000-000000000000"
    for call in (api.get_event_source_mapping, api.update_event_source_mapping, api.delete_event_source_mapping):
        refused("an unknown UUID", "ResourceNotFoundException", "The resource you requested does not exist.", call,
                UUID=unknown)
    is_("nothing of it was kept", [], api.list_event_source_mappings()["EventSourceMappings"])


def kept_values(api, stream):
    given = {
        "BatchSize": 500, "MaximumBatchingWindowInSeconds": 3, "ParallelizationFactor": 2,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}, "MaximumRecordAgeInSeconds": 60,
        "MaximumRetryAttempts": 3, "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"n": [{"numeric": [">", 1.50]}]}}'}]}}
    made = api.create_event_source_mapping(FunctionName="f", EventSourceArn=stream, StartingPosition="LATEST", **given)
    read = api.get_event_source_mapping(UUID=made["UUID"])
    is_("what was given is read back as it was", given, {name: read[name] for name in given})
    cleared = api.update_event_source_mapping(UUID=made["UUID"], FilterCriteria={}, FunctionResponseTypes=[],
                                              DestinationConfig={"OnFailure": {}})
    is_("empty values clear", (None, [], {"OnFailure": {}}),
        (cleared.get("FilterCriteria"), cleared["FunctionResponseTypes"], cleared["DestinationConfig"]))
    refused("a rejected update", IPVE, "MaximumRecordAgeInSeconds", api.update_event_source_mapping,
            UUID=made["UUID"], MaximumRecordAgeInSeconds=5, BatchSize=9)
    is_("changes nothing", 500, api.get_event_source_mapping(UUID=made["UUID"])["BatchSize"])
    empty = api.update_event_source_mapping(UUID=made["UUID"], FilterCriteria={"Filters": []})
    is_("an empty filter list is not shown", None, empty.get("FilterCriteria"))
    api.delete_event_source_mapping(UUID=made["UUID"])


def local(url, path):
    return json.load(urllib.request.urlopen(f"{url}/_millrace/{path}"))


def records(api, url, kinesis, stream):
    made = api.create_event_source_mapping(FunctionName="f", EventSourceArn=stream, StartingPosition="TRIM_HORIZON",
                                           MaximumRetryAttempts=1, BatchSize=4)
    kinesis.put_records(StreamName="s", Records=[{"Data": str(n), "PartitionKey": "a"} for n in range(8)])
    wait_for("records are handled", "OK",
             lambda: api.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"])
    kinesis.put_record(StreamName="s", Data="poison", PartitionKey="a")
    wait_for("a failure is told", "PROBLEM: Function call failed",
             lambda: api.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"])
    kinesis.put_record(StreamName="s", Data="fine", PartitionKey="a")
    wait_for("and passed after its retries", "OK",
             lambda: api.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"])
    wait_for("failed invocations are recorded", [2, 1], lambda: [
        one["attempt"] for one in local(url, "history?failed=1")["invocations"]])
    failed = local(url, "history?failed=1")["invocations"][0]
    whole = local(url, f'history/{failed["requestId"]}')
    is_("with their event and answer", ("cG9pc29u", "poison"),
        (whole["event"]["Records"][0]["kinesis"]["data"], whole["response"]["errorMessage"]))
    lines = [json.loads(line) for line in
             urllib.request.urlopen(f"{url}/_millrace/events").read().splitlines()]
    is_("every line of the feed has its number", list(range(1, len(lines) + 1)), [line["seq"] for line in lines])
    drop = [line for line in lines if line["kind"] == "drop"][0]
    is_("it tells what was given up", ("RetryAttemptsExhausted", 2, 1),
        (drop["condition"], drop["invokeCount"], drop["count"]))
    mapping = local(url, "status")["mappings"][0]
    is_("the status counts", (10, 9, 1), tuple(mapping["counts"][name] for name in ("polled", "succeeded", "dropped")))
    api.update_event_source_mapping(UUID=made["UUID"], MaximumRetryAttempts=0,
                                    DestinationConfig={"OnFailure": {"Destination": QUEUE}})
    kinesis.put_record(StreamName="s", Data="poison", PartitionKey="a")
    wait_for("without an endpoint the local store stands in for a queue", [QUEUE],
             lambda: [letter["destination"] for letter in local(url, "dlq")["letters"]])
    letter = local(url, f'dlq/{local(url, "dlq")["letters"][0]["id"]}')
    is_("with document and event", ("RetryAttemptsExhausted", "cG9pc29u"),
        (letter["document"]["requestContext"]["condition"], letter["event"]["Records"][0]["kinesis"]["data"]))
    path = f'{url}/_millrace/dlq/{letter["id"]}'
    again = urllib.request.Request(f"{path}/redrive", b"", method="POST")
    is_("a letter that fails again stays", "failed", json.load(urllib.request.urlopen(again))["status"])
    api.update_function_code(FunctionName="f", ZipFile=package(b"def handler(event, context):\n    return {}\n"))
    is_("with better code it goes", "ok", json.load(urllib.request.urlopen(again))["status"])
    is_("and is gone", [], local(url, "dlq")["letters"])
    api.delete_function(FunctionName="f")
    is_("a mapping outlives its function", "Enabled", state(api, made))
    kinesis.delete_stream(StreamName="s")
    is_("and its stream", "Enabled", state(api, made))
    api.delete_event_source_mapping(UUID=made["UUID"])


def main():
    with tempfile.TemporaryDirectory() as directory:
        programs, url = start(sys.argv[1], directory)
        try:
            api, kinesis = client("lambda", url), client("kinesis", url)
            api.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="index.handler",
                                Code={"ZipFile": package(HANDLER)})
            api.publish_version(FunctionName="f")
            api.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
            kinesis.create_stream(StreamName="s", ShardCount=2)
            stream = kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamARN"]
            refusals(api, url, stream)
            shapes(api, stream)
            other_sources(api)
            kept_values(api, stream)
            records(api, url, kinesis, stream)
        except BaseException:
            print(open(f"{directory}/log").read())
            raise
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


if __name__ == "__main__":
    main()
