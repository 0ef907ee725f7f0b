// The JS SDK against streamd and millraced as one endpoint: functions, answers in pieces, mappings.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

let sdk, streams;
try {
  const require = createRequire((process.env.INTEROP_NPM ?? ".") + "/play.js");
  sdk = require("@aws-sdk/client-lambda");
  streams = require("@aws-sdk/client-kinesis");
} catch {
  console.log("skipped: no @aws-sdk/client-lambda (INTEROP_NPM names the directory it is installed in)");
  process.exit(77);
}

const bin = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), "millrace-sdk-"));
const programs = [];
let log = "";

async function start(name, ...flags) {
  const program = spawn(join(bin, name), [...flags, "--ready-fd", "3"],
    { stdio: ["ignore", "inherit", "pipe", "pipe"] });
  programs.push(program);
  program.stderr.on("data", (data) => { log += data; });
  return new Promise((done) => program.stdio[3].once("data", (data) => done(String(data).split(" ")[1].trim())));
}

process.on("exit", () => {
  programs.forEach((program) => program.kill("SIGKILL"));
  rmSync(directory, { recursive: true, force: true });
});

function same(name, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) {
    console.log(`failed: ${name}\n  wanted: ${b}\n  got:    ${a}\n${log}`);
    process.exit(1);
  }
  console.log("ok:", name);
}

async function refused(name, promise, error, text) {
  try {
    await promise;
  } catch (caught) {
    same(name, [caught.name, caught.message], [error, text]);
    return;
  }
  same(name, "it was taken", error);
}

const port = await start("millrace-streamd", "--data", join(directory, "streamd"), "--port", "0", "--socket",
  join(directory, "s.sock"), "--forward", join(directory, "m.sock"), "--durability", "os");
await start("millraced", "--data", join(directory, "millraced"), "--socket", join(directory, "m.sock"), "--kinesis",
  `unix:${join(directory, "s.sock")}`, "--sandbox", "off");
const place = { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", maxAttempts: 1,
  credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const lambda = new sdk.Lambda(place);
const kinesis = new streams.Kinesis(place);
const text = (bytes) => Buffer.from(bytes).toString();
const arn = "arn:aws:lambda:us-east-1:123456789012:function:f";

mkdirSync(join(directory, "code"));
writeFileSync(join(directory, "code", "index.mjs"), `
export const handler = async (event, context) => ({ event, arn: context.invokedFunctionArn });
export const pieces = awslambda.streamifyResponse(async (event, out) => {
  out.write("one ");
  await new Promise((done) => setTimeout(done, 50));
  out.write("two");
  out.end();
});
`);
const common = { Runtime: "nodejs22.x", Role: "arn:aws:iam::123456789012:role/r",
  Code: { S3Bucket: "local-directory", S3Key: join(directory, "code") } };
const made = await lambda.createFunction({ ...common, FunctionName: "f", Handler: "index.handler" });
same("a function is made", [made.State, made.FunctionArn], ["Pending", arn]);
await lambda.createFunction({ ...common, FunctionName: "pieces", Handler: "index.pieces" });
const waited = await sdk.waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20 }, { FunctionName: "f" });
same("the waiter sees it Active", waited.state, "SUCCESS");

const answer = await lambda.invoke({ FunctionName: arn, Payload: '{"n":1}', LogType: "Tail" });
same("it is invoked by its ARN", [answer.StatusCode, answer.ExecutedVersion, JSON.parse(text(answer.Payload))],
  [200, "$LATEST", { event: { n: 1 }, arn }]);
same("the log's end is returned", Buffer.from(answer.LogResult, "base64").toString().includes("REPORT RequestId"), true);
same("an event is accepted", (await lambda.invoke({ FunctionName: "f", InvocationType: "Event" })).StatusCode, 202);
await refused("a function that is not there", lambda.invoke({ FunctionName: "nope" }), "ResourceNotFoundException",
  "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope");

async function streamed(name) {
  const result = await lambda.invokeWithResponseStream({ FunctionName: name, Payload: "{}", LogType: "Tail" });
  let body = "", complete;
  for await (const piece of result.EventStream) {
    body += piece.PayloadChunk === undefined ? "" : text(piece.PayloadChunk.Payload);
    complete = piece.InvokeComplete ?? complete;
  }
  return [result.ExecutedVersion, body, complete.ErrorCode, complete.LogResult !== undefined];
}
same("an answer comes in pieces", await streamed("pieces"), ["$LATEST", "one two", undefined, true]);
same("one that does not is one piece", await streamed("f"),
  ["$LATEST", JSON.stringify({ event: {}, arn }), undefined, true]);

await kinesis.createStream({ StreamName: "s", ShardCount: 1 });
const source = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
const mapping = await lambda.createEventSourceMapping({ FunctionName: "f", EventSourceArn: source,
  StartingPosition: "TRIM_HORIZON" });
same("a mapping is made", [mapping.State, mapping.EventSourceMappingArn],
  ["Creating", `arn:aws:lambda:us-east-1:123456789012:event-source-mapping:${mapping.UUID}`]);
await kinesis.putRecord({ StreamName: "s", PartitionKey: "a", Data: Buffer.from("hello") });
let seen;
for (let i = 0; i < 200 && seen?.LastProcessingResult !== "OK"; i++) {
  await new Promise((done) => setTimeout(done, 50));
  seen = await lambda.getEventSourceMapping({ UUID: mapping.UUID });
}
same("a record is handled", [seen.State, seen.LastProcessingResult], ["Enabled", "OK"]);
await refused("a stream that is not there",
  lambda.createEventSourceMapping({ FunctionName: "f", EventSourceArn: source + "x", StartingPosition: "LATEST" }),
  "InvalidParameterValueException", `Stream not found: ${source}x`);
same("lists have pages", (await lambda.listFunctions({ MaxItems: 1 })).NextMarker !== undefined, true);
same("deleting is told", (await lambda.deleteEventSourceMapping({ UUID: mapping.UUID })).State, "Deleting");
process.exit(0);
