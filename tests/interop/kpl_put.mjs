// Aggregates: what `millrace put --kpl` packs, aws-kinesis-agg opens; what it packs, we open.
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let agg;
try {
    agg = createRequire((process.env.INTEROP_NPM ?? '.') + '/play.js')('aws-kinesis-agg');
} catch {
    console.log('skipped: no aws-kinesis-agg');
    process.exit(77);
}
const bin = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'mr-kpl-'));
const server = spawn(join(bin, 'millrace-streamd'),
    ['--data', directory, '--port', '0', '--durability', 'os', '--ready-fd', '3'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
process.on('exit', () => { server.kill('SIGKILL'); rmSync(directory, { recursive: true, force: true }); });
const port = await new Promise((done) =>
    server.stdio[3].once('data', (data) => done(String(data).split(' ')[1].trim())));
const endpoint = `http://127.0.0.1:${port}`;

async function kinesis(operation, body) {
    const answer = await fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/x-amz-json-1.1',
                   'x-amz-target': `Kinesis_20131202.${operation}`,
                   'x-amz-date': '20260101T000000Z',
                   authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/'
                       + 'aws4_request, SignedHeaders=host;x-amz-date, Signature=00' },
        body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text === '' ? null : JSON.parse(text);
}

const deaggregate = (record) => new Promise((done, fail) => agg.deaggregateSync(
    { data: record.Data, sequenceNumber: record.SequenceNumber, partitionKey: record.PartitionKey,
      explicitPartitionKey: undefined }, true,
    (error, records) => error ? fail(error) : done(records)));

// Ours, opened by theirs.
await kinesis('CreateStream', { StreamName: 's', ShardCount: 3 });
const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ id: `k${i % 97}`, n: i, text: 'grüß'.repeat(i % 9) }));
const said = execFileSync(join(bin, 'millrace'),
    ['put', 's', '--kpl', '--key-field', 'id', '--endpoint-url', endpoint],
    { input: lines.join('\n') + '\n', env: { ...process.env, AWS_ENDPOINT_URL: '' } }).toString();
assert.match(said, /^packed 5000 records; put \d+ records/);
const { Shards: shards } = await kinesis('ListShards', { StreamName: 's' });
const seen = [];
let outer = 0;
for (const { ShardId } of shards) {
    let { ShardIterator: iterator } = await kinesis('GetShardIterator', { StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' });
    for (let records = [null]; records.length > 0;) {
        const answer = await kinesis('GetRecords', { ShardIterator: iterator });
        ({ Records: records, NextShardIterator: iterator } = answer);
        for (const record of records) {
            outer++;
            assert.ok(Buffer.from(record.Data, 'base64').length <= 51200);
            for (const inner of await deaggregate(record)) {
                const value = JSON.parse(Buffer.from(inner.data, 'base64'));
                assert.equal(inner.partitionKey, value.id);
                seen.push({ shard: ShardId, ...value });
            }
        }
    }
}
assert.ok(outer < 40, `${outer} outer records`);
assert.equal(seen.length, 5000);
assert.deepEqual(seen.map((r) => r.n).sort((a, b) => a - b), lines.map((_, i) => i));
const shardOf = new Map();
const last = new Map();
for (const { shard, id, n } of seen) {
    assert.equal(shardOf.get(id) ?? shard, shard, `${id} lies in two shards`);
    assert.ok((last.get(id) ?? -1) < n, `${id} out of order`);
    shardOf.set(id, shard);
    last.set(id, n);
}
assert.equal(new Set(shardOf.values()).size, 3);

// Theirs, opened by ours.
const records = Array.from({ length: 300 }, (_, i) => ({
    partitionKey: `key "${i % 11}" ü`, explicitHashKey: i % 2 ? String(10 ** 20 + i) : undefined,
    data: Buffer.from(`record ${i} `.repeat(i % 20 + 1)),
}));
const packed = [];
await new Promise((done, fail) => agg.aggregate(records, (encoded, next) => { packed.push(encoded.data); next(); },
    () => done(), (error) => fail(error)));
const opened = execFileSync(process.env.INTEROP_KPL,
    { input: packed.map((data) => Buffer.from(data).toString('base64')).join('\n') + '\nAAAA\n84mawgAA\n' })
    .toString().trim().split('\n').map((line) => JSON.parse(line));
assert.deepEqual(opened.slice(-2), [null, null]);
assert.deepEqual(opened.slice(0, -2).flat().map(({ key, data }) => [key, data]),
    records.map((r) => [r.partitionKey, r.data.toString('base64')]));
console.log(`5000 records in ${outer} aggregates of ours, 300 in ${packed.length} of theirs`);
server.kill('SIGTERM');
