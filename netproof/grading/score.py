"""Scoring: a pure function of a rubric and the results of a run.

What passed gives its points, and what failed none. What is blocked gives none either, and names what it waited for: the
failure at the beginning of the chain, or an object that the submission lacks. What the cluster cannot judge
(``unsupported``) leaves the maximum as well. Where netproof itself broke, or the run did not come to its end, there is
no score at all: that is never a zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from netproof.check import Subject
from netproof.grading.rubric import Rubric, Section
from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict


class Outcome(StrEnum):
    """What a check means for the score."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not judged, since something of the submission that it needs does not work or is not there."""
    LEFT_OUT = "left-out"
    """Not judged, since the cluster lacks something; no part of the maximum."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckScore(_Model):
    """What a check gave.

    Attributes:
        id: the check.
        outcome: what became of it.
        points: what it gives when it passes.
        waits_for: of a blocked one, the check that must pass first; empty where an object is missing.
        expected: of a failed one, what should have been seen.
        observed: of a failed one, what was seen.
        objects: the objects involved.
        reason: of one that was not judged, why, in netproof's words.
    """

    id: str
    outcome: Outcome
    points: float
    waits_for: str = ""
    expected: str = ""
    observed: str = ""
    objects: tuple[str, ...] = ()
    reason: str = ""

    @property
    def earned(self) -> float:
        """The points it gave."""
        return self.points if self.outcome is Outcome.PASSED else 0

    @property
    def possible(self) -> float:
        """The points it could give on this cluster."""
        return 0 if self.outcome is Outcome.LEFT_OUT else self.points


class SectionScore(_Model):
    """What a section gave."""

    id: str
    star: bool
    checks: tuple[CheckScore, ...]

    @property
    def earned(self) -> float:
        """The points it gave."""
        return sum(check.earned for check in self.checks)

    @property
    def possible(self) -> float:
        """The points it could give on this cluster."""
        return sum(check.possible for check in self.checks)


class Score(_Model):
    """A score."""

    sections: tuple[SectionScore, ...]

    @property
    def earned(self) -> float:
        """The points of all sections but the starred ones."""
        return sum(section.earned for section in self.sections if not section.star)

    @property
    def possible(self) -> float:
        """What these sections could give."""
        return sum(section.possible for section in self.sections if not section.star)

    @property
    def stars(self) -> float:
        """The points of the starred sections."""
        return sum(section.earned for section in self.sections if section.star)

    @property
    def possible_stars(self) -> float:
        """What the starred sections could give."""
        return sum(section.possible for section in self.sections if section.star)

    @property
    def checks(self) -> tuple[CheckScore, ...]:
        """What each check gave."""
        return tuple(check for section in self.sections for check in section.checks)


class NoScore(_Model):
    """Why a run gives no score.

    Attributes:
        because: what went wrong, for a program.
        said: what went wrong, in netproof's words.
    """

    because: Literal["unfinished", "incomplete", "broken"]
    said: str


def score(rubric: Rubric, results: Results) -> Score | NoScore:
    """The score of a run, or why it has none."""
    by_id = {check.key: check for check in results.checks}
    if results.run.finished is None or results.run.interrupted:
        return NoScore(because="unfinished", said="the run was broken off")
    if missing := [name for name in rubric.checks if name not in by_id]:
        return NoScore(because="incomplete", said=f"the run has no verdict of {', '.join(missing)}")
    for name in rubric.checks:
        for found in (by_id[name], *roots(by_id[name], by_id)):
            if said := _trouble(found, rubric):
                return NoScore(because="broken", said=said)
    return Score(sections=tuple(_section(section, by_id) for section in rubric.section))


def roots(check: CheckResult, by_id: dict[str, CheckResult]) -> tuple[CheckResult, ...]:
    """Where the chain of checks that block one begins, each once; the check itself where it waits for no other."""
    if check.verdict is not Verdict.BLOCKED:
        return (check,)
    above = [by_id[name] for name in check.blocked_by if name in by_id]
    found = {root.key: root for one in above for root in roots(one, by_id)}
    return tuple(found.values()) or (check,)


def _trouble(check: CheckResult, rubric: Rubric) -> str:
    """What of netproof broke; empty where nothing did."""
    if check.verdict is Verdict.ERROR:
        return f"{check.key}: {check.message}"
    own = check.subject is Subject.OWN and check.key not in rubric.checks
    if own and check.verdict is Verdict.FAILED:
        return f"{check.key}, which is about netproof's own objects, failed: {check.message}"
    return ""


def _section(section: Section, by_id: dict[str, CheckResult]) -> SectionScore:
    checks = tuple(_check(by_id[name], points, by_id) for name, points in section.points.items())
    return SectionScore(id=section.id, star=section.star, checks=checks)


def _check(check: CheckResult, points: float, by_id: dict[str, CheckResult]) -> CheckScore:
    reason = check.reason or check.message
    match check.verdict:
        case Verdict.PASSED:
            return CheckScore(id=check.key, outcome=Outcome.PASSED, points=points)
        case Verdict.FAILED:
            return CheckScore(
                id=check.key,
                outcome=Outcome.FAILED,
                points=points,
                expected=check.expected or check.message,
                observed=check.observed,
                objects=tuple(check.objects),
            )
        case Verdict.UNSUPPORTED:
            return CheckScore(id=check.key, outcome=Outcome.LEFT_OUT, points=points, reason=reason)
    begun = roots(check, by_id)
    if all(root.verdict is Verdict.UNSUPPORTED for root in begun):
        return CheckScore(id=check.key, outcome=Outcome.LEFT_OUT, points=points, reason=begun[0].reason)
    at_fault = next(root for root in begun if root.verdict is not Verdict.UNSUPPORTED)
    waits_for = at_fault.key if at_fault is not check else ""
    return CheckScore(
        id=check.key, outcome=Outcome.BLOCKED, points=points, waits_for=waits_for, reason=at_fault.reason or reason
    )
