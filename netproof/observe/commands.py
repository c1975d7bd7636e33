"""Commands of an agent: run to their end or to the end of their time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time

from netproof.observe.protocol import Completed, ExecRequest

_running: set[int] = set()
"""The process groups of the commands under way."""

_starting = threading.Lock()
"""Held while a command begins, until it is among those under way, so that none begins unseen while all are ended."""


def perform(request: ExecRequest) -> Completed:
    """Run the command in a process group of its own, so that a timeout ends its children too."""
    argv = tuple(request.argv)
    start = time.monotonic()
    try:
        with _starting:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **request.environment},
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            _running.add(process.pid)
    except OSError as problem:
        return Completed(argv, 127, "", str(problem), time.monotonic() - start)
    timed_out = False
    with process:
        try:
            stdout, stderr = process.communicate(request.stdin, timeout=request.timeout_seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            _kill(process.pid)
            stdout, stderr = process.communicate()
        finally:
            _running.discard(process.pid)
    return Completed(argv, process.returncode, stdout, stderr, time.monotonic() - start, timed_out)


def kill_all() -> None:
    """End the commands under way, and let no other begin: an agent that ends leaves nothing behind."""
    _starting.acquire()
    for group in tuple(_running):
        _kill(group)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
