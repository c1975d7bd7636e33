"""How long work is shown: bars and spinners on a terminal, lines elsewhere, nothing when nobody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

_HEARTBEAT_SECONDS = 30.0


class Progress(Protocol):
    """What the toolchain tells while it works."""

    def note(self, text: str, /) -> None:
        """One line of news, such as that a release cannot be reached."""

    def working(self, title: str, /) -> AbstractContextManager[Callable[[str], None]]:
        """Around work of unknown length; the function it gives sets what is going on right now."""

    def downloading(self, title: str, total_bytes: int | None, done_bytes: int, /) -> AbstractContextManager[Advance]:
        """Around a download; the function it gives takes the number of bytes that came."""


Advance = Callable[[int], None]


class SilentProgress:
    """Tells nothing."""

    def note(self, _text: str, /) -> None:
        """Drops the text."""

    @contextmanager
    def working(self, _title: str, /) -> Iterator[Callable[[str], None]]:
        """Shows nothing."""
        yield lambda _: None

    @contextmanager
    def downloading(self, _title: str, _total_bytes: int | None, _done_bytes: int, /) -> Iterator[Advance]:
        """Shows nothing."""
        yield lambda _: None


class ConsoleProgress:
    """Tells it on a console: live on a terminal, else a line at the start, each half minute and at the end.

    Args:
        console: where to; standard error when left out, so that standard output stays for results.
        heartbeat_seconds: how often work is mentioned that goes on where there is no terminal.
    """

    def __init__(self, console: Console | None = None, heartbeat_seconds: float = _HEARTBEAT_SECONDS) -> None:
        self._console = console or Console(stderr=True)
        self._heartbeat_seconds = heartbeat_seconds

    def note(self, text: str) -> None:
        """Prints the text as a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def working(self, title: str) -> Iterator[Callable[[str], None]]:
        """A spinner with the seconds, or lines; at the end one line with the time it took."""
        detail = ""
        started = time.monotonic()

        def text() -> str:
            return f"{title} {time.monotonic() - started:.0f} s{', ' if detail else ''}{detail}"

        def tell(news: str) -> None:
            nonlocal detail
            detail = news

        with self._live(text) if self._console.is_terminal else self._lines(title, text):
            yield tell
        self.note(f"{title}: done in {time.monotonic() - started:.0f} s")

    @contextmanager
    def downloading(self, title: str, total_bytes: int | None, done_bytes: int) -> Iterator[Advance]:
        """A bar with bytes, speed and remaining time; without a terminal one line at the end."""
        started = time.monotonic()
        received = 0

        def count(number: int) -> None:
            nonlocal received
            received += number

        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
            )
            with RichProgress(*columns, console=self._console, transient=True) as bars:
                task = bars.add_task(escape(title), total=total_bytes, completed=done_bytes)

                def advance(number: int) -> None:
                    count(number)
                    bars.advance(task, number)

                yield advance
        else:
            yield count
        resumed = f", resumed at {done_bytes / 1e6:.1f} MB" if done_bytes else ""
        self.note(f"{title}: {received / 1e6:.1f} MB in {time.monotonic() - started:.1f} s{resumed}")

    @contextmanager
    def _live(self, text: Callable[[], str]) -> Iterator[None]:
        with self._console.status(escape(text())) as status, _every(0.5, lambda: status.update(escape(text()))):
            yield

    @contextmanager
    def _lines(self, title: str, text: Callable[[], str]) -> Iterator[None]:
        self.note(f"{title} ...")
        with _every(self._heartbeat_seconds, lambda: self.note(f"  {text()}")):
            yield


@contextmanager
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True, name="progress")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
