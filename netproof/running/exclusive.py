"""Running alone: a check that changes cluster-wide state excludes all others, in every process of the run.

A read/write lock of two files. Whoever wants to run first passes the gate, one at a time, and holds it until it has the
lock itself; so a check that waits to be alone keeps later ones from overtaking it for ever, as they would with a bare
``flock(2)``, which knows no order among those that wait. The kernel drops both locks when a process dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunningLock:
    """The lock around each check of a run.

    Attributes:
        directory: where its files lie; it must be local to the machine.
    """

    directory: Path

    @contextmanager
    def held(self, *, alone: bool) -> Iterator[None]:
        """Hold the lock: ``alone``, or beside others that do not want to be alone.

        Raises:
            OSError: the files of the lock cannot be made.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with _opened(self.directory / "running.lock") as lock:
            with _opened(self.directory / "gate.lock") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
