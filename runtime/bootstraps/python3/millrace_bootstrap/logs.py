"""Where print, logging and the bootstrap's own words go, in Lambda's formats."""

import json
import logging
import os
import struct
import sys
import time
import traceback

TEXT, JSON = 0xA55A0003, 0xA55A0002
LEVELS = {"TRACE": 1, "DEBUG": 2, "INFO": 3, "WARN": 4, "WARNING": 4, "ERROR": 5, "FATAL": 6,
          "CRITICAL": 6}
# What a record always has; the rest came by `extra`.
USUAL = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "aws_request_id", "tenant_id", "message", "asctime", "taskName"}


class Sink:
    """The framed log pipe when there is one, else a line on standard output."""

    def __init__(self):
        given = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
        self.fd = int(given) if given else None
        self.json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        self.request_id = None
        self.tenant_id = None

    def write(self, text, level="INFO"):
        if self.fd is None:
            sys.stdout.write(text.replace("\n", "\r") + "\n")
            sys.stdout.flush()
            return
        sys.stdout.flush()  # what was printed before stands before
        body = text.encode("utf-8", "surrogateescape")
        kind = (JSON if self.json else TEXT) | LEVELS.get(level, 3) << 2
        data = struct.pack(">IIQ", kind, len(body), time.time_ns() // 1000) + body
        while data:
            data = data[os.write(self.fd, data):]

    def log_error(self, described):
        if self.json:
            line = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "log_level": "ERROR", **described}
            self.write(json.dumps(line, ensure_ascii=False), "ERROR")
            return
        words = " ".join(word for word in (
            described["errorType"] + (":" if described["errorMessage"] else ""),
            described["errorMessage"]) if word)
        lines = ["[ERROR] " + words, "Traceback (most recent call last):"]
        for element in described["stackTrace"]:
            lines.extend(_indented(line) for line in element.splitlines())
        self.write("\r".join(lines), "ERROR")


def _indented(line):
    """Two blanks become two that a console does not swallow."""
    bare = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(bare)) + bare


class Filter(logging.Filter):
    def __init__(self, sink):
        super().__init__()
        self.sink = sink

    def filter(self, record):
        record.aws_request_id = self.sink.request_id
        record.tenant_id = self.sink.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        about = record.exc_info if record.exc_info and record.exc_info[0] else None
        line = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(about[2]) if about else None,
            "errorType": about[0].__name__ if about else None,
            "errorMessage": str(about[1]) if about else None,
            "requestId": record.aws_request_id,
            "tenantId": record.tenant_id,
            "location": "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
                        if about else None,
        }
        for name, value in record.__dict__.items():
            if name not in USUAL and name not in line:
                line[name] = value
        line = {name: value for name, value in line.items() if value is not None}
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    converter = time.gmtime

    def __init__(self):
        super().__init__("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
                         "%Y-%m-%dT%H:%M:%S")


class Handler(logging.Handler):
    def __init__(self, sink):
        super().__init__()
        self.sink = sink

    def emit(self, record):
        try:
            self.sink.write(self.format(record), record.levelname)
        except Exception:  # logging's own rule: a log line never ends the program
            self.handleError(record)


def install():
    """Root logger, print and the rest. Returns the sink."""
    sink = Sink()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    handler = Handler(sink)
    handler.setFormatter(JsonFormatter() if sink.json else TextFormatter())
    handler.addFilter(Filter(sink))
    logging.basicConfig(handlers=[handler])
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level)
    if sink.json and level in logging._nameToLevel:
        logging.getLogger().setLevel(level)
    return sink
