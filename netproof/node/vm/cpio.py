"""Archives in the form that a kernel takes as its initial file system: cpio, "newc".

The form: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel. Several archives may follow each
other; what a later one has is laid over what the earlier ones had.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_ALIGNMENT = 4
_TRAILER = "TRAILER!!!"


@dataclass(slots=True)
class Archive:
    """Files by their absolute path in the archive; the directories that they are in come with them."""

    _entries: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)

    def directory(self, path: str) -> None:
        """Add a directory, and those that it is in."""
        for parent in reversed([PurePosixPath(path), *PurePosixPath(path).parents]):
            if str(parent) != "/":
                self._entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, 0, b""))

    def file(self, path: str, data: bytes, *, mode: int = 0o644, modified: int = 0) -> None:
        """Add a file; ``modified`` is in seconds since 1970."""
        self.directory(str(PurePosixPath(path).parent))
        self._entries[path] = (stat.S_IFREG | mode, modified, data)

    def copy(self, path: str, source: Path) -> None:
        """Add a file of this host, with its mode and its time."""
        status = source.stat()
        self.file(path, source.read_bytes(), mode=stat.S_IMODE(status.st_mode), modified=int(status.st_mtime))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.directory(str(PurePosixPath(path).parent))
        self._entries[path] = (stat.S_IFLNK | 0o777, 0, os.fsencode(target))

    def encode(self) -> bytes:
        """The archive's bytes."""
        return b"".join(self._records())

    def _records(self) -> Iterator[bytes]:
        for number, (path, (mode, modified, data)) in enumerate(self._entries.items(), start=1):
            yield _record(number, path.lstrip("/"), mode, modified, data)
        yield _record(0, _TRAILER, 0, 0, b"")


def _record(number: int, name: str, mode: int, modified: int, data: bytes) -> bytes:
    encoded = os.fsencode(name) + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, modified, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % one for one in fields)
    return _aligned(header + encoded) + _aligned(data)


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
