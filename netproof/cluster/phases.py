"""Phases of bringing up a cluster, each printed with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class PrintedPhases:
    """Times phases and prints a line for each.

    Args:
        console: where the lines go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the phase ``name``."""
        start = time.monotonic()
        yield
        self._console.print(f"  {name:<32} {time.monotonic() - start:7.1f} s", highlight=False)
