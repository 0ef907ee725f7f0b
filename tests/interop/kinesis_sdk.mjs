// The JS SDK, which speaks HTTP/2 to Kinesis: every operation it knows, over http and https.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

let sdk;
try {
  sdk = createRequire((process.env.INTEROP_NPM ?? ".") + "/play.js")("@aws-sdk/client-kinesis");
} catch {
  console.log("skipped: no @aws-sdk/client-kinesis (INTEROP_NPM names the directory it is installed in)");
  process.exit(77);
}

const bin = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), "millrace-sdk-"));
const server = spawn(join(bin, "millrace-streamd"),
  ["--data", directory, "--port", "0", "--tls-port", "0", "--durability", "os", "--ready-fd", "3"],
  { stdio: ["ignore", "inherit", "pipe", "pipe"] });
process.on("exit", () => server.kill("SIGKILL"));

function check(name, condition, detail = "") {
  if (!condition) {
    console.log("failed:", name, detail);
    process.exit(1);
  }
  console.log("ok:", name);
}

function same(name, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  check(name, a === b, `\n  wanted: ${b}\n  got:    ${a}`);
}

async function refused(name, promise, error) {
  try {
    await promise;
  } catch (caught) {
    same(name, caught.name, error);
    return;
  }
  check(name, false, "it was taken");
}

// The log tells the port of HTTPS, the descriptor that of HTTP.
let log = "";
server.stderr.on("data", (data) => { log += data; });
const port = await new Promise((done) => server.stdio[3].once("data", (data) => done(String(data).split(" ")[1].trim())));
const tlsPort = /https:\/\/127\.0\.0\.1:(\d+)/.exec(log)[1];

const text = (bytes) => Buffer.from(bytes).toString();

