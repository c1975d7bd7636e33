"""What a rule of hygiene is, and how it words what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from netproof.hygiene.finding import Finding, Severity
from netproof.hygiene.view import View
from netproof.submission.manifest import ManifestObject
from netproof.submission.problem import Position


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, before it is put into words that all findings share.

    Attributes:
        position: the place.
        message: what was found.
        remedy: how to mend it.
        subject: the object; empty where it is about a file.
        severity: of this one; None takes the rule's.
        why: of this one; empty takes the rule's.
    """

    position: Position
    message: str
    remedy: str = ""
    subject: str = ""
    severity: Severity | None = None
    why: str = ""


def in_object(
    found: ManifestObject,
    at: str | Sequence[str | int],
    message: str,
    remedy: str = "",
    *,
    severity: Severity | None = None,
    why: str = "",
) -> Found:
    """Something about an object, at the place of a field of it."""
    return Found(found.position_of(at), message, remedy, f"{found.kind}/{found.name}", severity, why)


@dataclass(frozen=True, slots=True)
class HygieneRule:
    """One rule.

    Attributes:
        id: its name, also of the check in the suite.
        holds: what holds where nothing is found, in a sentence.
        why: why it matters.
        severity: of its findings, where they do not say otherwise.
        look: finds.
    """

    id: str
    holds: str
    why: str
    severity: Severity
    look: Callable[[View], Iterable[Found]]

    def findings(self, view: View) -> Iterator[Finding]:
        """What it finds in a submission."""
        for one in self.look(view):
            severity = one.severity or self.severity
            yield Finding(self.id, severity, one.position, one.subject, one.message, one.why or self.why, one.remedy)
