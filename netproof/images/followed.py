"""A file that a server follows while others replace it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from netproof.errors import NetproofError

T = TypeVar("T")


class FollowedFile(Generic[T]):
    """The content of a file, reread whenever the file is another one than before.

    Args:
        path: the file, which need not exist.
        read: gives its content, also where there is no file; raises NetproofError where it is broken.
        initial: what holds until there is a good file.
        what: what the file is, in a word.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], *, initial: T, what: str) -> None:
        self._path, self._read, self._what = path, read, what
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._content = initial

    def current(self) -> T:
        """The content as the file is now; a broken file leaves the last good one in force, and stderr says so."""
        with self._lock:
            seen = self._identity()
            if seen != self._seen:
                self._seen = seen
                try:
                    self._content = self._read(self._path)
                except NetproofError as problem:
                    print(f"{problem}; the former {self._what} stays in force", file=sys.stderr, flush=True)
            return self._content

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        # it is replaced, not edited: the inode tells apart two files written within one tick of the clock
        return status.st_mtime_ns, status.st_ino, status.st_size
