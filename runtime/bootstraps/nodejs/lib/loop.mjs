// One invocation after the other: take an event, run the handler, answer.
import { toResponse } from './errors.mjs';
import { invocations, logError, setCurrent } from './logs.mjs';
import { ResponseStream, streamingOf } from './stream.mjs';

const isPromise = (value) => typeof value?.then === 'function';
const parse = (text, name) => {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
};

// What "the event loop is empty" means for the invocation under way.
let whenEmpty = () => {};
process.on('beforeExit', () => whenEmpty());

function fillContext(context, headers) {
  const { env } = process;
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return Object.assign(context, {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parse(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

// Runs the handler; resolves with what it answers, however it says it: a promise, a callback,
// context.done and its kind, or an event loop with nothing left in it.
function run(handler, event, context, many) {
  return new Promise((resolve, reject) => {
    let waits = true;
    let told = false;
    const once = (tell) => (...given) => {
      if (!told) {
        told = true;
        tell(...given);
      }
    };
    const fails = (error) => error !== undefined && error !== null;
    const done = once((error, value) => (fails(error) ? reject(error) : resolve(value)));
    const callback = once((error, value) => {
      if (fails(error)) reject(error);
      else if (!waits || many) resolve(value);
      else whenEmpty = () => resolve(value);
    });
    Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
      get: () => waits, set: (value) => { waits = value; }, enumerable: true, configurable: true,
    });
    context.done = done;
    context.succeed = (value) => done(null, value);
    context.fail = (error) => done(error ?? 'handled');
    if (!many) whenEmpty = () => resolve(null);
    const result = handler(event, context, callback);
    if (isPromise(result)) result.then(context.succeed, context.fail);
  });
}

export class Loop {
  constructor(api, handler, many) {
    this.api = api;
    this.handler = handler;
    this.many = many;
    this.streaming = streamingOf(handler);
  }

  async start() {
    for (let event = await this.api.next(); ;) {
      const invocation = {
        requestId: event.headers['lambda-runtime-aws-request-id'],
        tenantId: event.headers['lambda-runtime-aws-tenant-id'],
      };
      if (event.status !== 200 || !invocation.requestId) throw new Error(`the Runtime API answers next with ${event.status}`);
      this.requestId = invocation.requestId;
      const serve = () => (this.streaming ? this.#serveStream(event) : this.#serve(event));
      if (this.many) {
        event = await invocations.run(invocation, serve);
      } else {
        setCurrent(invocation);
        this.api.hold(false);
        event = await serve();
      }
    }
  }

  #prepare({ headers, body }) {
    const trace = headers['lambda-runtime-trace-id'];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    return [JSON.parse(body), fillContext({}, headers)];
  }

  // Posts and waits for the next event; from here on that keeps the process alive.
  #answer(verb, body, type) {
    whenEmpty = () => {};
    const { requestId } = this;
    const next = this.api.answer(requestId, verb, body, type);
    this.requestId = undefined;
    this.api.hold(true);
    return next;
  }

  async #serve(event) {
    let answer;
    try {
      const [input, context] = this.#prepare(event);
      const value = await run(this.handler, input, context, this.many);
      try {
        answer = JSON.stringify(value === undefined ? null : value) ?? 'null';
      } catch {
        throw new Error('Unable to stringify response body');
      }
    } catch (error) {
      logError('Invoke Error', error);
      const described = toResponse(error);
      return this.#answer('error', JSON.stringify(described), described.errorType);
    }
    return this.#answer('response', answer);
  }

  async #serveStream(event) {
    const { requestId } = this;
    const stream = new ResponseStream((type) => this.api.stream(requestId, type), this.streaming.highWaterMark);
    this.stream = stream;
    if (!this.many) whenEmpty = () => stream.emit('millrace-empty');
    try {
      const [input, context] = this.#prepare(event);
      Object.assign(context, { callbackWaitsForEmptyEventLoop: true });
      const result = this.handler(input, stream, context);
      if (!isPromise(result)) throw 'Streaming does not support non-async handlers.';
      const empty = new Promise((resolve) => { stream.once('millrace-empty', resolve); });
      if ((await Promise.race([result, empty])) !== undefined) console.warn('Streaming handlers ignore return values.');
      if (stream.writableEnded) await new Promise((resolve) => { stream.writableFinished ? resolve() : stream.once('finish', resolve); });
      if (!stream.writableFinished) throw 'Response stream is not finished.';
    } catch (error) {
      logError('Invoke Error', error);
      stream.fail(toResponse(error));
    }
    this.api.hold(true);
    whenEmpty = () => {};
    this.requestId = undefined;
    this.api.check(await stream.posted);
    return this.api.next();
  }

  // The process is about to end because of `error`, in the middle of this invocation.
  async dieWith(error) {
    const { requestId } = this;
    this.requestId = undefined;
    this.api.hold(true);
    if (this.stream?.posted && !this.stream.writableFinished) {
      this.stream.fail(toResponse(error));
      await this.stream.posted;
    } else {
      await this.api.error(requestId, toResponse(error));
    }
  }
}
