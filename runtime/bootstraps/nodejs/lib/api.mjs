// The Runtime API over one kept connection. Not HTTP at large: what our own server sends.
import net from 'node:net';

const base = '/2018-06-01/runtime';

export class Api {
  #host;
  #port;
  #socket;
  #received = Buffer.alloc(0);
  #waiting = []; // { resolve, reject }, in the order of the questions

  constructor() {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
    this.#host = host;
    this.#port = Number(port);
  }

  close() {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  // Whether waiting for an answer keeps the process alive. While a handler runs it does not: an
  // empty event loop is how a callback's end is told.
  hold(held) {
    if (held) this.#socket?.ref();
    else this.#socket?.unref();
  }

  #connected() {
    if (this.#socket) return this.#socket;
    const socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
    const gone = (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error ?? new Error('the Runtime API has closed its connection'));
      if (this.#socket === socket) this.#socket = undefined;
    };
    socket.on('data', (part) => this.#take(part));
    socket.on('error', gone);
    socket.on('close', () => gone());
    this.#socket = socket;
    return socket;
  }

  #take(part) {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = this.#received.toString('utf8', 0, end).split('\r\n');
      const headers = {};
      for (const line of lines.slice(1)) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const size = end + 4 + Number(headers['content-length'] ?? 0);
      if (this.#received.length < size) return this.#waitFor(size);
      const body = this.#received.toString('utf8', end + 4, size);
      this.#received = this.#received.subarray(size);
      this.#waiting.shift()?.resolve({ status: Number(lines[0].split(' ')[1]), headers, body });
    }
  }

  // A large body comes in many parts: joined once, not part by part.
  #waitFor(size) {
    const parts = [this.#received];
    let have = this.#received.length;
    const socket = this.#socket;
    const listeners = socket.listeners('data');
    socket.removeAllListeners('data');
    const collect = (part) => {
      parts.push(part);
      have += part.length;
      if (have < size) return;
      socket.off('data', collect);
      for (const listener of listeners) socket.on('data', listener);
      this.#received = Buffer.alloc(0);
      this.#take(Buffer.concat(parts));
    };
    socket.on('data', collect);
  }

  #ask() {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #head(method, path, headers) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${base}${path} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\n${lines.join('')}\r\n`;
  }

  #post(path, body, type) {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    if (type) headers['Lambda-Runtime-Function-Error-Type'] = type.replace(/[^\x20-\x7e]/g, '?');
    return this.#head('POST', path, headers) + body;
  }

  next() {
    const event = this.#ask();
    this.#connected().write(this.#head('GET', '/invocation/next', {}));
    return event;
  }

  // Posts `response` or `error` and asks for the next event, in one write.
  async answer(id, verb, body, type) {
    const posted = this.#ask();
    const event = this.#ask();
    event.catch(() => {}); // the first failure is told
    this.#connected().write(this.#post(`/invocation/${id}/${verb}`, body, type) + this.#head('GET', '/invocation/next', {}));
    this.check(await posted);
    return event;
  }

  check({ status, body }) {
    if (status !== 202 && status !== 410 && status !== 413) throw new Error(`the Runtime API answers ${status}: ${body}`);
  }

  async error(id, described) {
    const posted = this.#ask();
    this.#connected().write(this.#post(`/invocation/${id}/error`, JSON.stringify(described), described.errorType));
    await posted;
  }

  async initError(described) {
    const posted = this.#ask();
    this.#connected().write(this.#post('/init/error', JSON.stringify(described), described.errorType));
    await posted;
  }

  // A response that is written while it is made. Returns what a stream needs.
  stream(id, type) {
    const posted = this.#ask();
    const socket = this.#connected();
    socket.write(this.#head('POST', `/invocation/${id}/response`, {
      'Content-Type': type,
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    }));
    return {
      posted,
      write(chunk, done) {
        if (chunk.length === 0) return done();
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk);
        return socket.write('\r\n', done);
      },
      end(described) {
        let trailers = '';
        if (described) {
          const body = Buffer.from(JSON.stringify(described)).toString('base64');
          trailers = `Lambda-Runtime-Function-Error-Type: ${described.errorType.replace(/[^\x20-\x7e]/g, '?')}\r\n` +
            `Lambda-Runtime-Function-Error-Body: ${body}\r\n`;
        }
        socket.write(`0\r\n${trailers}\r\n`);
      },
    };
  }
}
