"""A mapping on a Kinesis server that is not ours: moto, polled over TCP, with its own ideas of what an answer holds."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from dynamodb_moto import start_moto, wait_for  # noqa: E402
from lambda_boto3 import ROLE, client, is_, package  # noqa: E402

HANDLER = b"""
import json
def handler(event, context):
    with open("/tmp/DIRECTORY/seen", "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    if any(record["kinesis"]["partitionKey"] == "poison" for record in event["Records"]):
        raise ValueError("poison")
"""


def start_millraced(binaries, directory, moto):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    program = subprocess.Popen(
        [f"{binaries}/millraced", "--data", f"{directory}/data", "--port", "0", "--sandbox", "off", "--backoff-ms",
         "10", "--kinesis", moto, "--endpoint", f"sqs={moto}", "--ready-fd", str(write)], pass_fds=[write],
        stderr=open(f"{directory}/log", "a"))
    os.close(write)
    return program, "http://127.0.0.1:" + os.fdopen(read).read().split()[1]


def records(directory):
    try:
        with open(f"{directory}/seen") as seen:
            return [record for line in seen for record in json.loads(line)["Records"]]
    except FileNotFoundError:
        return []


def keys(directory):
    return [record["kinesis"]["partitionKey"] for record in records(directory)]


def play(binaries, directory, moto):
    kinesis, queues = client("kinesis", moto), client("sqs", moto)
    kinesis.create_stream(StreamName="s", ShardCount=1)
    wait_for("moto has a stream", lambda: kinesis.describe_stream_summary(StreamName="s")[
        "StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    queue = queues.create_queue(QueueName="Failed")["QueueUrl"]
    queue_arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    data = bytes(range(256))
    kinesis.put_record(StreamName="s", Data=data, PartitionKey="a/\"b\"é")
    program, endpoint = start_millraced(binaries, directory, moto)
    try:
        api = client("lambda", endpoint)
        api.create_function(FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="index.handler",
                            Code={"ZipFile": package(HANDLER.replace(b"/tmp/DIRECTORY", directory.encode()))})
        mapping = api.create_event_source_mapping(
            FunctionName="f", EventSourceArn=arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": queue_arn}})
        wait_for("what was there reaches the function", lambda: len(records(directory)) == 1)
        record = records(directory)[0]
        is_("byte for byte", (data, "a/\"b\"é"),
            (base64.b64decode(record["kinesis"]["data"]), record["kinesis"]["partitionKey"]))
        kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="poison")
        message = wait_for("a failed record is told to the queue",
                           lambda: queues.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        is_("by its place", records(directory)[-1]["kinesis"]["sequenceNumber"],
            json.loads(message[0]["Body"])["KinesisBatchInfo"]["startSequenceNumber"])
        kinesis.split_shard(StreamName="s", ShardToSplit=record["eventID"].split(":")[0],
                            NewStartingHashKey=str(1 << 127))
        halves = [next(f"k{n}" for n in range(100) if hashlib.md5(f"k{n}".encode()).digest()[0] >> 7 == high)
                  for high in (0, 1)]
        for key in halves:
            kinesis.put_record(StreamName="s", Data=b"x", PartitionKey=key)
        wait_for("both halves of a split are read", lambda: set(halves) <= set(keys(directory)))
        is_("the mapping is well", "Enabled", api.get_event_source_mapping(UUID=mapping["UUID"])["State"])
    finally:
        program.kill()
        program.wait()
    before = len(records(directory))
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="later")
    program, endpoint = start_millraced(binaries, directory, moto)
    try:
        wait_for("after a kill it goes on behind its checkpoints", lambda: "later" in keys(directory))
        is_("with at most the last record of each shard again", True, len(records(directory)) - before <= 3)
    finally:
        program.terminate()
        program.wait()


def main():
    if shutil.which("moto_server") is None:
        print("skipped: no moto_server")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        moto, url = start_moto()
        try:
            play(sys.argv[1], directory, url)
        except BaseException:
            print(open(f"{directory}/log").read()[-4000:])
            raise
        finally:
            moto.terminate()
            moto.wait()


if __name__ == "__main__":
    main()
