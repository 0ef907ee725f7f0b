"""kill -9 at random moments, while records are put, shards split and encryption turned on and off."""
import base64
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time

from kinesis_server import AUTHORIZATION, Server, check

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 12
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 5
random.seed(seed)
keys = tempfile.mktemp()
with open(keys, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
    file.write("33" * 32 + "\n")
server = Server("--master-key-file", keys)
server.ok("CreateStream", StreamName="s", ShardCount=3)
acknowledged, lock, stopping = set(), threading.Lock(), threading.Event()
HEADERS = {"Content-Type": "application/x-amz-json-1.1", "Authorization": AUTHORIZATION,
           "X-Amz-Date": "20300101T000000Z"}


def call(connection, operation, **arguments):
    connection.request("POST", "/", json.dumps(arguments),
                       {**HEADERS, "X-Amz-Target": "Kinesis_20131202." + operation})
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"null")


def write(name):
    number = 0
    while not stopping.is_set():
        try:
            connection = server.connection()
            while not stopping.is_set():
                batch = [f"{name}-{number + i}" for i in range(random.randint(1, 60))]
                number += len(batch)
                status, answer = call(connection, "PutRecords", StreamName="s", Records=[
                    {"PartitionKey": text, "Data": base64.b64encode(text.encode()).decode()} for text in batch])
                if status == 200:
                    with lock:
                        acknowledged.update(text for text, record in zip(batch, answer["Records"])
                                            if "SequenceNumber" in record)
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)


def meddle():
    while not stopping.is_set():
        try:
            connection = server.connection()
            if random.random() < 0.5:
                word = random.choice(["Start", "Stop"])
                call(connection, word + "StreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="k")
            else:
                _, listed = call(connection, "ListShards", StreamName="s", ShardFilter={"Type": "AT_LATEST"})
                shard = random.choice(listed["Shards"])
                low, high = (int(shard["HashKeyRange"][k]) for k in ("StartingHashKey", "EndingHashKey"))
                call(connection, "SplitShard", StreamName="s", ShardToSplit=shard["ShardId"],
                     NewStartingHashKey=str((low + high) // 2))
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)


threads = [threading.Thread(target=write, args=(f"w{i}",), daemon=True) for i in range(3)]
threads.append(threading.Thread(target=meddle, daemon=True))
for thread in threads:
    thread.start()
for _ in range(KILLS):
    time.sleep(random.uniform(0.01, 0.15))
    server.process.kill()
    server.process.wait()
    server.start()
time.sleep(0.1)
stopping.set()
for thread in threads:
    thread.join()

found = []
for shard in server.shards("s"):
    iterator, last = server.iterator("s", int(shard["ShardId"][8:])), 0
    while iterator:
        answer = server.ok("GetRecords", ShardIterator=iterator)
        for record in answer["Records"]:
            assert int(record["SequenceNumber"]) > last, shard
            last = int(record["SequenceNumber"])
            found.append(base64.b64decode(record["Data"]).decode())
        iterator = answer.get("NextShardIterator")
        if not answer["Records"]:
            break
missing = acknowledged - set(found)
check(f"of {len(acknowledged)} acknowledged records none is lost in {KILLS} kills (seed {seed})", not missing,
      sorted(missing)[:5])
check("none is there twice", len(found) == len(set(found)), len(found) - len(set(found)))
check("something was put", len(acknowledged) > 100, len(acknowledged))
server.close()
os.unlink(keys)
