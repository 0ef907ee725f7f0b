"""Encryption at rest, as an operator meets it: keys in a file, a rotation, a key that is not there."""
import base64
import os
import subprocess
import sys
import tempfile

from kinesis_server import Server, check, same

folder = tempfile.mkdtemp()
path = folder + "/keys"


def write_keys(*lines):
    with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write("\n".join(lines) + "\n")


def on_disk(server, text):
    for name in os.listdir(server.directory):
        if name.endswith(".journal"):
            with open(server.directory + "/" + name, "rb") as file:
                if text in file.read():
                    return True
    return False


write_keys("11" * 32)
server = Server("--master-key-file", path)
server.ok("CreateStream", StreamName="s", ShardCount=1)
server.put("s", b"before it was encrypted")
server.ok("StartStreamEncryption", StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
server.put("s", b"words nobody shall find")
check("an open record stands on the disk", on_disk(server, b"before it was encrypted"))
check("an encrypted one does not", not on_disk(server, b"words nobody shall find"))

server.stop()
write_keys("22" * 32, "11" * 32)
server.start()
server.put("s", b"under the new key")
records = server.ok("GetRecords", ShardIterator=server.iterator("s"))["Records"]
same("after a restart with a new key above the old one all are read", [base64.b64decode(r["Data"]) for r in records],
     [b"before it was encrypted", b"words nobody shall find", b"under the new key"])
check("the stream is still encrypted", not on_disk(server, b"under the new key"))

server.stop()
write_keys("22" * 32)
refused = subprocess.run([sys.argv[1] + "/millrace-streamd", "--data", server.directory, "--port", "0",
                          "--master-key-file", path], capture_output=True, text=True, timeout=10, check=False)
check("without the old key it does not start", refused.returncode == 78, refused)
check("and says which file wants which key", "journal: it is encrypted under a master key that was not given" in
      refused.stderr.splitlines()[-1], refused.stderr)
os.chmod(path, 0o644)
refused = subprocess.run([sys.argv[1] + "/millrace-streamd", "--data", server.directory, "--port", "0",
                          "--master-key-file", path], capture_output=True, text=True, timeout=10, check=False)
check("a key file that others can read is refused", "chmod 600" in refused.stderr, refused.stderr)
write_keys("22" * 32, "11" * 32)
os.chmod(path, 0o600)
server.start()
server.close()
