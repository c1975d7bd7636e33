"""A directory that one process of netproof alone works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from netproof.errors import NetproofError


@contextmanager
def hold(directory: Path, *, command: str, content: str) -> Iterator[None]:
    """Hold a directory for this process alone, as long as the block runs.

    Args:
        directory: which; it is made if need be.
        command: the command that works in it, for messages.
        content: what it is for, in the plural.

    Raises:
        NetproofError: it cannot be written to, or another process works there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / ".lock", timeout=0):
            yield
    except Timeout:
        raise NetproofError(
            f"another netproof {command} works in {directory}", "wait for it, or name another --out"
        ) from None
    except OSError as problem:
        raise NetproofError(
            f"the {content} cannot be written to {directory}: {problem}",
            "name a directory that can be written to with --out",
        ) from problem
