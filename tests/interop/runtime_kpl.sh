#!/bin/sh
# What npm's aws-kinesis-agg aggregates, the SDK opens: every record, key, hash key and number.
. "$(dirname "$0")/runtime_helpers.sh"
[ -d "$INTEROP_NPM/node_modules/aws-kinesis-agg" ] || { echo "skipped: no aws-kinesis-agg"; exit 77; }
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }

cp "$INTEROP_KPL_HANDLER" "$dir/code/bootstrap"
cat >"$dir/make.cjs" <<'END'
const fs = require('node:fs');
const { RecordAggregator, deaggregateSync } = require(process.argv[2] + '/node_modules/aws-kinesis-agg');
const events = [], wanted = [];
// Few and many records, with and without hash keys, empty-ish, UTF-8 and long data.
for (const count of [1, 2, 17, 1200]) {
  const agg = new RecordAggregator();
  const records = [];
  for (let i = 0; i < count; i++) {
    records.push({
      partitionKey: 'key-' + (count === 1200 ? i : i % 7),
      explicitHashKey: i % 3 === 0 ? undefined : String(2n ** 127n + BigInt(i % 5)),
      data: Buffer.from(i % 11 === 0 ? 'ä€ 😀 "quoted"\n' : 'x'.repeat(i * 7 % 90 + 1)),
    });
  }
  records.forEach((record) => agg.addUserRecord({ ...record }));
  const { partitionKey, data } = agg.build();
  events.push({ Records: [0, 1].map((n) => ({
    kinesis: { kinesisSchemaVersion: '1.0', partitionKey, sequenceNumber: '4959033827149025660855969253836157109592157598913639' + n,
      data: (n === 0 ? data : Buffer.from('plain')).toString('base64'), approximateArrivalTimestamp: 1545084650.987 },
    eventSource: 'aws:kinesis', eventVersion: '1.0', eventID: 'shardId-000000000006:49590338271490256608559692538361571095921575989136588898',
    eventName: 'aws:kinesis:record', awsRegion: 'us-east-1', eventSourceARN: 'arn:aws:kinesis:us-east-1:123456789012:stream/s' })) });
  // The library's own reader is the judge, but where there is no hash key: it then gives the first one
  // there is, because an index that is not there reads as 0 to it.
  const rows = [];
  deaggregateSync(events.at(-1).Records[0].kinesis, true, (error, users) => {
    if (error) throw error;
    users.forEach((user, sub) => rows.push({ key: user.partitionKey, sub,
      hash: records[sub].explicitHashKey ? user.explicitPartitionKey : null,
      data: Buffer.from(user.data, 'base64').toString() }));
  });
  if (rows.length !== count) throw new Error('the library lost records');
  rows.push({ key: partitionKey, hash: null, sub: 0, data: 'plain' });
  wanted.push(rows);
}
fs.writeFileSync(process.argv[3] + '/wanted', wanted.map((rows) => JSON.stringify(rows) + '\n').join(''));
events.forEach((event, i) => fs.writeFileSync(`${process.argv[3]}/event${i}`, JSON.stringify(event)));
END
node "$dir/make.cjs" "$INTEROP_NPM" "$dir"

run provided.al2023 bootstrap "$(cat "$dir/event0")" "$(cat "$dir/event1")" "$(cat "$dir/event2")" "$(cat "$dir/event3")"
cat >"$dir/compare.cjs" <<'END'
const fs = require('node:fs');
const read = (name) => fs.readFileSync(process.argv[2] + '/' + name, 'utf8').trimEnd().split('\n');
const wanted = read('wanted'), got = read('out');
if (got.length !== wanted.length) throw new Error(`${got.length} answers, not ${wanted.length}`);
wanted.forEach((line, i) => require('node:assert').deepStrictEqual(JSON.parse(got[i].replace(/^OK /, '')), JSON.parse(line)));
END
node "$dir/compare.cjs" "$dir"
