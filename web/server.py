"""gunicorn's worker, with threads reserved for health probes so that they answer under load."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from core.db import timeouts

HEAD = 4096  # bytes of a request that are peeked at
# The whole head, so that no client can keep a probe's thread waiting for the rest.
PROBE = re.compile(rb"(?:GET|HEAD) /(healthz|readyz) HTTP/1\.[01]\r\n.*?\r\n\r\n", re.DOTALL)


class Worker(ThreadWorker):  # type: ignore[misc]
    """`/healthz` and `/readyz` have a thread each; all else shares WEB_THREADS.

    A connection gets a thread when there is something to read: only then is its path known.
    """

    def init_process(self) -> None:
        timeouts.use(timeouts.WEB)
        self.probes = {name: ThreadPoolExecutor(1, f"probe-{name}") for name in ("healthz", "readyz")}
        self.stops_at: float | None = None
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        head = _read_ahead(conn)
        if not head and not conn.initialized and not conn.data_ready:
            self._wait_for_data(conn)
            return
        handled = self._pool_for(head).submit(self._handle, conn, time.monotonic())
        handled.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _pool_for(self, head: bytes) -> Executor:
        probe = PROBE.match(head)
        return self.probes[probe[1].decode()] if probe else self.tpool

    def _handle(self, conn: TConn, came_at: float) -> Any:
        """Time in the queue counts as waiting."""
        timeouts.request_deadline.came_at = came_at
        return self.handle(conn)

    def _wait_for_data(self, conn: TConn) -> None:
        """Postpones a silent connection as gunicorn does, but at once."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def murder_pending(self) -> None:
        """When stopping, wait briefly for a request that may be on its way."""
        if not self.alive:
            self.stops_at = self.stops_at or time.monotonic() + STOP_KEEPALIVE_LINGER
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, self.stops_at)
        super().murder_pending()


def _read_ahead(conn: TConn) -> bytes:
    """Empty for a broken connection, which its handler reports."""
    try:
        head: bytes = conn.sock.recv(HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
    except OSError:
        conn.data_ready = True
        return b""
    conn.data_ready = True  # end of stream counts as readable
    return head
