"""Holds what a stream has against what its handler saw.

usage: check_handled.py STREAM.json HANDLED REWINDS [CHECKPOINTS]

STREAM.json is `millrace tail --output json`; HANDLED has "SHARD SEQUENCE DATA" lines in the order of
handling; each shard may go back at most REWINDS times. CHECKPOINTS has "SHARD|SEQUENCE" lines as they
stood when millraced was killed: what came again after that begins behind them."""
import json
import sys

stream, handled, rewinds = sys.argv[1], sys.argv[2], int(sys.argv[3])
order = {}
for line in open(stream):
    record = json.loads(line)
    order.setdefault(record["shard"], []).append(record["sequence_number"])
place = {shard: {number: i for i, number in enumerate(numbers)} for shard, numbers in order.items()}
last, backs, seen, duplicates = {}, {}, {shard: set() for shard in order}, 0
for line in open(handled):
    shard, number, _ = line.split(" ", 2)
    at = place[shard][number]
    before = last.get(shard, -1)
    if at > before + 1:
        sys.exit(f"{shard}: record {at} came after {before}: the ones between were passed over")
    if at <= before:
        backs.setdefault(shard, []).append((before, at))
    duplicates += number in seen[shard]
    seen[shard].add(number)
    last[shard] = at
for shard, numbers in order.items():
    missing = len(numbers) - len(seen[shard])
    if missing:
        sys.exit(f"{shard}: {missing} of {len(numbers)} records were never handled")
    if len(backs.get(shard, [])) > rewinds:
        sys.exit(f"{shard}: went back {len(backs[shard])} times: {backs[shard]}")
if len(sys.argv) > 4:
    for line in open(sys.argv[4]):
        shard, number = line.strip().split("|")
        at = place[shard][number]
        # The death of millraced is what makes a shard go back furthest.
        for before, to in backs.get(shard, []):
            if to <= at < before:
                sys.exit(f"{shard}: went back from {before} to {to}, before its checkpoint {at}")
total = sum(len(numbers) for numbers in order.values())
print(f"{total} records handled in order in {len(order)} shards, {duplicates} of them twice or more")
