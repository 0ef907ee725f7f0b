"""A table's stream of moto feeds a function: its events, filters, positions and failure documents.

With MILLRACE_DYNAMODB_LOCAL, a directory with DynamoDBLocal.jar, the table is there, not in moto.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from lambda_boto3 import ROLE, client, is_, package, refused  # noqa: E402

HANDLER = b"""
import json
def handler(event, context):
    with open("/tmp/DIRECTORY/seen", "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    for record in event["Records"]:
        if record["dynamodb"]["Keys"]["id"]["S"] == "poison":
            raise ValueError("poison")
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(name, condition, seconds=40):
    until = time.time() + seconds
    while time.time() < until:
        got = condition()
        if got:
            print("ok:", name)
            return got
        time.sleep(0.05)
    raise AssertionError(name)


def start_server(name, command, port, directory=None):
    program = subprocess.Popen(command + [str(port)], cwd=directory, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    wait_for(f"{name} listens", listens)
    return program, f"http://127.0.0.1:{port}"


def start_moto():
    return start_server("moto", ["moto_server", "-H", "127.0.0.1", "-p"], free_port())


def start_dynamodb_local(directory):
    return start_server("DynamoDB Local", [
        "java", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb", "-port",
    ], free_port(), directory)


def start_millraced(binaries, directory, moto, dynamodb=None):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    program = subprocess.Popen(
        [f"{binaries}/millraced", "--data", f"{directory}/data", "--port", "0", "--sandbox", "off",
         "--backoff-ms", "10", "--endpoint", f"dynamodb={dynamodb or moto}", "--endpoint", f"sqs={moto}", "--ready-fd",
         str(write)], pass_fds=[write], stderr=open(f"{directory}/log", "w"))
    os.close(write)
    return program, "http://127.0.0.1:" + os.fdopen(read).read().split()[1]


def events(directory):
    try:
        with open(f"{directory}/seen") as seen:
            return [json.loads(line) for line in seen]
    except FileNotFoundError:
        return []


def play(binaries, directory, moto, dynamodb):
    program, endpoint = start_millraced(binaries, directory, moto, dynamodb)
    try:
        tables, queues = client("dynamodb", dynamodb), client("sqs", moto)
        table = tables.create_table(
            TableName="things", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        stream = table["TableDescription"]["LatestStreamArn"]
        queue = queues.create_queue(QueueName="Failed")["QueueUrl"]
        queue_arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        tables.put_item(TableName="things", Item={"id": {"S": "one"}, "n": {"N": "42"}})

        api = client("lambda", endpoint)
        code = HANDLER.replace(b"/tmp/DIRECTORY", directory.encode())
        api.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="index.handler",
                            Code={"ZipFile": package(code)})
        refused("a table's stream that is not there", "InvalidParameterValueException", "Stream not found: " + stream.replace("table/", "table/no-"),
                api.create_event_source_mapping, FunctionName="f", StartingPosition="LATEST",
                EventSourceArn=stream.replace("table/", "table/no-"))
        mapping = api.create_event_source_mapping(
            FunctionName="f", EventSourceArn=stream, StartingPosition="TRIM_HORIZON", BatchSize=1,
            MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": queue_arn}},
            FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT", "MODIFY"]})}]})
        wait_for("the mapping becomes Enabled",
                 lambda: api.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled")
        record = wait_for("what was there before the mapping reaches the function",
                          lambda: events(directory))[0]["Records"][0]
        is_("the event has Lambda's members in their order",
            ["eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN"],
            list(record))
        is_("and the item in its typed form", [{"id": {"S": "one"}}, {"id": {"S": "one"}, "n": {"N": "42"}}],
            [record["dynamodb"]["Keys"], record["dynamodb"]["NewImage"]])
        is_("and the stream's ARN", stream, record["eventSourceARN"])

        tables.put_item(TableName="things", Item={"id": {"S": "one"}, "n": {"N": "43"}})
        tables.delete_item(TableName="things", Key={"id": {"S": "one"}})
        tables.put_item(TableName="things", Item={"id": {"S": "poison"}})
        tables.put_item(TableName="things", Item={"id": {"S": "two"}})
        wait_for("the function goes on behind a failed record", lambda: len(events(directory)) == 5)
        is_("filtered, retried, in order", [("MODIFY", "one"), ("INSERT", "poison"), ("INSERT", "poison"),
                                            ("INSERT", "two")],
            [(r["eventName"], r["dynamodb"]["Keys"]["id"]["S"])
             for e in events(directory)[1:] for r in e["Records"]])

        message = wait_for("the failed record is told to the queue",
                           lambda: queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        document = json.loads(message[0]["Body"])
        info = document["DDBStreamBatchInfo"]
        is_("as a batch of a table's stream", [1, stream, "RetryAttemptsExhausted", 2],
            [info["batchSize"], info["streamArn"], document["requestContext"]["condition"],
             document["requestContext"]["approximateInvokeCount"]])
        is_("with times of whole seconds", 20, len(info["approximateArrivalOfFirstRecord"]))

        api.delete_event_source_mapping(UUID=mapping["UUID"])
    finally:
        program.terminate()
        is_("millraced stops cleanly", 0, program.wait(20))


def main():
    if shutil.which("moto_server") is None:
        print("skipped: no moto_server")
        sys.exit(77)
    directory = tempfile.mkdtemp()
    moto, endpoint = start_moto()
    programs, dynamodb = [moto], endpoint
    try:
        if "MILLRACE_DYNAMODB_LOCAL" in os.environ:
            local, dynamodb = start_dynamodb_local(os.environ["MILLRACE_DYNAMODB_LOCAL"])
            programs.append(local)
        play(sys.argv[1], directory, endpoint, dynamodb)
    except BaseException:
        print(open(f"{directory}/log").read() if os.path.exists(f"{directory}/log") else "")
        raise
    finally:
        for program in programs:
            program.kill()
            program.wait()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
