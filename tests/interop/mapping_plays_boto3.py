"""boto3 against the whole: what reaches a function, in which batches, and what becomes of failures."""
import base64
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from lambda_boto3 import ROLE, client, is_, package  # noqa: E402
from mappings_boto3 import QUEUE, local, start, wait_for  # noqa: E402

# Notes each event, then does what the plan says: fail, report, answer.
HANDLER = b"""
import base64, json, os, time
def handler(event, context):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps({"event": event, "id": context.aws_request_id}) + "\\n")
    plan = json.load(open(os.environ["PLAN"]))
    data = {}
    for record in (one["kinesis"] for one in event["Records"]):
        data[base64.b64decode(record["data"]).decode("utf-8", "replace")] = record["sequenceNumber"]
    time.sleep(plan.get("takes", 0))
    if any(word in data for word in plan.get("fail", [])):
        raise ValueError("as planned")
    if "report" in plan:
        return {"batchItemFailures": [{"itemIdentifier": data[word]} for word in plan["report"] if word in data]}
    return plan.get("answer")
"""


class Stage:
    def __init__(self, binaries, directory):
        self.binaries, self.directory, self.count = binaries, directory, 0
        self.programs, self.url = start(binaries, directory)
        self.connect()

    def connect(self):
        self.api, self.kinesis = client("lambda", self.url), client("kinesis", self.url)

    def play(self, plan=None, shards=1, first=(), **settings):
        return Play(self, plan or {}, shards, first, settings)


class Play:
    """A stream, a function that notes what it gets, and a mapping between them."""

    def __init__(self, stage, plan, shards, first, settings):
        stage.count += 1
        self.stage, self.api, self.kinesis = stage, stage.api, stage.kinesis
        self.stream, self.function = f"stream{stage.count}", f"function{stage.count}"
        self.notes_path = f"{stage.directory}/notes{stage.count}"
        self.plan_path = f"{stage.directory}/plan{stage.count}"
        self.consumer = settings.pop("consumer", None)
        open(self.notes_path, "w").close()
        self.plan(plan)
        self.kinesis.create_stream(StreamName=self.stream, ShardCount=shards)
        self.arn = self.kinesis.describe_stream(StreamName=self.stream)["StreamDescription"]["StreamARN"]
        if self.consumer:
            self.arn = self.kinesis.register_stream_consumer(
                StreamARN=self.arn, ConsumerName=self.consumer)["Consumer"]["ConsumerARN"]
        self.api.create_function(
            FunctionName=self.function, Runtime="python3.11", Role=ROLE, Handler="index.handler",
            Code={"ZipFile": package(HANDLER)},
            Environment={"Variables": {"NOTES": self.notes_path, "PLAN": self.plan_path}})
        self.put(*first)
        settings.setdefault("StartingPosition", "TRIM_HORIZON")
        settings.setdefault("DestinationConfig", {"OnFailure": {"Destination": QUEUE}})
        self.uuid = self.api.create_event_source_mapping(
            FunctionName=self.function, EventSourceArn=self.arn, **settings)["UUID"]
        self.await_state("Enabled")

    def plan(self, plan):
        with open(self.plan_path + ".new", "w") as file:
            json.dump(plan, file)
        os.rename(self.plan_path + ".new", self.plan_path)

    def state(self):
        return self.api.get_event_source_mapping(UUID=self.uuid)["State"]

    def await_state(self, wanted):
        until = time.time() + 20
        while self.state() != wanted and time.time() < until:
            time.sleep(0.02)
        assert self.state() == wanted, self.state()

    def put(self, *words, key="k"):
        if words:
            self.kinesis.put_records(StreamName=self.stream, Records=[
                {"Data": word, "PartitionKey": word if key is None else key} for word in words])

    def notes(self):
        return [json.loads(line) for line in open(self.notes_path)]

    def batches(self):
        return ["".join(base64.b64decode(record["kinesis"]["data"]).decode() for record in note["event"]["Records"])
                for note in self.notes()]

    def documents(self):
        letters = [letter for letter in local(self.stage.url, "dlq")["letters"] if letter["mapping"] == self.uuid]
        return [local(self.stage.url, f'dlq/{letter["id"]}')["document"] for letter in letters]

    def conditions(self):
        return [(one["requestContext"]["condition"], one["requestContext"]["approximateInvokeCount"],
                 one["KinesisBatchInfo"]["batchSize"]) for one in self.documents()]


def batching(stage):
    play = stage.play(first="abcdefghijklmnopqrstuvwxyzABCD", BatchSize=10)
    wait_for("a backlog comes in full batches", ["abcdefghij", "klmnopqrst", "uvwxyzABCD"], play.batches)
    play = stage.play(StartingPosition="LATEST", BatchSize=10)
    play.put(*"abcdefghij")
    wait_for("what is put at once comes at once", ["abcdefghij"], play.batches)
    record = play.notes()[0]["event"]["Records"][0]
    is_("a record has AWS's members", ["awsRegion", "eventID", "eventName", "eventSource", "eventSourceARN",
                                       "eventVersion", "invokeIdentityArn", "kinesis"], sorted(record))
    is_("and its inner ones", ["approximateArrivalTimestamp", "data", "kinesisSchemaVersion", "partitionKey",
                               "sequenceNumber"], sorted(record["kinesis"]))
    is_("of which the id is made", "shardId-000000000000:" + record["kinesis"]["sequenceNumber"], record["eventID"])
    is_("with the stream's ARN and the role", (play.arn, ROLE), (record["eventSourceARN"], record["invokeIdentityArn"]))


