"""Errors in the shape callers of Python functions know, and JSON as Lambda writes it."""

import decimal
import json
import os
import re
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
_DECIMAL = re.compile(r'"\\u0000decimal:([^"\\]*)\\u0000"')


class Fault(Exception):
    """Found by the bootstrap, not raised by the function."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


def document(message, kind, trace, request_id=""):
    return {"errorMessage": message or "", "errorType": kind or "", "requestId": request_id,
            "stackTrace": trace}


def describe(error, request_id=""):
    """The document of an exception: the frames of the function, not those of the bootstrap."""
    if isinstance(error, Fault):
        return document(str(error), error.kind, error.trace, request_id)
    frames = traceback.extract_tb(error.__traceback__)
    while frames and (os.path.dirname(os.path.abspath(frames[0].filename)) == HERE
                      or frames[0].filename.startswith("<frozen importlib")
                      or "/importlib/" in frames[0].filename):
        del frames[0]
    return document(str(error), type(error).__name__, traceback.format_list(frames), request_id)


def error_type(described):
    """For the header of the Runtime API: only Runtime.* and Function.* are kept there."""
    kind = described["errorType"]
    plain = re.sub(r"[^A-Za-z.]", "", kind)
    return plain if "." in plain else "Function." + plain[:1].upper() + plain[1:]


def _other(value):
    if isinstance(value, decimal.Decimal):
        return float("nan") if value.is_nan() else "\0decimal:%s\0" % value
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def _is_escaping():
    """Since python3.12 Lambda leaves text beyond ASCII as it is; the function's runtime counts, not the host's."""
    named = re.fullmatch(r"AWS_Lambda_python3\.(\d+)", os.environ.get("AWS_EXECUTION_ENV", ""))
    return (int(named[1]) if named else sys.version_info[1]) < 12


_escapes = _is_escaping()


def to_json(value):
    """Decimals keep their digits, as numbers."""
    text = json.dumps(value, default=_other, ensure_ascii=_escapes)
    if "\\u0000decimal:" in text:
        text = _DECIMAL.sub(r"\1", text)
    return text.encode("utf-8", "surrogatepass")
