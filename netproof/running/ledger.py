"""The one ledger of verdicts: written by the controlling process, read by whoever runs a check.

With pytest-xdist the controller records each verdict as its report arrives, as a small file in a directory that the run
shares; a worker that is about to run a check waits there for the verdicts of what that check needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.verdict import Verdict
from netproof.waiting import NotYetError, TimedOutError, Waiter

_LONGEST_WAIT_SECONDS = 3600.0
"""A backstop: the order of the items already makes every wait end (see :mod:`netproof.running.scheduling`)."""

_ABANDONED = "ABANDONED"  # no key of a check has capitals


class AbandonedError(Exception):
    """The verdict that was waited for will never come; the message says why."""


@dataclass
class Ledger:
    """Verdicts by the key of a check.

    Attributes:
        directory: where the processes of the run meet; None where one process runs all.
    """

    directory: Path | None = None
    _known: dict[str, Verdict] = field(default_factory=dict)

    def record(self, key: str, verdict: Verdict) -> None:
        """Enter a verdict, visible at once to all processes of the run."""
        self._known[key] = verdict
        if self.directory is not None:
            write_atomically(self.directory / key, verdict.value)

    def verdict(self, key: str) -> Verdict | None:
        """The verdict entered under ``key``; None as long as there is none."""
        if key not in self._known and self.directory is not None:
            try:
                self._known[key] = Verdict((self.directory / key).read_text())
            except FileNotFoundError:
                return None
        return self._known.get(key)

    def wait_for(self, key: str, *, timeout_seconds: float = _LONGEST_WAIT_SECONDS) -> Verdict:
        """The verdict entered under ``key``, waited for where another process has yet to give it.

        Raises:
            AbandonedError: it will never come.
            NetproofError: it did not come in time.
        """

        def entered() -> Verdict:
            verdict = self.verdict(key)
            if verdict is None:
                reason = self._abandoned()
                verdict = self.verdict(key)  # entered, perhaps, just before the ledger was abandoned
                if verdict is None:
                    raise AbandonedError(reason) if reason else NotYetError("no verdict")
            return verdict

        if self.directory is None:
            timeout_seconds = 0
        try:
            return Waiter().until(f"{key} has a verdict", entered, timeout_seconds=timeout_seconds)
        except TimedOutError as problem:
            raise NetproofError(
                str(problem), "run the checks without pytest-xdist (-n 0), and report this"
            ) from problem

    def abandon(self, reason: str) -> None:
        """Say that verdicts not entered yet will not come, which ends every wait for one."""
        if self.directory is not None:
            write_atomically(self.directory / _ABANDONED, reason)

    def _abandoned(self) -> str:
        if self.directory is None:
            return ""
        try:
            return (self.directory / _ABANDONED).read_text()
        except FileNotFoundError:
            return ""
