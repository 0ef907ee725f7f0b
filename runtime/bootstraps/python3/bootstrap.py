"""Runs a Python handler behind the Lambda Runtime API."""

import http.client
import importlib
import json
import os
import sys
import time
import traceback

BASE = "/2018-06-01/runtime"


class Identity:
    def __init__(self, text):
        given = json.loads(text) if text else {}
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class Client:
    def __init__(self, given):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code",
                     "app_package_name"):
            setattr(self, name, given.get(name))


class ClientContext:
    def __init__(self, given):
        self.client = Client(given.get("client") or {})
        self.custom = given.get("custom")
        self.env = given.get("env")


class Context:
    def __init__(self, headers):
        env = os.environ
        client = headers.get("Lambda-Runtime-Client-Context")
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.tenant_id = headers.get("Lambda-Runtime-Aws-Tenant-Id")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = Identity(headers.get("Lambda-Runtime-Cognito-Identity"))
        self.client_context = ClientContext(json.loads(client)) if client else None
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))


class Api:
    def __init__(self):
        self.connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(self, method, path, body=None, headers=None):
        self.connection.request(method, BASE + path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def post_error(self, path, error, request_id=""):
        kind = error["errorType"]
        body = dict(error, requestId=request_id)
        self.call("POST", path, json.dumps(body).encode(),
                  {"Content-Type": "application/json",
                   "Lambda-Runtime-Function-Error-Type": kind if "." in kind else "Function." + kind})


def describe(error):
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    return {"errorMessage": str(error), "errorType": type(error).__name__,
            "stackTrace": traceback.format_list(own)}


def log_error(error):
    lines = ["[ERROR] %s: %s" % (error["errorType"], error["errorMessage"])]
    if error.get("stackTrace"):
        lines.append("Traceback (most recent call last):")
        lines.extend(line.rstrip("\n").replace("\n", "\r") for line in error["stackTrace"])
    print("\r".join(lines), flush=True)


def find_handler(name):
    module, dot, function = name.rpartition(".")
    if not dot:
        return None, {"errorMessage": "Bad handler '%s': not enough values to unpack "
                      "(expected 2, got 1)" % name,
                      "errorType": "Runtime.MalformedHandlerName", "stackTrace": []}
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        return None, {"errorMessage": "Unable to import module '%s': %s" % (module, error),
                      "errorType": "Runtime.ImportModuleError", "stackTrace": []}
    except SyntaxError as error:
        return None, {"errorMessage": "Syntax error in module '%s': %s" % (module, error),
                      "errorType": "Runtime.UserCodeSyntaxError", "stackTrace": []}
    except BaseException as error:
        return None, describe(error)
    if not hasattr(found, function):
        return None, {"errorMessage": "Handler '%s' missing on module '%s'" % (function, module),
                      "errorType": "Runtime.HandlerNotFound", "stackTrace": []}
    return getattr(found, function), None


def run_one(api, handler):
    _, headers, body = api.call("GET", "/invocation/next")
    context = Context(headers)
    trace = headers.get("Lambda-Runtime-Trace-Id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    path = "/invocation/" + context.aws_request_id
    try:
        result = handler(json.loads(body), context)
    except BaseException as error:
        described = describe(error)
        log_error(described)
        api.post_error(path + "/error", described, context.aws_request_id)
        if not isinstance(error, Exception):
            sys.exit(1)
        return
    try:
        answer = json.dumps(result).encode()
    except (TypeError, ValueError) as error:
        described = {"errorMessage": "Unable to marshal response: %s" % error,
                     "errorType": "Runtime.MarshalError", "stackTrace": []}
        log_error(described)
        api.post_error(path + "/error", described, context.aws_request_id)
        return
    sys.stdout.flush()
    api.call("POST", path + "/response", answer, {"Content-Type": "application/json"})


def main():
    root = os.environ.get("LAMBDA_TASK_ROOT", ".")
    os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sys.path[:1] = [root, "/opt/python"]
    sys.stdout.reconfigure(line_buffering=True)
    api = Api()
    handler, problem = find_handler(sys.argv[1])
    if problem:
        log_error(problem)
        api.post_error("/init/error", problem)
        sys.exit(1)
    while True:
        run_one(api, handler)


main()
