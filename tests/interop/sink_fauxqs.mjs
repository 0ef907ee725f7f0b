// Failure documents reach a queue, a topic and a bucket of fauxqs, byte for byte.
import assert from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const home = join(process.env.INTEROP_NPM, 'node_modules', 'fauxqs', 'dist', 'app.js');
if (!existsSync(home)) {
    console.log('skipped: no fauxqs');
    process.exit(77);
}
const { startFauxqs } = await import(pathToFileURL(home));

const document = {
    requestContext: {
        requestId: '316aa6d0-8154-4aaa-9af7-85d5f4a6bc81',
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 3,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: '2025-11-25T16:35:32.123Z',
    KinesisBatchInfo: {
        shardId: 'shardId-000000000000',
        startSequenceNumber: '4966',
        endSequenceNumber: '4967',
        approximateArrivalOfFirstRecord: '2025-11-25T16:35:28.456Z',
        approximateArrivalOfLastRecord: '2025-11-25T16:35:28.457Z',
        batchSize: 2,
        streamArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
    },
};
const payload = '{"Records":[{"text":"grüß \\"quoted\\" \\n"}]}';
const { timestamp, KinesisBatchInfo, ...head } = document;
const withPayload = { ...head, payload, timestamp, KinesisBatchInfo };

const server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1', messageSpies: true });
const directory = mkdtempSync(join(tmpdir(), 'mr-sink-'));
try {
    const queue = server.createQueue('Failed');
    server.createQueue('Listening');
    const topic = server.createTopic('Told');
    server.subscribe({ topic: 'Told', queue: 'Listening' });
    server.createBucket('kept');

    const { stdout } = await promisify(execFile)(process.env.INTEROP_SINK, [
        `http://127.0.0.1:${server.port}`, join(directory, 'dead_letters.db'),
        queue.queueArn, topic.topicArn, 'arn:aws:s3:::kept',
        'arn:aws:sqs:us-east-1:000000000000:Missing', 'arn:aws:s3:::missing',
    ], { timeout: 60000 });
    const lines = stdout.trim().split('\n');

    assert.equal(lines[0], 'delivered sqs Failed');
    assert.equal(lines[1], 'delivered sns Told');
    assert.match(lines[2], /^delivered s3 kept\/aws\/lambda\//);
    assert.match(lines[3], /^failed sqs GetQueueUrl: .*(QueueDoesNotExist|NonExistentQueue).*kept as dead letter 1$/);
    assert.match(lines[4], /^failed s3 PUT .*NoSuchBucket.*kept as dead letter 2$/);

    const message = server.inspectQueue('Failed').messages.ready[0];
    assert.equal(message.body, JSON.stringify(document));

    const told = JSON.parse(server.inspectQueue('Listening').messages.ready[0].body);
    assert.equal(told.TopicArn, topic.topicArn);
    assert.equal(told.Message, JSON.stringify(document));

    const key = lines[2].slice('delivered s3 kept/'.length);
    assert.match(key, /^aws\/lambda\/0b2e4d9c-1111-4222-8333-444455556666\/shardId-000000000000\/2025\/11\/25\/2025-11-25T16\.35\.32-[0-9a-f]{8}-/);
    const object = await fetch(`http://127.0.0.1:${server.port}/kept/${key}`);
    assert.equal(object.status, 200);
    assert.equal(object.headers.get('content-type'), 'application/octet-stream');
    assert.equal(await object.text(), JSON.stringify(withPayload));
    console.log('a queue, a topic and a bucket took the documents; two missing ones did not');
} finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
}
