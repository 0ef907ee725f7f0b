// Runs a Node.js handler behind the Lambda Runtime API. The handler's name is in _HANDLER.
import { Api } from './lib/api.mjs';
import { toResponse, UnhandledPromiseRejection } from './lib/errors.mjs';
import { installAwslambda } from './lib/stream.mjs';
import { loadHandler } from './lib/load.mjs';
import { logError, patchConsole } from './lib/logs.mjs';
import { Loop } from './lib/loop.mjs';

patchConsole();
installAwslambda();

const api = new Api();
let loops = [];

// Says what happened to the invocation, or to the init when there is none yet, and ends.
async function die(label, error, status) {
  logError(label, error);
  try {
    const open = loops.filter((loop) => loop.requestId);
    if (loops.length === 0) await api.initError(toResponse(error));
    await Promise.all(open.map((loop) => loop.dieWith(error)));
  } finally {
    process.exit(status);
  }
}

process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason, promise) =>
  die('Unhandled Promise Rejection', new UnhandledPromiseRejection(reason, promise), 128));

try {
  const handler = await loadHandler(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER ?? '');
  const many = Number.parseInt(process.env.AWS_LAMBDA_MAX_CONCURRENCY ?? '0', 10);
  api.close();
  loops = Array.from({ length: Math.max(1, many) }, () => new Loop(new Api(), handler, many > 0));
  for (const loop of loops) loop.start();
} catch (error) {
  await die('Uncaught Exception', error, 129);
}
