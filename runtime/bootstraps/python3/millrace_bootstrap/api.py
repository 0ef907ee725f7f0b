"""The Runtime API over one kept connection."""

import os
import socket

BASE = "/2018-06-01/runtime"


class ApiError(Exception):
    pass


class Api:
    """Not for several threads or processes at once: one answer belongs to one question."""

    def __init__(self):
        self.address = os.environ["AWS_LAMBDA_RUNTIME_API"]
        self.socket = None
        self.received = b""

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.received = b""

    def _send(self, data):
        if self.socket is None:
            host, _, port = self.address.rpartition(":")
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(data)

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ApiError("the Runtime API has closed its connection")
        self.received += part

    def _receive(self):
        """One answer: status, headers with lower-case names, body."""
        while (end := self.received.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = self.received[:end].decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        size = end + 4 + int(headers.get("content-length", "0"))
        if len(self.received) < size:
            parts = [self.received]
            have = len(self.received)
            while have < size:
                part = self.socket.recv(1 << 20)
                if not part:
                    raise ApiError("the Runtime API has closed its connection")
                parts.append(part)
                have += len(part)
            self.received = b"".join(parts)
        body = self.received[end + 4:size]
        self.received = self.received[size:]
        return int(lines[0].split(" ")[1]), headers, body

    def _head(self, method, path, headers, size):
        lines = ["%s %s%s HTTP/1.1" % (method, BASE, path), "Host: " + self.address]
        lines.extend("%s: %s" % item for item in headers.items())
        if method == "POST":
            lines.append("Content-Length: %d" % size)
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def _post(self, path, body, error_type=None):
        headers = {"Content-Type": "application/json"}
        if error_type is not None:
            headers["Lambda-Runtime-Function-Error-Type"] = error_type
        return self._head("POST", path, headers, len(body)) + body

    def _next(self):
        return self._head("GET", "/invocation/next", {}, 0)

    def _take_event(self):
        status, headers, body = self._receive()
        if status != 200:
            raise ApiError("next is answered %d: %s" % (status, body.decode("utf-8", "replace")))
        return headers, body

    def next(self):
        """Waits for the next event: its headers and its bytes."""
        self._send(self._next())
        return self._take_event()

    def answer(self, request_id, verb, body, error_type=None):
        """Posts `response` or `error` and asks for the next event in one write."""
        path = "/invocation/%s/%s" % (request_id, verb)
        self._send(self._post(path, body, error_type) + self._next())
        status, _, text = self._receive()
        if status not in (202, 410, 413):
            raise ApiError("%s is answered %d: %s" % (verb, status, text.decode("utf-8", "replace")))
        return self._take_event()

    def init_error(self, body, error_type):
        self._send(self._post("/init/error", body, error_type))
        self._receive()