def failures(stage):
    play = stage.play({"report": ["5"]}, first="012345", BatchSize=3, MaximumRetryAttempts=3,
                      FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_for("a partial failure starts a batch with a budget of its own", ["012", "345", "5", "5", "5", "5"],
             play.batches)
    wait_for("and is given up with its count", [("RetryAttemptsExhausted", 4, 1)], play.conditions)
    is_("told as no error of the function", {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
        play.documents()[0]["responseContext"])
    is_("tries of one batch have one request id", [1, 4], [
        len({note["id"] for note in play.notes()[1:2]}), len([note for note in play.notes() if note["id"]
                                                              == play.notes()[-1]["id"]])])
    is_("which the document names", play.notes()[-1]["id"], play.documents()[0]["requestContext"]["requestId"])

    play = stage.play({"fail": ["c"]}, first="abcd", BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    wait_for("a poison record is isolated by bisect", ["abcd", "ab", "cd", "c", "c", "d"], play.batches)
    wait_for("and given up alone", [("RetryAttemptsExhausted", 2, 1)], play.conditions)
    is_("told as an error of the function", "Unhandled", play.documents()[0]["responseContext"]["functionError"])

    play = stage.play({"fail": ["a"]}, first="ab", MaximumRetryAttempts=0)
    wait_for("without bisect a batch is given up whole", [("RetryAttemptsExhausted", 1, 2)], play.conditions)
    is_("after one try", ["ab"], play.batches())


def answers(stage):
    for answer in (None, {}, [], "", {"batchItemFailures": []}, {"batchItemFailures": None}):
        play = stage.play({"answer": answer}, first="a", MaximumRetryAttempts=0,
                          FunctionResponseTypes=["ReportBatchItemFailures"])
        wait_for(f"{answer!r} is success", "OK",
                 lambda: play.api.get_event_source_mapping(UUID=play.uuid)["LastProcessingResult"])
        is_("with nothing given up", [], play.documents())
    for items in ([{"itemIdentifier": "unknown"}], [{"itemIdentifier": 123}], [{"itemIdentifier": ""}],
                  [{"itemIdentifier": None}], [{"foo": 123}], [{"foo": None}]):
        play = stage.play({"answer": {"batchItemFailures": items}}, first="ab", MaximumRetryAttempts=1,
                          FunctionResponseTypes=["ReportBatchItemFailures"])
        wait_for(f"{items!r} fails the whole batch", [("RetryAttemptsExhausted", 2, 2)], play.conditions)
        is_("each time with all of it", ["ab", "ab"], play.batches())


def filters(stage):
    pattern = {"data": {"type": ["order"]}}
    play = stage.play(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    play.put('{"type": "order", "id": 1}', '{"type": "ping"}', "no JSON", '{"type":"order","id":2}')
    wait_for("filters let through what matches, as it was", ['{"type": "order", "id": 1}{"type":"order","id":2}'],
             play.batches)
    wait_for("and count the others", (4, 2, 2), lambda: tuple(
        next(one for one in local(stage.url, "status")["mappings"] if one["uuid"] == play.uuid)["counts"][name]
        for name in ("polled", "filtered", "succeeded")))


def disabling(stage):
    play = stage.play(StartingPosition="LATEST")
    play.put("a")
    wait_for("an enabled mapping delivers", ["a"], play.batches)
    play.api.update_event_source_mapping(UUID=play.uuid, Enabled=False)
    play.await_state("Disabled")
    play.put("b")
    time.sleep(0.5)
    is_("a disabled one does not", ["a"], play.batches())
    play.api.update_event_source_mapping(UUID=play.uuid, Enabled=True)
    play.await_state("Enabled")
    wait_for("enabled again it goes on where it was", ["a", "b"], play.batches)


def resharding(stage):
    play = stage.play()
    play.put("a")
    wait_for("a shard is read", ["a"], play.batches)
    play.kinesis.split_shard(StreamName=play.stream, ShardToSplit="shardId-000000000000",
                             NewStartingHashKey=str(1 << 127))
    for word, key in (("b", "0"), ("c", str((1 << 128) - 1))):
        play.kinesis.put_record(StreamName=play.stream, Data=word, PartitionKey="k", ExplicitHashKey=key)
    wait_for("so are both halves of a split", ["a", "b", "c"], lambda: sorted(play.batches()))
    play.kinesis.merge_shards(StreamName=play.stream, ShardToMerge="shardId-000000000001",
                              AdjacentShardToMerge="shardId-000000000002")
    play.put("d")
    wait_for("and what they are merged to", ["a", "b", "c", "d"], lambda: sorted(play.batches()))
    is_("under its own name", "shardId-000000000003",
        play.notes()[-1]["event"]["Records"][0]["eventID"].split(":")[0])


def lanes(stage):
    play = stage.play({"fail": ["poison"]}, BatchSize=1, ParallelizationFactor=10)
    play.put("poison", *"abcdefghijklmnopqrst", key=None)
    wait_for("a key that fails holds up no more than its lane", True,
             lambda: len({batch for batch in play.batches()} - {"poison"}) >= 14)
    is_("the mapping has no checkpoint past it", [None], [
        shard.get("checkpoint") for one in local(stage.url, "status")["mappings"] if one["uuid"] == play.uuid
        for shard in one["shards"]])
    play.api.update_event_source_mapping(UUID=play.uuid, MaximumRetryAttempts=0)
    wait_for("and is given up when the retries are cut", 20, lambda: len(
        {batch for batch in play.batches()} - {"poison"}))


def windows(stage):
    play = stage.play({"answer": {"state": {"sum": 7}}}, TumblingWindowInSeconds=1, BatchSize=1)
    play.put("a")
    wait_for("a window's record comes with an empty state", {}, lambda: (
        play.notes()[0]["event"]["state"] if play.notes() else None))
    event = play.notes()[0]["event"]
    is_("and the window's members", ["Records", "eventSourceARN", "isFinalInvokeForWindow", "isWindowTerminatedEarly",
                                     "shardId", "state", "window"], sorted(event))
    time.sleep(1.1)
    play.put("b")
    wait_for("a later record closes it first", [(1, False), (0, True), (1, False)], lambda: [
        (len(note["event"]["Records"]), note["event"]["isFinalInvokeForWindow"]) for note in play.notes()])
    is_("with the state of its calls", {"sum": 7}, play.notes()[1]["event"]["state"])
    is_("and the next one begins empty", {}, play.notes()[2]["event"]["state"])


def aggregate(*words):
    """What the Kinesis Producer Library makes of short words, each its own key."""
    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data
    message = b"".join(field(1, word.encode()) for word in words)
    for index, word in enumerate(words):
        message += field(3, bytes([1 << 3, index]) + field(3, word.encode()))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def fan_out(stage):
    play = stage.play(consumer="c")
    play.put("a")
    wait_for("records are pushed to a consumer's mapping", ["a"], play.batches)
    record = play.notes()[0]["event"]["Records"][0]
    is_("with the consumer's ARN", play.arn, record["eventSourceARN"])
    play.kinesis.put_record(StreamName=play.stream, Data=aggregate("b", "c", "d"), PartitionKey="outer")
    wait_for("aggregates are opened", "abcd", lambda: "".join(play.batches()))
    inner = [record for note in play.notes()[1:] for record in note["event"]["Records"]]
    is_("their records share id and number", (1, 1), (
        len({record["eventID"] for record in inner}), len({record["kinesis"]["sequenceNumber"] for record in inner})))
    is_("and have their own keys", ["b", "c", "d"], [record["kinesis"]["partitionKey"] for record in inner])
    play = stage.play()
    play.kinesis.put_record(StreamName=play.stream, Data=aggregate("b", "c"), PartitionKey="outer")
    wait_for("polled, an aggregate is one record", [1],
             lambda: [len(note["event"]["Records"]) for note in play.notes()])


def made_again(stage):
    play = stage.play(StartingPosition="LATEST")
    play.put("a")
    wait_for("a stream is read", ["a"], play.batches)
    play.kinesis.delete_stream(StreamName=play.stream)
    play.kinesis.create_stream(StreamName=play.stream, ShardCount=1)
    play.put("b")
    wait_for("and read again when it was deleted and made anew", ["a", "b"], play.batches)


def killed(stage):
    play = stage.play(BatchSize=5)
    words = [f"{n:03}" for n in range(300)]
    for n in range(0, 300, 50):
        play.put(*words[n:n + 50])
    wait_for("a daemon at work", True, lambda: len(play.batches()) > 3)
    os.kill(stage.programs[1].pid, signal.SIGKILL)
    stage.programs[1].wait()
    stage.programs[0].terminate()
    stage.programs[0].wait()
    stage.programs, stage.url = start(stage.binaries, stage.directory)
    stage.connect()

    def seen():
        joined = "".join(play.batches())
        return {joined[n:n + 3] for n in range(0, len(joined), 3)}
    wait_for("that is killed loses nothing", set(words), seen)


def main():
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(sys.argv[1], directory)
        try:
            for play in (batching, failures, answers, filters, disabling, resharding, lanes, windows, fan_out,
                         made_again, killed):
                if len(sys.argv) < 3 or play.__name__ in sys.argv[2:]:
                    play(stage)
        except BaseException:
            print(open(f"{directory}/log").read()[-8000:])
            raise
        finally:
            for program in reversed(stage.programs):
                program.terminate()
                program.wait()
        if any(program.returncode for program in stage.programs):
            print(open(f"{directory}/log").read()[-8000:])
        is_("the daemons stop cleanly", [0, 0], [program.returncode for program in stage.programs])


if __name__ == "__main__":
    main()
