"""A person, or a pipe, before a program in a virtual machine: our input is its input, and our terminal its terminal."""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable
from typing import Any, Protocol

from netproof.node.vm.frames import LONGEST_PAYLOAD, Frame, Kind


class _Stream(Protocol):
    @property
    def send(self) -> Callable[[Frame], None]: ...


class Interaction:
    """Passes standard input on, a piece whenever the program has taken the one before.

    Where standard input and output are a terminal, the program has one of the same size, which does all that a terminal
    does with keys; ours does nothing with them meanwhile.

    Attributes:
        taken: set when the program has taken what was sent last.
    """

    def __init__(self) -> None:
        self.taken = threading.Event()
        self._input = sys.stdin.fileno()
        self._is_terminal = os.isatty(self._input) and os.isatty(sys.stdout.fileno())
        self._before: list[Any] | None = None

    def request(self) -> dict[str, Any]:
        """What the machine is to be asked for beside the program."""
        return {"terminal": self._size()} if self._is_terminal else {"input": True}

    def environment(self) -> dict[str, str]:
        """What the program has to know of our terminal."""
        return {"TERM": os.environ.get("TERM", "linux")} if self._is_terminal else {}

    def begin(self, stream: _Stream) -> None:
        """Pass on from now."""
        if self._is_terminal:
            self._before = termios.tcgetattr(self._input)
            tty.setraw(self._input)
            signal.signal(signal.SIGWINCH, lambda *_: stream.send(Frame(Kind.RESIZE, 0, self._size().encode())))
        threading.Thread(target=self._pass_on, args=(stream,), daemon=True).start()

    def end(self) -> None:
        """Give our terminal back as it was."""
        if self._before is not None:
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def _size(self) -> str:
        size = os.get_terminal_size(self._input)
        return f"{size.lines} {size.columns}"

    def _pass_on(self, stream: _Stream) -> None:
        try:
            while data := os.read(self._input, LONGEST_PAYLOAD):
                self.taken.clear()
                stream.send(Frame(Kind.DATA, 0, data))
                self.taken.wait()
            stream.send(Frame(Kind.END, 0))
        except OSError:
            return  # the program has ended, or our input is not to be read
