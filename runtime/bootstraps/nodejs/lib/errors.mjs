// Errors in the shape callers of Node.js functions know.
import { types } from 'node:util';

class RuntimeError extends Error {
  constructor(...given) {
    super(...given);
    this.name = `Runtime.${this.constructor.name}`;
  }
}

export class ImportModuleError extends RuntimeError {}
export class HandlerNotFound extends RuntimeError {}
export class MalformedHandlerName extends RuntimeError {}
export class UserCodeSyntaxError extends RuntimeError {}
export class MalformedStreamingHandler extends RuntimeError {}
export class InvalidStreamingOperation extends RuntimeError {}

export class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}

const isError = (value) =>
  types.isNativeError(value) ||
  (value && [value.name, value.message, value.stack].every((text) => typeof text === 'string' && text));

export function toResponse(error) {
  try {
    if (isError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

export const intoError = (error) => (error instanceof Error ? error : new Error(error));

const withOwnFields = (_key, value) => {
  if (!(value instanceof Error)) return value;
  const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  if (typeof value.stack === 'string') shown.stack = value.stack.split('\n');
  return shown;
};

// For a line of the text log.
export function toFormatted(error) {
  try {
    return `\t${JSON.stringify(error, withOwnFields)}`;
  } catch {
    return `\t${JSON.stringify(toResponse(error))}`;
  }
}
