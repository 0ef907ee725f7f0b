"""boto3 against millrace-streamd: iterators of all five types, big batches, waiting reads, errors."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    print("skipped: no boto3 (apt-get install python3-boto3)")
    sys.exit(77)

directory = tempfile.mkdtemp()
read_end, write_end = os.pipe()
server = subprocess.Popen(
    [sys.argv[1] + "/millrace-streamd", "--data", directory, "--port", "0", "--durability", "os",
     "--ready-fd", str(write_end)], pass_fds=[write_end])
os.close(write_end)
port = os.fdopen(read_end).readline().split()[1]
kinesis = boto3.client(
    "kinesis", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 0}))


def check(name, condition, detail=""):
    if not condition:
        print("failed:", name, detail)
        sys.exit(1)
    print("ok:", name)


def records_from(**place):
    iterator = kinesis.get_shard_iterator(StreamName="s", ShardId="shardId-000000000000", **place)
    return kinesis.get_records(ShardIterator=iterator["ShardIterator"])


def refused(name, code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        check(name, error.response["Error"]["Code"] == code, error)
    else:
        check(name, False, "it was taken")


def run():
    kinesis.create_stream(StreamName="s", ShardCount=1)
    before = time.time()
    blobs = [random.randbytes(1000) for _ in range(500)]
    answer = kinesis.put_records(
        StreamName="s", Records=[{"Data": blob, "PartitionKey": str(i)} for i, blob in enumerate(blobs)])
    numbers = [record["SequenceNumber"] for record in answer["Records"]]
    check("500 records are written", answer["FailedRecordCount"] == 0)
    check("their numbers rise", numbers == sorted(numbers, key=int))

    whole = records_from(ShardIteratorType="TRIM_HORIZON")["Records"]
    check("they are read back, byte for byte and in order", [r["Data"] for r in whole] == blobs)
    check("with the numbers they were given", [r["SequenceNumber"] for r in whole] == numbers)
    at = records_from(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[7])
    check("AT_SEQUENCE_NUMBER begins at it", at["Records"][0]["SequenceNumber"] == numbers[7])
    after = records_from(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[7])
    check("AFTER_SEQUENCE_NUMBER behind it", after["Records"][0]["SequenceNumber"] == numbers[8])
    since = records_from(ShardIteratorType="AT_TIMESTAMP", Timestamp=before)
    check("AT_TIMESTAMP finds what came since", len(since["Records"]) == 500)
    check("LATEST finds nothing yet", records_from(ShardIteratorType="LATEST")["Records"] == [])

    kinesis.put_record(StreamName="s", PartitionKey="\u00e4" * 256, Data=b"")
    last = records_from(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[-1])
    check("an empty record under 256 umlauts", last["Records"][0]["PartitionKey"] == "\u00e4" * 256)
    check("nothing is behind it", last["MillisBehindLatest"] == 0)
    big = random.randbytes(1024 * 1024 - 1)
    kinesis.put_record(StreamName="s", PartitionKey="b", Data=big)
    tail = records_from(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[-1])
    check("a record of 1 MiB", tail["Records"][1]["Data"] == big)

    refused("a byte more is refused", "ValidationException", kinesis.put_record,
            StreamName="s", PartitionKey="bb", Data=big)
    refused("257 characters of key are refused", "ValidationException", kinesis.put_record,
            StreamName="s", PartitionKey="k" * 257, Data=b"")
    refused("a hash key of 2^128 is refused", "InvalidArgumentException", kinesis.put_record,
            StreamName="s", PartitionKey="k", ExplicitHashKey=str(2**128), Data=b"")
    refused("a shard that is not there", "ResourceNotFoundException", kinesis.get_shard_iterator,
            StreamName="s", ShardId="shardId-000000000009", ShardIteratorType="LATEST")
    refused("AT_TIMESTAMP without one", "InvalidArgumentException", kinesis.get_shard_iterator,
            StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="AT_TIMESTAMP")
    for i in range(3):
        kinesis.create_stream(StreamName=f"t{i}", ShardCount=1)
    page = kinesis.list_streams(Limit=3)
    check("streams are listed by name, in pages", page["StreamNames"] == ["s", "t0", "t1"])
    rest = kinesis.list_streams(ExclusiveStartStreamName="t1")
    check("the next page has the rest", rest["StreamNames"] == ["t2"] and not rest["HasMoreStreams"])


try:
    run()
finally:
    server.terminate()
    code = server.wait(10)
    shutil.rmtree(directory)
check("the server stops cleanly", code == 0, code)
