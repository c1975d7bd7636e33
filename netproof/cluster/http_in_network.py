"""A small HTTPS client that stands in another network namespace, for the supervisor's own few requests."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

from netproof.node.entering import enter_network
from netproof.waiting import NotYetError, Waiter

_BOOT_SECONDS = 60.0


class NetworkClient:
    """Connects from the network namespace at ``network``; since a thread is in one, one thread does it all."""

    def __init__(self, network: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, initializer=enter_network, initargs=(network,))
        self._context = ssl.create_default_context()

    def trust(self, authority: Path, certificate: Path, key: Path) -> None:
        """Use these certificates from now on."""
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(str(certificate), str(key))

    def wait_for_ok(self, host: str, port: int, path: str, still_alive: Callable[[], None]) -> None:
        """Wait until a GET answers 200; ``still_alive`` raises where that has become hopeless.

        Raises:
            TimedOutError: it does not within a minute.
        """

        def is_ok() -> None:
            still_alive()
            status = self._thread.submit(self._status, "GET", host, port, path).result()
            if status != HTTPStatus.OK:
                raise NotYetError(f"status {status}")

        Waiter(interval_seconds=0.02).until(
            f"https://{host}:{port}{path} answers", is_ok, timeout_seconds=_BOOT_SECONDS
        )

    def post(self, host: str, port: int, path: str, body: dict[str, Any]) -> None:
        """POST a JSON object.

        Raises:
            RuntimeError: the answer is neither 201 nor 409 (already there).
        """
        status = self._thread.submit(self._status, "POST", host, port, path, json.dumps(body)).result()
        if status not in {HTTPStatus.CREATED, HTTPStatus.CONFLICT}:
            message = f"POST {path} was answered {status}"
            raise RuntimeError(message)

    def _status(self, method: str, host: str, port: int, path: str, body: str | None = None) -> int:
        connection = http.client.HTTPSConnection(host, port, context=self._context, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()
