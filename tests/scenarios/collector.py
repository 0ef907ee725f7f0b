"""Writes what witnesses tell it into a file, one line a record, in the order it hears them, and says
so. usage: collector.py FILE PORT_FILE"""
import os
import socketserver
import sys


class Witness(socketserver.StreamRequestHandler):
    def handle(self):
        batch = []
        for line in self.rfile:
            if line != b"\n":
                batch.append(line)
                continue
            os.write(out, b"".join(batch))
            batch = []
            try:
                self.wfile.write(b"!")
                self.wfile.flush()
            except OSError:
                return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
with Server(("127.0.0.1", 0), Witness) as server:
    with open(sys.argv[2] + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    server.serve_forever()
