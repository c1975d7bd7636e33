"""``layout.files``: where the files of the homework are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule
from netproof.hygiene.view import View
from netproof.submission import Found as Location
from netproof.submission import LocatedPart, Part, Position

_STARRED = frozenset({Part.COREDNS, Part.DASHBOARD, Part.CANARY})
"""The parts that the homework leaves to its readers' ambition."""


def _look(view: View) -> Iterator[Found]:
    for located in view.written.layout:
        match located.found:
            case Location.MISSING:
                starred = located.part in _STARRED
                message = "nothing in the submission plays this part" + (", a starred one" if starred else "")
                severity = Severity.NOTE if starred else Severity.ERROR
                remedy = "" if starred else f"add {located.expected}"
                yield Found(Position(located.expected, 1), message, remedy, severity=severity)
            case Location.ELSEWHERE if not _differs_by_suffix(located):
                message = f"found at {', '.join(located.files)} instead"
                yield Found(Position(located.expected, 1), message, severity=Severity.NOTE)


def _differs_by_suffix(located: LocatedPart) -> bool:
    """Whether a file is where it is expected, as .yml in place of .yaml."""
    return PurePosixPath(located.files[0]).with_suffix("") == PurePosixPath(located.expected).with_suffix("")


FILES = HygieneRule(
    id="layout.files",
    holds="Every part of the homework is there.",
    why="the checks of a part that is missing are blocked",
    severity=Severity.ERROR,
    look=_look,
)
