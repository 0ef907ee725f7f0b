"""SubscribeToShard over HTTP/1.1: raw frames in JSON and CBOR, and boto3 as a reader."""
import base64
import json
import struct
import sys
import threading
import time
import zlib

from kinesis_server import ARN, AUTHORIZATION, Server, check, refused, same


class Subscription:
    """An open answer, read frame by frame."""

    def __init__(self, server, arn, position, shard="shardId-000000000000", body=None,
                 kind="application/x-amz-json-1.1"):
        self.connection = server.connection()
        self.connection.request("POST", "/", body or json.dumps(
            {"ConsumerARN": arn, "ShardId": shard, "StartingPosition": position}), {
                "Content-Type": kind, "X-Amz-Target": "Kinesis_20131202.SubscribeToShard",
                "Authorization": AUTHORIZATION, "X-Amz-Date": "20300101T000000Z"})
        self.response = self.connection.getresponse()

    def frame(self):
        """(headers, payload), or None at the end."""
        prelude = self.response.read(12)
        if not prelude:
            return None
        total, header_size, crc = struct.unpack(">III", prelude)
        rest = self.response.read(total - 12)
        assert zlib.crc32(prelude[:8]) == crc, "the prelude's checksum"
        assert zlib.crc32(prelude + rest[:-4]) == struct.unpack(">I", rest[-4:])[0], "the frame's checksum"
        headers, at = {}, 0
        while at < header_size:
            size = rest[at]
            name = rest[at + 1:at + 1 + size].decode()
            kind, length = struct.unpack(">BH", rest[at + 1 + size:at + 4 + size])
            assert kind == 7
            headers[name] = rest[at + 4 + size:at + 4 + size + length].decode()
            at += 4 + size + length
        return headers, rest[header_size:-4]

    def event(self):
        headers, payload = self.frame()
        assert headers[":event-type"] == "SubscribeToShardEvent", headers
        return json.loads(payload)


def frames(server):
    ok = server.ok
    ok("CreateStream", StreamName="s", ShardCount=1)
    arn = ok("RegisterStreamConsumer", StreamARN=ARN + "s", ConsumerName="c")["Consumer"]["ConsumerARN"]
    server.put("s", b"before")
    first = Subscription(server, arn, {"Type": "TRIM_HORIZON"})
    same("a subscription is answered with an event stream",
         (first.response.status, first.response.headers["Content-Type"]), (200, "application/vnd.amazon.eventstream"))
    check("with a request id", first.response.headers["x-amzn-RequestId"])
    same("it begins with an initial response", first.frame(), ({
        ":message-type": "event", ":event-type": "initial-response",
        ":content-type": "application/x-amz-json-1.1"}, b"{}"))
    event = first.event()
    same("then come the records", [base64.b64decode(r["Data"]) for r in event["Records"]], [b"before"])
    same("an event has these members", sorted(event), ["ContinuationSequenceNumber", "MillisBehindLatest", "Records"])
    started = time.monotonic()
    server.put("s", b"after")
    same("a record is pushed when it is put", base64.b64decode(first.event()["Records"][0]["Data"]), b"after")
    check("at once", time.monotonic() - started < 1)
    refused("another within five seconds is refused", server.call(
        "SubscribeToShard", ConsumerARN=arn, ShardId="0", StartingPosition={"Type": "LATEST"}),
        "ResourceInUseException")
    silent = first.event()
    check("silence is broken after five seconds", 4 < time.monotonic() - started < 7, time.monotonic() - started)
    same("by an empty event", (silent["Records"], silent["MillisBehindLatest"]), ([], 0))
    check("whose continuation has moved with time",
          int(silent["ContinuationSequenceNumber"]) > int(event["ContinuationSequenceNumber"]))

    server.put("s", b"next")
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        iterator = server.iterator("s", kind=kind, StartingSequenceNumber=silent["ContinuationSequenceNumber"])
        records = ok("GetRecords", ShardIterator=iterator)["Records"]
        same(f"{kind} of a continuation goes on behind what was seen", base64.b64decode(records[0]["Data"]),
             b"next")

    second = Subscription(server, arn, {"Type": "LATEST"})
    second.frame()
    while first.frame() is not None:
        pass
    check("after five seconds the next one takes over, and the old one ends", True)
    ok("SplitShard", StreamName="s", ShardToSplit="0", NewStartingHashKey="2")
    end = second.event()
    same("a closed shard ends with its children", [c["ShardId"] for c in end["ChildShards"]],
         ["shardId-000000000001", "shardId-000000000002"])
    same("and that is the end", second.frame(), None)

    third = Subscription(server, arn, {"Type": "LATEST"}, shard="shardId-000000000001")
    third.frame()
    ok("DeregisterStreamConsumer", ConsumerARN=arn)
    headers, payload = third.frame()
    same("a consumer that goes away is told so", (headers[":message-type"], headers[":exception-type"]),
         ("exception", "ResourceNotFoundException"))
    same("before the end", third.frame(), None)
    refused("then it is unknown", server.call(
        "SubscribeToShard", ConsumerARN=arn, ShardId="0", StartingPosition={"Type": "LATEST"}),
        "ResourceNotFoundException")


