"""A steady load: one request each interval, however slow the replies to those before it are.

An open loop, since a closed one hides an outage: it sends nothing while it waits, and so counts a long silence as one
lost request.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from netproof.observe.http_requests import once
from netproof.observe.protocol import Failure, HttpReply, HttpRequest, LoadStartRequest, LoadStopRequest

_numbers = itertools.count(1)
_running: dict[str, SteadyLoad] = {}


class SteadyLoad:
    """Sends requests from its making until :meth:`stop`."""

    def __init__(self, start: LoadStartRequest) -> None:
        self._request = replace(HttpRequest(**start.request), times=1, concurrency=1)
        self._interval_seconds = start.interval_seconds
        self._deadline = time.monotonic() + start.max_seconds
        # A request takes up to its timeout for connecting and once more for the reply.
        longest_seconds = 2 * self._request.timeout_seconds
        workers = start.max_in_flight or min(512, math.ceil(longest_seconds / start.interval_seconds) + 2)
        self._free = threading.Semaphore(workers)
        self._pool = ThreadPoolExecutor(workers)
        self._replies: list[HttpReply] = []
        self._stopping = threading.Event()
        self._clock = threading.Thread(target=self._run, daemon=True)
        self._clock.start()

    def _run(self) -> None:
        next_start = time.monotonic()
        while next_start < self._deadline and not self._stopping.wait(max(0.0, next_start - time.monotonic())):
            if self._free.acquire(blocking=False):
                self._pool.submit(self._send)
            else:
                detail = "too many requests were under way"
                self._replies.append(
                    HttpReply(self._request.url, next_start, 0.0, failure=Failure.NOT_SENT, detail=detail)
                )
            next_start += self._interval_seconds

    def _send(self) -> None:
        try:
            self._replies.append(once(self._request))
        finally:
            self._free.release()

    def stop(self) -> list[HttpReply]:
        """All replies in the order of their start, after what was under way has ended."""
        self._stopping.set()
        self._clock.join()
        self._pool.shutdown(wait=True)
        return sorted(self._replies, key=lambda reply: reply.start)


def start(request: LoadStartRequest) -> str:
    """Start a load; returns its id."""
    if request.interval_seconds <= 0:
        msg = f"interval_seconds {request.interval_seconds} is not positive"
        raise ValueError(msg)
    load_id = f"load-{next(_numbers)}"
    _running[load_id] = SteadyLoad(request)
    return load_id


def stop(request: LoadStopRequest) -> list[HttpReply]:
    """Stop a load; returns its replies."""
    load = _running.pop(request.load_id, None)
    if load is None:
        msg = f"no load {request.load_id!r}"
        raise ValueError(msg)
    return load.stop()
