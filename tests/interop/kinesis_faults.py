"""Faults on demand: from the command line, and changed while the server runs."""
import base64
import http.client
import json
import time

from kinesis_server import Server, check, refused, same

server = Server("--fault", "PutRecord:throttle:count=2")
JSON = {"Content-Type": "application/json"}


def rules(*texts, **more):
    status, _, data = server.raw(json.dumps({"rules": list(texts), **more}), JSON, path="/_millrace/faults")
    return status, json.loads(data)


def put(count):
    return server.ok("PutRecords", StreamName="s", Records=[{"PartitionKey": "k", "Data": ""}] * count)


server.ok("CreateStream", StreamName="s", ShardCount=1)
iterator = server.iterator("s")
for attempt in ("first", "second"):
    refused(f"the {attempt} put is throttled", server.call("PutRecord", StreamName="s", PartitionKey="k", Data=""),
            "ProvisionedThroughputExceededException")
server.put("s", b"third")
check("the third is not", True)
status, _, data = server.raw("", {}, "GET", "/_millrace/faults")
same("the rules tell how often they struck", json.loads(data),
     {"rules": [{"rule": "PutRecord:throttle:count=0", "struck": 2}]})

same("rules are replaced", rules("GetRecords:expire:count=1", "ListStreams:error"), (200, {"rules": [
    {"rule": "GetRecords:expire:count=1", "struck": 0}, {"rule": "ListStreams:error", "struck": 0}]}))
refused("an iterator expires", server.call("GetRecords", ShardIterator=iterator), "ExpiredIteratorException")
same("once", len(server.ok("GetRecords", ShardIterator=iterator)["Records"]), 1)
same("an error is the server's", server.call("ListStreams")[0], 500)
rules("*:limit:count=1")
refused("a limit is for any call", server.call("DescribeLimits"), "LimitExceededException")

rules("GetRecords:stall=300")
started = time.monotonic()
server.ok("GetRecords", ShardIterator=iterator)
check("an answer stalls", 0.25 < time.monotonic() - started < 2)
rules("GetRecords:tear")
try:
    server.call("GetRecords", ShardIterator=iterator)
    check("a connection is torn", False)
except (http.client.HTTPException, ConnectionError):
    check("a connection is torn", True)

rules("PutRecords:partial=30", seed=7)
first = put(100)
failed = [i for i, r in enumerate(first["Records"]) if "ErrorCode" in r]
check("some records fail by themselves", 10 < first["FailedRecordCount"] == len(failed) < 60, first["FailedRecordCount"])
same("as throttled", {first["Records"][i]["ErrorCode"] for i in failed}, {"ProvisionedThroughputExceededException"})
check("the others are written", all("SequenceNumber" in r for r in first["Records"] if "ErrorCode" not in r))
rules("PutRecords:partial=30", seed=7)
same("the same seed, the same records", [i for i, r in enumerate(put(100)["Records"]) if "ErrorCode" in r], failed)
rules("PutRecords:lose=100:count=1")
lost = put(2)["Records"]
same("a lost record is an internal failure", (lost[0]["ErrorCode"], lost[0]["ErrorMessage"], "SequenceNumber" in lost[1]),
     ("InternalFailure", "Internal Service Failure", True))

status, answer = rules("GetRecords:burn")
same("a rule that is none is refused", status, 400)
check("with a sentence", "the kind is throttle" in answer["message"], answer)
status, answer = rules("Sing:throttle")
check("an operation that is none, too", status == 400 and "Sing is no operation" in answer["message"], answer)
same("the old rules stay", json.loads(server.raw("", {}, "GET", "/_millrace/faults")[2])["rules"][0]["rule"],
     "PutRecords:lose=100:count=0")
same("a web page may not set any", server.raw('{"rules":[]}', {**JSON, "Origin": "http://a.example"},
                                              path="/_millrace/faults")[0], 403)
same("no rules, no faults", rules(), (200, {"rules": []}))
same("all is well", put(3)["FailedRecordCount"], 0)
stats = json.loads(server.raw("", {}, "GET", "/_millrace/stats")[2])
check("the server counts", stats["streams"] == 1 and stats["records_in"] > 100, stats)
server.close()