def cbor(server):
    arn = server.ok("RegisterStreamConsumer", StreamARN=ARN + "s", ConsumerName="binary")["Consumer"]["ConsumerARN"]

    def text(value):
        raw = value.encode()
        return (bytes([0x60 + len(raw)]) if len(raw) < 24 else bytes([0x78, len(raw)])) + raw

    body = (b"\xa3" + text("ConsumerARN") + text(arn) + text("ShardId") + text("shardId-000000000001")
            + text("StartingPosition") + b"\xa2" + text("Type") + text("AT_TIMESTAMP")
            + text("Timestamp") + b"\xc1\x1b" + struct.pack(">Q", 1718960048000))
    server.put("s", b"--RECORD--", ExplicitHashKey="0")
    reader = Subscription(server, None, None, body=body, kind="application/x-amz-cbor-1.1")
    headers, payload = reader.frame()
    same("a CBOR caller gets CBOR", (headers[":content-type"], payload[:1] in (b"\xa0", b"\xbf")),
         ("application/x-amz-cbor-1.1", True))
    check("with its record's bytes as they are", b"--RECORD--" in reader.frame()[1])
    reader.connection.close()


def boto(server):
    try:
        import boto3
    except ImportError:
        return
    kinesis = boto3.client("kinesis", endpoint_url=f"http://127.0.0.1:{server.port}", region_name="us-east-1",
                           aws_access_key_id="test", aws_secret_access_key="test")
    kinesis.create_stream(StreamName="b", ShardCount=1)
    arn = kinesis.register_stream_consumer(StreamARN=ARN + "b", ConsumerName="c")["Consumer"]["ConsumerARN"]
    stream = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId="shardId-000000000000",
                                        StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]

    def feed():
        for i in range(200):
            kinesis.put_records(StreamName="b", Records=[
                {"Data": f"{i}-{j}".encode(), "PartitionKey": "k"} for j in range(5)])

    threading.Thread(target=feed, daemon=True).start()
    got = []
    for event in stream:
        got += [r["Data"].decode() for r in event["SubscribeToShardEvent"]["Records"]]
        if len(got) == 1000:
            break
    same("boto3 reads a thousand records in order", got, [f"{i}-{j}" for i in range(200) for j in range(5)])
    stream.close()


def main():
    server = Server()
    frames(server)
    cbor(server)
    boto(server)
    left_open = Subscription(server, server.ok("RegisterStreamConsumer", StreamARN=ARN + "s",
                             ConsumerName="last")["Consumer"]["ConsumerARN"], {"Type": "LATEST"},
                             shard="shardId-000000000001")
    left_open.frame()
    started = time.monotonic()
    server.close()
    check("an open subscription does not hold it up", time.monotonic() - started < 3)
    same("and ends in order", left_open.frame(), None)


main()
sys.exit(0)
