"""A queue of moto feeds a function: events, filters, partial failures, deletion, what comes again."""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from dynamodb_moto import events, start_millraced, start_moto, wait_for  # noqa: E402
from lambda_boto3 import ROLE, client, is_, package, refused  # noqa: E402

HANDLER = b"""
import json
def handler(event, context):
    with open("/tmp/DIRECTORY/seen", "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]
                                  if json.loads(record["body"]).get("fail")]}
"""


def bodies(directory):
    return [json.loads(r["body"])["n"] for event in events(directory) for r in event["Records"]]


def left(queues, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def play(binaries, directory, moto):
    program, endpoint = start_millraced(binaries, directory, moto)
    try:
        queues = client("sqs", moto)
        queue = queues.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        api = client("lambda", endpoint)
        api.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="index.handler",
                            Code={"ZipFile": package(HANDLER.replace(b"/tmp/DIRECTORY", directory.encode()))})
        refused("a queue that is not there", "InvalidParameterValueException", "Error occurred while ReceiveMessage. SQS Error Code: "
                "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.",
                api.create_event_source_mapping, FunctionName="f", EventSourceArn=arn + "-none")
        mapping = api.create_event_source_mapping(
            FunctionName="f", EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"],
            FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"n": [{"numeric": [">", 0]}]}})}]})

        def state():
            return api.get_event_source_mapping(UUID=mapping["UUID"])
        wait_for("the mapping becomes Enabled", lambda: state()["State"] == "Enabled")
        is_("a queue's mapping tells no result", False, "LastProcessingResult" in state())

        queues.send_message(QueueUrl=queue, MessageBody=json.dumps({"n": 1}),
                            MessageAttributes={"WeeksOn": {"DataType": "Number", "StringValue": "6"}})
        record = wait_for("a message reaches the function", lambda: events(directory))[0]["Records"][0]
        is_("with Lambda's members in their order",
            ["messageId", "receiptHandle", "body", "attributes", "messageAttributes",
             "md5OfMessageAttributes", "md5OfBody", "eventSource", "eventSourceARN", "awsRegion"], list(record))
        is_("and its attributes", {"WeeksOn": {"stringValue": "6", "stringListValues": [], "binaryListValues": [],
                                               "dataType": "Number"}}, record["messageAttributes"])
        is_("received once", "1", record["attributes"]["ApproximateReceiveCount"])
        wait_for("and is deleted", lambda: left(queues, queue) == 0)

        for body in [{"n": 2}, {"n": 3, "fail": True}, {"n": -4}, {"n": 5}]:
            queues.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
        queues.send_message(QueueUrl=queue, MessageBody="no json")
        wait_for("a reported message comes again", lambda: bodies(directory).count(3) >= 2)
        is_("the others came once, the filtered ones never", [1, 2, 5],
            sorted(n for n in bodies(directory) if n != 3))
        wait_for("and only the failing one is left", lambda: left(queues, queue) == 1)

        api.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        wait_for("the mapping becomes Disabled", lambda: state()["State"] == "Disabled")
        seen = len(events(directory))
        queues.send_message(QueueUrl=queue, MessageBody=json.dumps({"n": 6}))
        api.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        wait_for("and goes on when it is enabled", lambda: 6 in bodies(directory)[seen:])
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
    try:
        play(sys.argv[1], directory, endpoint)
    except BaseException:
        print(open(f"{directory}/log").read() if os.path.exists(f"{directory}/log") else "")
        raise
    finally:
        moto.kill()
        moto.wait()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
