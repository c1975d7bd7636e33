"""What can come out of a check, and how the code of a check or fixture says so."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import NoReturn


class Verdict(StrEnum):
    """The outcome of one check."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"
    ERROR = "error"

    @property
    def meaning(self) -> str:
        """What this verdict says, in one sentence for a reader of the report."""
        return _MEANINGS[self]


_MEANINGS = {
    Verdict.PASSED: "what the check demands holds",
    Verdict.FAILED: "what the check demands does not hold; the subject is at fault",
    Verdict.BLOCKED: "not judged, because something that the check needs does not hold",
    Verdict.UNSUPPORTED: "not judged, because the cluster lacks a feature that the check needs",
    Verdict.ERROR: "not judged, because netproof or the cluster broke; it says nothing about the subject",
}


class UnmetError(AssertionError):
    """An expectation about the subject of a check that does not hold: verdict failed.

    Attributes:
        expected: what should have been seen.
        observed: what was seen.
        attempts: how often it was looked at, where that was counted.
        objects: the objects involved, each as ``Kind namespace/name``.
        evidence: files that show it.
    """

    def __init__(
        self,
        expected: str,
        observed: str,
        *,
        attempts: int | None = None,
        objects: Iterable[str] = (),
        evidence: Iterable[Path] = (),
    ) -> None:
        super().__init__(f"expected: {expected}\nobserved: {observed}")
        self.expected = expected
        self.observed = observed
        self.attempts = attempts
        self.objects = tuple(objects)
        self.evidence = tuple(evidence)


class UnsupportedError(Exception):
    """The cluster lacks a feature that the check needs: verdict unsupported.

    Attributes:
        reason: what is missing.
        enable: what would make it available; empty where nothing would.
    """

    def __init__(self, reason: str, enable: str = "") -> None:
        super().__init__(f"{reason} (to enable it: {enable})" if enable else reason)
        self.reason = reason
        self.enable = enable


class BlockedError(Exception):
    """The check cannot be judged, because something that it needs does not hold: verdict blocked.

    Attributes:
        reason: what is missing.
        blocked_by: the checks whose verdicts stand in the way; empty where it is no check.
    """

    def __init__(self, reason: str, blocked_by: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.blocked_by = tuple(blocked_by)


class ClusterBrokeError(Exception):
    """A component of the cluster broke while a check ran: verdict error. The message names it and its log."""


def unsupported(reason: str, *, enable: str = "") -> NoReturn:
    """End the running check, from a test or a fixture, with the verdict unsupported.

    Args:
        reason: what is missing.
        enable: what would make it available: an option, a host, a version.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(reason, enable)


def blocked(reason: str) -> NoReturn:
    """End the running check, from a test or a fixture, with the verdict blocked: an object that it needs is missing.

    Args:
        reason: what is missing.

    Raises:
        BlockedError: always.
    """
    raise BlockedError(reason)