async function play(endpoint, prefix) {
  const kinesis = new sdk.Kinesis({
    endpoint, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const name = prefix + "-stream";
  const tell = (line) => `${prefix}: ${line}`;
  await kinesis.createStream({ StreamName: name, ShardCount: 2, Tags: { made: "here" } });
  await sdk.waitUntilStreamExists({ client: kinesis, maxWaitTime: 30 }, { StreamName: name });
  const { StreamDescriptionSummary: summary } = await kinesis.describeStreamSummary({ StreamName: name });
  same(tell("a stream is made"), [summary.StreamStatus, summary.OpenShardCount], ["ACTIVE", 2]);
  const arn = summary.StreamARN;
  const { Consumer: consumer } = await kinesis.registerStreamConsumer({ StreamARN: arn, ConsumerName: "reader" });

  const put = await kinesis.putRecords({
    StreamARN: arn,
    Records: Array.from({ length: 500 }, (_, i) => ({ PartitionKey: "key", Data: Buffer.from(`record ${i}`) })),
  });
  same(tell("500 records are put"), put.FailedRecordCount, 0);
  const shard = put.Records[0].ShardId;
  const { ShardIterator } = await kinesis.getShardIterator({ StreamName: name, ShardId: shard, ShardIteratorType: "TRIM_HORIZON" });
  const got = await kinesis.getRecords({ ShardIterator });
  same(tell("and read"), got.Records.map((r) => text(r.Data)).join(), Array.from({ length: 500 }, (_, i) => `record ${i}`).join());
  check(tell("with the time they arrived"), Math.abs(got.Records[0].ApproximateArrivalTimestamp - Date.now()) < 60000);

  const { EventStream } = await kinesis.subscribeToShard({
    ConsumerARN: consumer.ConsumerARN, ShardId: shard, StartingPosition: { Type: "TRIM_HORIZON" },
  });
  const pushed = [];
  setTimeout(() => kinesis.putRecord({ StreamName: name, PartitionKey: "key", Data: Buffer.from("last") }), 100);
  for await (const event of EventStream) {
    pushed.push(...event.SubscribeToShardEvent.Records.map((r) => text(r.Data)));
    if (pushed.at(-1) === "last") {
      break;
    }
  }
  same(tell("a subscriber gets them, and what comes later"), [pushed.length, pushed[0]], [501, "record 0"]);
  await refused(tell("another subscriber has to wait"), kinesis.subscribeToShard({
    ConsumerARN: consumer.ConsumerARN, ShardId: shard, StartingPosition: { Type: "LATEST" },
  }), "ResourceInUseException");

  same(tell("consumers are listed"), (await kinesis.listStreamConsumers({ StreamARN: arn })).Consumers.map((c) => c.ConsumerName), ["reader"]);
  same(tell("and described"), (await kinesis.describeStreamConsumer({ ConsumerARN: consumer.ConsumerARN })).ConsumerDescription.ConsumerStatus, "ACTIVE");
  await kinesis.deregisterStreamConsumer({ ConsumerARN: consumer.ConsumerARN });

  await kinesis.splitShard({ StreamName: name, ShardToSplit: "shardId-000000000000", NewStartingHashKey: "100" });
  await kinesis.mergeShards({ StreamName: name, ShardToMerge: "shardId-000000000002", AdjacentShardToMerge: "shardId-000000000003" });
  const counted = await kinesis.updateShardCount({ StreamName: name, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
  same(tell("shards are split, merged and counted"), [counted.CurrentShardCount, counted.TargetShardCount], [2, 4]);
  same(tell("the open ones are listed"), (await kinesis.listShards({ StreamARN: arn, ShardFilter: { Type: "AT_LATEST" } })).Shards.length, 4);
  let paged = 0;
  for (let page = { NextToken: null }; page.NextToken !== undefined; paged += page.Shards.length) {
    page = await kinesis.listShards(page.NextToken ? { NextToken: page.NextToken, MaxResults: 3 } : { StreamName: name, MaxResults: 3 });
  }
  same(tell("all of them in pages"), paged, (await kinesis.listShards({ StreamName: name })).Shards.length);

  await kinesis.increaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: 48 });
  await kinesis.decreaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: 25 });
  await kinesis.startStreamEncryption({ StreamName: name, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" });
  await kinesis.enableEnhancedMonitoring({ StreamName: name, ShardLevelMetrics: ["ALL"] });
  await kinesis.updateMaxRecordSize({ StreamARN: arn, MaxRecordSizeInKiB: 2048 });
  const { StreamDescription: told } = await kinesis.describeStream({ StreamName: name });
  same(tell("settings are told"), [told.RetentionPeriodHours, told.EncryptionType, told.EnhancedMonitoring[0].ShardLevelMetrics.length], [25, "KMS", 7]);
  await kinesis.stopStreamEncryption({ StreamName: name, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" });
  await kinesis.disableEnhancedMonitoring({ StreamName: name, ShardLevelMetrics: ["ALL"] });

  await kinesis.addTagsToStream({ StreamName: name, Tags: { a: "b" } });
  await kinesis.tagResource({ ResourceARN: arn, Tags: { c: "d" } });
  await kinesis.removeTagsFromStream({ StreamName: name, TagKeys: ["a"] });
  await kinesis.untagResource({ ResourceARN: arn, TagKeys: ["made"] });
  same(tell("tags of both kinds"), [(await kinesis.listTagsForStream({ StreamName: name })).Tags, (await kinesis.listTagsForResource({ ResourceARN: arn })).Tags],
    [[{ Key: "c", Value: "d" }], [{ Key: "c", Value: "d" }]]);

  const policy = '{"Statement":[]}';
  await kinesis.putResourcePolicy({ ResourceARN: arn, Policy: policy });
  same(tell("a policy"), (await kinesis.getResourcePolicy({ ResourceARN: arn })).Policy, policy);
  await kinesis.deleteResourcePolicy({ ResourceARN: arn });
  await kinesis.updateStreamMode({ StreamARN: arn, StreamModeDetails: { StreamMode: "ON_DEMAND" } });
  await kinesis.updateAccountSettings({ MinimumThroughputBillingCommitment: { Status: "ENABLED" } });
  same(tell("the account's settings"), (await kinesis.describeAccountSettings({})).MinimumThroughputBillingCommitment.Status, "ENABLED");
  same(tell("warm throughput"), (await kinesis.updateStreamWarmThroughput({ StreamARN: arn, WarmThroughputMiBps: 8 })).WarmThroughput.TargetMiBps, 8);
  check(tell("limits"), (await kinesis.describeLimits({})).ShardLimit > 0);
  check(tell("streams are listed"), (await kinesis.listStreams({})).StreamNames.includes(name));
  await kinesis.deleteStream({ StreamName: name });
  await refused(tell("a deleted stream is not found"), kinesis.describeStream({ StreamName: name }), "ResourceNotFoundException");
  kinesis.destroy();
}

await play(`http://127.0.0.1:${port}`, "http");
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // the server's own certificate
process.removeAllListeners("warning");
await play(`https://127.0.0.1:${tlsPort}`, "https");
server.kill("SIGTERM");
same("the server stops cleanly", await new Promise((done) => server.on("exit", done)), 0);
rmSync(directory, { recursive: true });
