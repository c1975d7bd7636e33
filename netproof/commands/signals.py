"""Signals that end a long command."""

from __future__ import annotations

import signal
from types import FrameType


def obey_signals() -> None:
    """Have SIGTERM end this process as Ctrl-C does, and every program that it starts obey SIGINT.

    A shell starts what it runs in the background with SIGINT ignored, and that is inherited. So it stays ignored here,
    but by a handler, which no program inherits.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    return
