"""What the Python plays share: a server of our own on a free port, raw calls, checks by name."""
import atexit
import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile

ACCOUNT = "123456789012"
ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/"
AUTHORIZATION = ("AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/kinesis/aws4_request, "
                 "SignedHeaders=host;x-amz-date, Signature=00")


class Server:
    """millrace-streamd with the flags given, and a directory that is kept until close()."""

    def __init__(self, *flags, directory=None):
        self.directory = directory or tempfile.mkdtemp()
        self.flags = flags
        self.start()

    def start(self):
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            [sys.argv[1] + "/millrace-streamd", "--data", self.directory, "--port", "0",
             "--durability", "os", "--ready-fd", str(write_end), *self.flags], pass_fds=[write_end])
        atexit.register(self.process.kill)
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            line = ready.readline().split()
        if not line:
            sys.exit("failed: the server did not start")
        self.port = int(line[1])

    def stop(self):
        self.process.terminate()
        return self.process.wait(10)

    def close(self):
        code = self.stop()
        shutil.rmtree(self.directory)
        check("the server stops cleanly", code == 0, code)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def raw(self, body, headers, method="POST", path="/"):
        connection = self.connection()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, dict(response.getheaders()), data

    def call(self, operation, _headers=None, **arguments):
        """(status, parsed JSON or None) of one call."""
        status, _, data = self.raw(json.dumps(arguments), {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "Kinesis_20131202." + operation,
            "Authorization": AUTHORIZATION, "X-Amz-Date": "20300101T000000Z", **(_headers or {})})
        return status, json.loads(data) if data else None

    def ok(self, operation, **arguments):
        status, answer = self.call(operation, **arguments)
        if status != 200:
            check(f"{operation} {arguments}", False, answer)
        return answer

    def shards(self, name):
        return self.ok("ListShards", StreamName=name)["Shards"]

    def put(self, name, data, key="k", **more):
        return self.ok("PutRecord", StreamName=name, PartitionKey=key,
                       Data=base64.b64encode(data).decode(), **more)

    def iterator(self, name, shard=0, kind="TRIM_HORIZON", **more):
        return self.ok("GetShardIterator", StreamName=name, ShardId=f"shardId-{shard:012}",
                       ShardIteratorType=kind, **more)["ShardIterator"]


def check(name, condition, detail=""):
    if not condition:
        print("failed:", name, detail, flush=True)
        sys.exit(1)
    print("ok:", name, flush=True)


def same(name, got, wanted):
    check(name, got == wanted, f"\n  wanted: {wanted}\n  got:    {got}")


def refused(name, answer, code, message=None):
    """`answer` is what Server.call gave."""
    status, body = answer
    check(name, status == 400 and body["__type"] == code, answer)
    if message is not None:
        same(name + ", in AWS's words", body.get("message"), message)
