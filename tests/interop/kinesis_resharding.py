"""A consumer as the Kinesis Client Library is one, while shards split and merge under the writer.

It reads every parent to its end before the children that ChildShards names, and must see every
record exactly once and those of a key in the order they were put, through a kill of the server too.
"""
import base64
import random
import sys
import threading
import time

from kinesis_server import Server, check, same

KEYS, RECORDS = 40, 6000
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
random.seed(seed)
server = Server()
server.ok("CreateStream", StreamName="s", ShardCount=2)
acknowledged = {}  # key -> numbers in the order they were put
lock = threading.Lock()
finished = threading.Event()


def write():
    counters = [0] * KEYS
    put = 0
    while put < RECORDS:
        batch = []
        for _ in range(random.randint(1, 100)):
            key = random.randrange(KEYS)
            counters[key] += 1
            batch.append((key, counters[key]))
        answer = server.ok("PutRecords", StreamName="s", Records=[
            {"PartitionKey": f"key-{key}", "Data": base64.b64encode(f"{key} {number}".encode()).decode()}
            for key, number in batch])
        assert answer["FailedRecordCount"] == 0
        with lock:
            for key, number in batch:
                acknowledged.setdefault(key, []).append(number)
        put += len(batch)
        time.sleep(0.02)
    finished.set()


def reshape():
    while not finished.is_set():
        shards = [s for s in server.shards("s") if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        shards.sort(key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))
        choice = random.random()
        if choice < 0.5 and len(shards) < 12:
            shard = random.choice(shards)
            low, high = (int(shard["HashKeyRange"][k]) for k in ("StartingHashKey", "EndingHashKey"))
            server.ok("SplitShard", StreamName="s", ShardToSplit=shard["ShardId"],
                      NewStartingHashKey=str(random.randrange(low + 2, high)))
        elif choice < 0.9 and len(shards) > 1:
            at = random.randrange(len(shards) - 1)
            server.ok("MergeShards", StreamName="s", ShardToMerge=shards[at]["ShardId"],
                      AdjacentShardToMerge=shards[at + 1]["ShardId"])
        else:
            server.ok("UpdateShardCount", StreamName="s", ScalingType="UNIFORM_SCALING",
                      TargetShardCount=random.randint(max(1, len(shards) // 2), min(12, 2 * len(shards))))
        time.sleep(0.03)


seen, began, ended = {}, set(), set()


def consume():
    """One lease after the other, as far as there is something to read."""
    iterators = {}
    for shard in server.ok("ListShards", StreamName="s", ShardFilter={"Type": "AT_TRIM_HORIZON"})["Shards"]:
        iterators[shard["ShardId"]] = None
    waiting = {}
    while iterators:
        for shard in list(iterators):
            if iterators[shard] is None:
                assert shard not in began, f"{shard} began twice"
                began.add(shard)
                iterators[shard] = server.ok("GetShardIterator", StreamName="s", ShardId=shard,
                                             ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            answer = server.ok("GetRecords", ShardIterator=iterators[shard], Limit=random.randint(1, 300))
            for record in answer["Records"]:
                key, number = base64.b64decode(record["Data"]).split()
                seen.setdefault(int(key), []).append(int(number))
            iterators[shard] = answer.get("NextShardIterator")
            if iterators[shard] is None:
                del iterators[shard]
                ended.add(shard)
                for child in answer["ChildShards"]:
                    waiting[child["ShardId"]] = child["ParentShards"]
        for child, parents in list(waiting.items()):
            if all(parent in ended for parent in parents):
                iterators[child] = None
                del waiting[child]
        if finished.is_set() and sum(map(len, seen.values())) >= RECORDS and not waiting:
            with lock:
                if sum(map(len, seen.values())) == sum(map(len, acknowledged.values())):
                    return


threads = [threading.Thread(target=target, daemon=True) for target in (write, reshape)]
for thread in threads:
    thread.start()
deadline = threading.Timer(90, lambda: print(f"failed: seed {seed}: not done in 90 s", flush=True))
deadline.daemon = True
deadline.start()
consume()
for thread in threads:
    thread.join()
shards = server.shards("s")
check(f"shards were split and merged under the writer (seed {seed})", len(shards) > 20, len(shards))
same("every record was seen once, those of a key in order", seen, acknowledged)
check("no shard was begun before its parents had ended",
      all(s.get("ParentShardId", s["ShardId"]) in ended or "ParentShardId" not in s or s["ShardId"] not in began
          for s in shards))

server.process.kill()
server.process.wait()
server.start()
same("after a kill the shards are the same", server.shards("s"), shards)
before, seen, began, ended = seen, {}, set(), set()
consume()
same("and all is there to be read again", seen, before)
server.close()
