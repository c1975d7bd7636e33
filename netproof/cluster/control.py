"""Requests to a cluster's supervisor: JSON lines over a unix socket, which no network namespace hides."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netproof.errors import NetproofError

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class ControlServer:
    """Answers each request in a thread of its own.

    Args:
        path: the socket.
        answer: what a request gets; an exception of it becomes the reply's ``error``.
    """

    def __init__(self, path: Path, answer: Answer) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    try:
                        reply = answer(json.loads(line))
                    except (LookupError, OSError, ValueError) as problem:
                        reply = {"error": str(problem)}
                    self.wfile.write((json.dumps(reply) + "\n").encode())

        path.unlink(missing_ok=True)
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def request(path: Path, timeout_seconds: float = 30.0, **values: Any) -> dict[str, Any]:
    """The supervisor's reply to one request.

    Raises:
        NetproofError: the cluster does not answer, or refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(path))
            with connection.makefile("rwb") as stream:
                stream.write((json.dumps(values) + "\n").encode())
                stream.flush()
                line = stream.readline()
    except OSError as problem:
        raise NetproofError(
            f"the cluster at {path.parent} does not answer: {problem}", "see 'netproof status'"
        ) from None
    reply: dict[str, Any] = json.loads(line) if line else {"error": "the connection was closed"}
    if "error" in reply:
        raise NetproofError(str(reply["error"]))
    return reply
