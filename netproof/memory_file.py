"""Files in memory, for programs and libraries that want a path: nothing of them is on disk, whatever becomes of us."""

from __future__ import annotations

import os
from pathlib import Path


class MemoryFile:
    """A file that has a path but no name, and ends with the process that made it.

    A child process that inherits its descriptor finds it under the same path.

    Args:
        content: what is in it at first.
    """

    def __init__(self, content: bytes = b"") -> None:
        self._file = os.fdopen(os.memfd_create("netproof"), "w+b")
        self._file.write(content)
        self._file.flush()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._file.fileno()

    @property
    def path(self) -> Path:
        """Where it is opened from the beginning, as often as wanted, as long as this object is there."""
        return Path(f"/proc/self/fd/{self.fileno()}")
