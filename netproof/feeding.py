"""Running a program whose input is written while it runs: an archive, say, that is too large to hold."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import IO


def feed(command: Sequence[str], write: Callable[[IO[bytes]], None]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with the input that ``write`` writes.

    One that ends before it has read everything raises nothing: its exit code and what it said tell of it.

    Returns:
        Its exit code and its stderr; its output is dropped.

    Raises:
        OSError: it cannot be started.
    """
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        if process.stdin is None or process.stderr is None:
            raise AssertionError
        try:
            write(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        said = process.stderr.read().decode(errors="replace")
    return subprocess.CompletedProcess(command, process.returncode, "", said)
