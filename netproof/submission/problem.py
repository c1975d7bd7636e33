"""Places in a submission, and what is wrong at them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file of the submission; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ProblemKind(StrEnum):
    """What sort of trouble a file or a document gives."""

    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate-key"
    NOT_KUBERNETES = "not-kubernetes"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about the text of a submission. It never stops the rest from being loaded.

    Attributes:
        kind: what sort of trouble.
        position: where.
        message: what is wrong, in plain words.
        remedy: what mends it; empty where there is nothing to mend.
        loses: whether something of the file is missing from the loaded objects because of it.
    """

    kind: ProblemKind
    position: Position
    message: str
    remedy: str = ""
    loses: bool = True

    def __str__(self) -> str:
        place = f"{self.position.file}:{self.position.line}:{self.position.column}"
        return f"{place}: {self.message}" + (f" (remedy: {self.remedy})" if self.remedy else "")
