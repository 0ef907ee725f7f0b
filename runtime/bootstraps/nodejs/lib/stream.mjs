// awslambda.streamifyResponse and awslambda.HttpResponseStream: responses written while they are made.
import { Writable } from 'node:stream';
import { InvalidStreamingOperation, MalformedStreamingHandler } from './errors.mjs';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

export class ResponseStream extends Writable {
  #open; // () => what Api.stream returns
  #sink;
  #type = 'application/octet-stream';

  constructor(open, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.#open = open;
  }

  setContentType(type) {
    if (this.#sink) throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    this.#type = type;
  }

  // Anything may be written: what is no text and no bytes goes as JSON.
  write(chunk, ...more) {
    const bytes = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(bytes ? chunk : JSON.stringify(chunk), ...more);
  }

  #begin() {
    if (this.#sink) return;
    this.#sink = this.#open(this.#type);
    this._onBeforeFirstWrite?.((first) => this.#sink.write(Buffer.from(first), () => {}));
  }

  _write(chunk, _encoding, done) {
    this.#begin();
    this.#sink.write(chunk, () => done());
  }

  _final(done) {
    this.#begin();
    this.#sink.end();
    done();
  }

  // Ends it with the error in its trailers; nothing when it has ended.
  fail(described) {
    if (this.writableFinished || this.destroyed) return;
    this.#begin();
    this.#sink.end(described);
    this.destroy();
  }

  get posted() {
    return this.#sink?.posted;
  }
}

export function streamingOf(handler) {
  const mode = handler[STREAMING];
  if (mode === undefined || mode === null || mode === false) return undefined;
  if (mode !== 'response') throw new MalformedStreamingHandler('Only response streaming is supported.');
  const mark = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return { highWaterMark: Number.isNaN(mark) ? undefined : mark };
}

class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    stream._onBeforeFirstWrite = (write) => {
      write(JSON.stringify(prelude));
      write(new Uint8Array(8));
    };
    return stream;
  }
}

export function installAwslambda() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
  };
}
