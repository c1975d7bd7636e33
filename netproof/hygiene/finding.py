"""What is found in manifests without a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from netproof.submission.problem import Position


class Severity(StrEnum):
    """How sure it is that something is to be mended."""

    ERROR = "error"
    """The API refuses it, or it cannot work."""
    WARNING = "warning"
    """It hardly works as it is meant, or it is dangerous."""
    NOTE = "note"
    """Nothing to mend; a reader should know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        rule: the id of the rule that found it.
        severity: how sure it is that it is to be mended.
        position: the place in the author's text.
        subject: the object, as ``Kind/name``; empty where it is about a file.
        message: what was found.
        why: why it matters.
        remedy: how to mend it; empty for notes that leave nothing to mend.
    """

    rule: str
    severity: Severity
    position: Position
    subject: str
    message: str
    why: str
    remedy: str = ""

    @property
    def is_to_be_mended(self) -> bool:
        """Whether it is more than a note."""
        return self.severity is not Severity.NOTE

    def __str__(self) -> str:
        about = f"{self.subject}: " if self.subject else ""
        return f"{self.position}: {self.severity}: {about}{self.message} [{self.rule}]"
