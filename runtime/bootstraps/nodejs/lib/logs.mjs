// console.* in Lambda's formats: into the framed log pipe when there is one, else to stdout.
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import { format } from 'node:util';
import { intoError, toFormatted } from './errors.mjs';

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const TEXT = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;
const asJson = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
const given = process.env._LAMBDA_TELEMETRY_LOG_FD;
const fd = given === undefined ? undefined : Number.parseInt(given, 10);
delete process.env._LAMBDA_TELEMETRY_LOG_FD;

// Which invocation speaks: with many at a time, each runs in a context of its own.
export const invocations = new AsyncLocalStorage();
let current = {};
export const setCurrent = (invocation) => { current = invocation; };
const speaker = () => invocations.getStore() ?? current;

// A pipe may be full, and Node has made it non-blocking. When nobody reads it any more, the platform
// is gone: there is nobody to run for.
function writeAll(target, bytes) {
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(target, bytes, at);
    } catch (error) {
      if (error.code === 'EPIPE') process.exit(1);
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const errorFields = (error) => ({
  errorType: error?.constructor?.name ?? 'UnknownError',
  errorMessage: error.message,
  stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
});

const showErrors = (_key, value) => (value instanceof Error ? { ...errorFields(value), ...value } : value);

function jsonLine(level, parts) {
  const { requestId, tenantId } = speaker();
  const line = { timestamp: new Date().toISOString(), level, requestId };
  if (tenantId !== undefined) line.tenantId = tenantId;
  if (parts.length === 1) {
    [line.message] = parts;
    try {
      return JSON.stringify(line, showErrors);
    } catch {
      line.message = format(line.message);
      return JSON.stringify(line);
    }
  }
  line.message = format(...parts);
  const error = parts.find((part) => part instanceof Error);
  return JSON.stringify(error ? { ...line, ...errorFields(error) } : line);
}

function write(level, parts) {
  const text = asJson
    ? jsonLine(level, parts)
    : `${new Date().toISOString()}\t${speaker().requestId}\t${level}\t${format(...parts)}`;
  if (fd === undefined) {
    writeAll(1, Buffer.from(`${text.replace(/\n/g, '\r')}\n`));
    return;
  }
  const body = Buffer.from(text);
  const frame = Buffer.alloc(16 + body.length);
  frame.writeUInt32BE(((asJson ? JSON_FRAME : TEXT) | ((levels.indexOf(level) + 1) << 2)) >>> 0, 0);
  frame.writeUInt32BE(body.length, 4);
  frame.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  body.copy(frame, 16);
  writeAll(fd, frame);
}

export function patchConsole() {
  const lowest = Math.max(0, levels.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  levels.forEach((level, priority) => {
    console[level.toLowerCase()] = priority >= lowest || level === 'FATAL'
      ? (...parts) => write(level, parts)
      : () => {};
  });
  console.log = console.info;
}

export function logError(label, error) {
  if (asJson) console.error(intoError(error));
  else console.error(label, toFormatted(intoError(error)));
}
