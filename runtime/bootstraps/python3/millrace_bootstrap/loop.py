"""Find the handler, then: take an event, run it, answer, for ever."""

import importlib
import json
import os
import sys

from . import faults, logs
from .api import Api
from .context import LambdaContext


def find_handler(name):
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as error:
        raise faults.Fault("Runtime.MalformedHandlerName",
                           "Bad handler '%s': %s" % (name, error)) from None
    module = module.replace("/", ".")
    if module.split(".")[0] in sys.builtin_module_names:
        raise faults.Fault("Runtime.BuiltInModuleConflict",
                           "Cannot use built-in module %s as a handler module" % module)
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise faults.Fault("Runtime.ImportModuleError",
                           "Unable to import module '%s': %s" % (module, error)) from None
    except SyntaxError as error:
        where = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        raise faults.Fault("Runtime.UserCodeSyntaxError",
                           "Syntax error in module '%s': %s" % (module, error),
                           [where]) from None
    if not hasattr(found, function):
        raise faults.Fault("Runtime.HandlerNotFound",
                           "Handler '%s' missing on module '%s'" % (function, module))
    return getattr(found, function)


def set_trace(headers):
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def read_event(headers, body):
    if headers.get("content-type") != "application/json":
        return body
    try:
        return json.loads(body)
    except ValueError as error:
        raise faults.Fault("Runtime.UnmarshalError",
                           "Unable to unmarshal input: %s" % error) from None


def write_response(value):
    try:
        return faults.to_json(value)
    except Exception as error:
        raise faults.Fault("Runtime.MarshalError",
                           "Unable to marshal response: %s" % error) from None


def serve(api, handler, sink):
    headers, body = api.next()
    while True:
        request_id = headers["lambda-runtime-aws-request-id"]
        sink.request_id, sink.tenant_id = request_id, headers.get("lambda-runtime-aws-tenant-id")
        set_trace(headers)
        try:
            context = LambdaContext(headers, sink.write)
            verb, kind = "response", None
            answer = write_response(handler(read_event(headers, body), context))
        except Exception as error:  # SystemExit ends the process, as it says
            described = faults.describe(error, request_id)
            sink.log_error(described)
            verb, kind, answer = "error", faults.error_type(described), faults.to_json(described)
        sys.stdout.flush()
        sys.stderr.flush()
        headers, body = api.answer(request_id, verb, answer, kind)


def fork_workers():
    """Many at a time: a process for each, this one among them."""
    count = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1)
    for _ in range(count - 1):
        if os.fork() == 0:
            return


def run(name):
    sink = logs.install()
    api = Api()
    try:
        handler = find_handler(name)
    except Exception as error:
        described = faults.describe(error)
        sink.log_error(described)
        api.init_error(faults.to_json(described), faults.error_type(described))
        sys.exit(1)
    api.close()
    fork_workers()
    serve(api, handler, sink)
