"""CBOR as AWS's Java clients speak it: containers without a length, blobs as bytes, time as a tag."""
import struct
import time

from kinesis_server import ACCOUNT, ARN, AUTHORIZATION, Server, check, same


class Time(int):
    """Milliseconds, under tag 1."""


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for size, (code, kind) in {1: (24, ">B"), 2: (25, ">H"), 4: (26, ">I"), 8: (27, ">Q")}.items():
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + struct.pack(kind, value)
    raise ValueError(value)


def dumps(value, definite):
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if value is None:
        return b"\xf6"
    if isinstance(value, Time):
        return b"\xc1" + head(0, value)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        inner = b"".join(dumps(item, definite) for item in value)
        return head(4, len(value)) + inner if definite else b"\x9f" + inner + b"\xff"
    inner = b"".join(dumps(key, definite) + dumps(item, definite) for key, item in value.items())
    return head(5, len(value)) + inner if definite else b"\xbf" + inner + b"\xff"


def loads(data, at=0):
    """(value, place behind it); None stands for a break."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if low == 31 and major == 7:
        return "break", at
    count = low
    if 24 <= low <= 27:
        size = 1 << low - 24
        count = int.from_bytes(data[at:at + size], "big")
        if major == 7:
            return struct.unpack(">d", data[at:at + 8])[0], at + size
        at += size
    endless = low == 31
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major in (2, 3):
        raw = data[at:at + count]
        return (raw if major == 2 else raw.decode()), at + count
    if major == 6:
        value, at = loads(data, at)
        return (Time(value) if count == 1 else value), at
    if major == 7:
        return {20: False, 21: True, 22: None}[low], at
    items = []
    while endless or len(items) < count * (2 if major == 5 else 1):
        item, at = loads(data, at)
        if item == "break":
            break
        items.append(item)
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), at


def play(server, name, definite):
    def call(operation, **arguments):
        status, headers, data = server.raw(dumps(arguments, definite), {
            "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202." + operation,
            "Authorization": AUTHORIZATION, "X-Amz-Date": "20300101T000000Z"})
        same_type = headers["Content-Type"] == "application/x-amz-cbor-1.1"
        check(f"{name}: {operation} is answered in CBOR", same_type, headers)
        return status, loads(data)[0] if data else None

    same(f"{name}: a stream is made", call("CreateStream", StreamName=name, ShardCount=1), (200, None))
    before = int(time.time() * 1000)
    status, put = call("PutRecords", StreamName=name, Records=[
        {"Data": bytes([i] * i), "PartitionKey": f"key-{i}"} for i in range(100)])
    same(f"{name}: records are put", (status, put["FailedRecordCount"], len(put["Records"])), (200, 0, 100))
    status, _ = call("PutRecord", StreamARN=ARN + name, PartitionKey="k", Data=b"\x00\xff", ExplicitHashKey="0")
    same(f"{name}: and one alone", status, 200)
    _, iterator = call("GetShardIterator", StreamName=name, ShardId="shardId-000000000000",
                       ShardIteratorType="AT_TIMESTAMP", Timestamp=Time(before - 1000))
    _, got = call("GetRecords", ShardIterator=iterator["ShardIterator"], Limit=1000)
    same(f"{name}: their bytes come back as bytes", [r["Data"] for r in got["Records"]],
         [bytes([i] * i) for i in range(100)] + [b"\x00\xff"])
    arrival = got["Records"][0]["ApproximateArrivalTimestamp"]
    check(f"{name}: time is a tag with milliseconds", isinstance(arrival, Time) and
          abs(arrival - before) < 60000, arrival)
    _, later = call("GetShardIterator", StreamName=name, ShardId="shardId-000000000000",
                    ShardIteratorType="AT_TIMESTAMP", Timestamp=Time(arrival + 60000 if arrival + 60000 < before
                                                                    else int(time.time() * 1000)))
    _, got = call("GetRecords", ShardIterator=later["ShardIterator"])
    same(f"{name}: a later time has nothing", got["Records"], [])
    _, told = call("DescribeStreamSummary", StreamName=name)
    summary = told["StreamDescriptionSummary"]
    same(f"{name}: numbers are numbers", (summary["OpenShardCount"], summary["RetentionPeriodHours"]), (1, 24))
    check(f"{name}: a creation is a time", isinstance(summary["StreamCreationTimestamp"], Time))
    _, listed = call("ListShards", StreamName=name, ShardFilter={"Type": "AT_LATEST"})
    same(f"{name}: shards are listed", [s["ShardId"] for s in listed["Shards"]], ["shardId-000000000000"])
    same(f"{name}: an error is CBOR, too", call("DescribeStream", StreamName="none"), (400, {
        "__type": "ResourceNotFoundException", "message": f"Stream none under account {ACCOUNT} not found."}))
    status, wrong = call("PutRecord", StreamName=name, PartitionKey=7, Data=b"")
    same(f"{name}: a wrong type is told with a capital", (status, wrong["__type"], "Message" in wrong),
         (400, "SerializationException", True))


def large(server):
    server.ok("UpdateMaxRecordSize", StreamARN=ARN + "definite", MaxRecordSizeInKiB=10240)
    data = bytes(10 * 1024 * 1024 - 1)
    status, _, _ = server.raw(dumps({"StreamName": "definite", "PartitionKey": "k", "Data": data}, True), {
        "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202.PutRecord",
        "Authorization": AUTHORIZATION, "X-Amz-Date": "20300101T000000Z"})
    same("a record of 10 MiB is taken", status, 200)
    server.put("definite", data)
    check("in JSON as well", True)
    last = server.ok("GetRecords", ShardIterator=server.iterator("definite"), Limit=102)
    same("and is not held back by those before it", len(last["Records"]), 101)
    behind = server.ok("GetRecords", ShardIterator=last["NextShardIterator"])
    same("but comes alone", [len(r["Data"]) for r in behind["Records"]], [(10 * 1024 * 1024 - 1 + 2) // 3 * 4])


def main():
    server = Server()
    play(server, "definite", True)
    play(server, "endless", False)
    large(server)
    server.close()


main()
