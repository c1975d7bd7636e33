"""A grade: one student's work, what it scored, and all that feedback and tables say of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from netproof.atomic_writes import write_atomically
from netproof.grading.manifests import Manifests
from netproof.grading.rubric import Rubric
from netproof.grading.score import NoScore, Score, score
from netproof.report.results import Results


class State(StrEnum):
    """Whether a work has a grade."""

    GRADED = "graded"
    EMPTY = "empty"
    """There is nothing in it to grade; that is a zero."""
    NOT_GRADED = "not-graded"
    """netproof could not; that is no zero."""


class Work(BaseModel):
    """One student's work.

    Attributes:
        name: how it is called in tables: the name of its directory.
        directory: where it is.
        commit: the commit that is checked out, where it is a git repository.
        digest: of the content of its manifests.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    directory: str = ""
    commit: str = ""
    digest: str = ""


class Grade(BaseModel):
    """What became of a work.

    Attributes:
        work: whose.
        state: whether it has a grade.
        score: what it scored; None where it is not graded.
        said: why it is not graded, or empty, in netproof's words.
        manifests: what was said of its manifests without a cluster.
        adapted: what was changed so that it runs on this cluster.
        kubernetes_version: the version that it was checked on.
        seconds: how long its run took.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    work: Work
    state: State
    score: Score | None = None
    said: str = ""
    manifests: Manifests = Manifests()
    adapted: tuple[str, ...] = ()
    kubernetes_version: str = ""
    seconds: float = 0

    def write(self, path: Path) -> None:
        """Replace the file at ``path``, in one step.

        Raises:
            OSError: it cannot be written.
        """
        write_atomically(path, self.model_dump_json(indent=2) + "\n")


def grade(rubric: Rubric, work: Work, results: Results, manifests: Manifests) -> Grade:
    """The grade of a work, from the results of its run and what was said of its manifests."""
    run = results.run
    seconds = (run.finished - run.started).total_seconds() if run.finished else 0
    found = score(rubric, results)
    return Grade(
        work=work,
        state=State.GRADED if isinstance(found, Score) else State.NOT_GRADED,
        score=found if isinstance(found, Score) else None,
        said=found.said if isinstance(found, NoScore) else "",
        manifests=manifests,
        adapted=tuple(run.adaptation),
        kubernetes_version=run.kubernetes_version,
        seconds=round(seconds, 1),
    )


def empty(work: Work, said: str) -> Grade:
    """The grade of a work in which there is nothing to grade."""
    return Grade(work=work, state=State.EMPTY, said=said)


def not_graded(work: Work, said: str) -> Grade:
    """What becomes of a work whose run did not come about."""
    return Grade(work=work, state=State.NOT_GRADED, said=said)
