"""Programs that are run for long work, each in a session of its own, within a time, and ended where the work ends."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 30.0
"""How long a program that is asked to end may take; a run ends its cluster meanwhile."""
_WITH_OURS = ("setpriv", "--pdeathsig", "INT", "--")
"""Has a program asked to end when the thread that waits for it has gone, as after a ``kill -9`` of this process."""
_NOT_PASSED_ON = frozenset({"PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP"})


class StoppedError(Exception):
    """A program was ended before it had finished, for the work as a whole ends."""


class TookTooLongError(Exception):
    """A program was ended for it took longer than it may."""


class Programs:
    """The programs of one piece of work; safe to use from several threads.

    Args:
        environment: variables that each of them gets beside those of netproof.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        output: Path,
        errors: Path | None = None,
        seconds: float,
        memory_bytes: int | None = None,
    ) -> int:
        """Run a program to its end.

        Args:
            argv: its command line.
            directory: its working directory.
            output: the file that gets what it prints.
            errors: the file that gets what it prints on standard error; None puts that with the rest.
            seconds: how long it may take.
            memory_bytes: how much address space it may have.

        Returns:
            Its exit code; negative where a signal ended it.

        Raises:
            TookTooLongError: it was ended, with all of its session.
            StoppedError: :meth:`stop` was called.
            KeyboardInterrupt: the thread that waits was interrupted; the program was ended.
        """
        with output.open("wb") as out, (errors or Path(os.devnull)).open("wb") as aside:
            with self._lock:
                if self._stopped:
                    raise StoppedError
                process = subprocess.Popen(
                    [*_WITH_OURS, *argv],
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=aside if errors else subprocess.STDOUT,
                    env={**_environment(os.environ), **self._environment},
                    start_new_session=True,
                )
                self._running.add(process)
            try:
                if memory_bytes:
                    resource.prlimit(process.pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                _end(process)
                raise TookTooLongError from None
            except ProcessLookupError:  # it had ended before it got its limit
                code = process.wait(seconds)
            except KeyboardInterrupt:  # its session is its own, so that Ctrl-C did not reach it
                _end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)
        if self._stopped:
            raise StoppedError
        return code

    def stop(self) -> None:
        """End all programs, and start no other."""
        with self._lock:
            self._stopped = True
            running = tuple(self._running)
        for process in running:
            _signal(process, signal.SIGINT)
        for process in running:
            _end(process)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: that of netproof, without what would change what pytest does."""
    return {name: value for name, value in given.items() if name not in _NOT_PASSED_ON}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, and end it with all of its session where it does not."""
    _signal(process, signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to the session of a program that has not ended.

    Its number cannot have passed to another process: it is this process that waits for it.
    """
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
