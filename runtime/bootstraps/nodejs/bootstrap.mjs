// Runs a Node.js handler behind the Lambda Runtime API.
import http from 'node:http';
import path from 'node:path';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const base = '/2018-06-01/runtime';
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const root = process.env.LAMBDA_TASK_ROOT ?? '.';
let requestId = '-';

delete process.env._LAMBDA_TELEMETRY_LOG_FD;

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    if (bytes) headers = { ...headers, 'Content-Length': bytes.length };
    const request = http.request({ host, port, agent, method, path: base + where, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

function describe(error) {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function write(level, ...parts) {
  const text = format(...parts).replace(/\n/g, '\r');
  fs.writeSync(1, `${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
}

console.trace = (...parts) => write('TRACE', ...parts);
console.debug = (...parts) => write('DEBUG', ...parts);
console.log = console.info = (...parts) => write('INFO', ...parts);
console.warn = (...parts) => write('WARN', ...parts);
console.error = (...parts) => write('ERROR', ...parts);

class HandlerError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function load(file) {
  for (const extension of ['.js', '.mjs', '.cjs', '']) {
    const full = file + extension;
    if (!fs.existsSync(full) || !fs.statSync(full).isFile()) continue;
    if (extension === '.cjs' || extension === '') return createRequire(full)(full);
    return import(pathToFileURL(full).href);
  }
  throw new HandlerError('Runtime.ImportModuleError', `Error: Cannot find module '${path.basename(file)}'`);
}

async function findHandler(name) {
  const match = /^(.*\/)?([^.]*)\.(.*)$/.exec(name);
  if (!match) throw new HandlerError('Runtime.MalformedHandlerName', 'Bad handler');
  const loaded = await load(path.resolve(root, match[1] ?? '', match[2]));
  const walk = (from) => match[3].split('.').reduce((at, key) => at?.[key], from);
  const handler = walk(loaded) ?? walk(loaded.default);
  if (typeof handler !== 'function') {
    throw new HandlerError('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  return handler;
}

function contextOf(headers) {
  const env = process.env;
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const parse = (text) => (text ? JSON.parse(text) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error ? reject(error) : resolve(value));
    context.done = callback;
    context.fail = (error) => callback(error ?? new Error('handled'));
    context.succeed = (value) => callback(null, value);
    const result = handler(event, context, callback);
    if (typeof result?.then === 'function') {
      result.then(resolve, reject);
    } else if (handler.length < 3 && result !== undefined) {
      resolve(result);
    }
  });
}

async function postError(where, error) {
  const body = describe(error);
  write('ERROR', 'Invoke Error', JSON.stringify({ ...body, stack: body.trace, trace: undefined }));
  await call('POST', where, JSON.stringify(body), {
    'Content-Type': 'application/json',
    'Lambda-Runtime-Function-Error-Type': body.errorType.replace(/[^\x20-\x7e]/g, '?'),
  });
}

async function serveOne(handler) {
  const { headers, body } = await call('GET', '/invocation/next');
  const context = contextOf(headers);
  requestId = context.awsRequestId;
  if (headers['lambda-runtime-trace-id']) {
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
  const where = `/invocation/${requestId}`;
  let answer;
  try {
    answer = JSON.stringify((await run(handler, JSON.parse(body), context)) ?? null);
  } catch (error) {
    await postError(`${where}/error`, error);
    return;
  }
  await call('POST', `${where}/response`, answer, { 'Content-Type': 'application/json' });
}

async function die(error, type) {
  const body = { ...describe(error), errorType: type };
  write('ERROR', type, JSON.stringify(body));
  if (requestId !== '-') {
    await call('POST', `/invocation/${requestId}/error`, JSON.stringify(body));
  }
  process.exit(128 + 1);
}

process.on('uncaughtException', (error) => die(error, 'Runtime.UncaughtException'));
process.on('unhandledRejection', (error) => die(error, 'Runtime.UnhandledPromiseRejection'));

let handler;
try {
  handler = await findHandler(process.env._HANDLER);
} catch (error) {
  await postError('/init/error', error);
  process.exit(1);
}
for (;;) await serveOne(handler);
