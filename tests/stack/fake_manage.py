"""A stand-in for manage.py: it does what the stack relies on and nothing more."""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/healthz", "/readyz") else 404)
        self.end_headers()


def main(command: str) -> None:
    name = "slow-worker" if os.environ.get("WORKER_QUEUES") == "slow" else command
    Path(f"{name}.pid").write_text(str(os.getpid()))
    Path(f"{name}.environment").write_text(json.dumps(dict(os.environ)))
    sys.stdout.write(f"{name} starts\n")
    sys.stdout.flush()
    if command == os.environ.get("FAILS"):
        sys.exit("out of ink")
    if command == "web":
        HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
    if command == "worker":
        Path(os.environ["WORKER_READY_FILE"]).write_text("ready")
    if command in ("worker", "beat"):
        signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(sys.argv[1])
