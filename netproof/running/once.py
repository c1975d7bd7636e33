"""Doing a thing once a run, whichever of its processes comes first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from netproof.atomic_writes import write_atomically

T = TypeVar("T")


def once(directory: Path, name: str, produce: Callable[[], T]) -> T:
    """The value that ``produce`` returned in the first process of the run that asked for ``name``.

    Args:
        directory: where the processes of the run meet.
        name: what is done.
        produce: does it, and returns a value that JSON can carry. Should it raise, the next process tries again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    result = directory / f"once-{name}.json"
    with FileLock(directory / f"once-{name}.lock"):
        if not result.exists():
            write_atomically(result, json.dumps(produce()))
        value: T = json.loads(result.read_text(encoding="utf-8"))
    return value
