"""Why checks failed: what was found in the manifests comes first, as one mistake may fail many checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from netproof.grading.grade import Grade
from netproof.grading.manifests import LocatedFile, Remark
from netproof.grading.rubric import Rubric, Section
from netproof.grading.score import CheckScore, Outcome, SectionScore
from netproof.grading.texts import reading
from netproof.hygiene import Severity
from netproof.submission import Part

_NO_CAUSE = ("security.", "layout.", "apply.removed-api")
"""Rules that explain no failure: what is dangerous works, what is missing is told by itself, what is old is adapted."""
_WEAK = frozenset({"apply.redefined", "apply.duplicate-keys"})
"""Rules whose findings may well be harmless."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing to mend, and the checks that failed, most likely, for it.

    Attributes:
        about: the rule that found it; the check that failed, where no rule found anything; empty for a missing file.
        remarks: what the rule found, each with its place.
        missing: the file that is not there.
        files: where no rule found anything, the files that the checks are about.
        section: the first section where it costs points.
        checks: the checks that failed.
    """

    about: str
    section: Section
    checks: tuple[CheckScore, ...] = ()
    remarks: tuple[Remark, ...] = ()
    missing: LocatedFile | None = None
    files: tuple[str, ...] = ()


def causes(rubric: Rubric, grade: Grade) -> tuple[Cause, ...]:
    """What there is to mend in a work, in the order of the homework; the same mistake in several files is one."""
    if grade.score is None:
        return ()
    found: list[Cause] = []
    explained: dict[str, Cause] = {}
    for section, scored in zip(rubric.section, grade.score.sections, strict=True):
        found += _missing(section, scored, grade)
        alone: dict[str, list[CheckScore]] = {}
        for check in scored.checks:
            if check.outcome is not Outcome.FAILED:
                continue
            remarks = _explaining(check, section, grade)
            if not remarks:
                alone.setdefault(check.observed, []).append(check)
            for remark in remarks:
                cause = explained.get(remark.rule) or Cause(remark.rule, section)
                explained[remark.rule] = replace(
                    cause,
                    checks=tuple(dict.fromkeys((*cause.checks, check))),
                    remarks=tuple(dict.fromkeys((*cause.remarks, remark))),
                )
        found += [
            Cause(checks[0].id, section, tuple(checks), files=_files(checks, section, grade))
            for checks in alone.values()
        ]
    order = {section.id: index for index, section in enumerate(rubric.section)}
    return tuple(sorted((*found, *explained.values()), key=lambda one: order[one.section.id]))


def next_causes(rubric: Rubric, grade: Grade, told: tuple[Cause, ...]) -> tuple[Remark, ...]:
    """What was found in the manifests of parts whose checks were not reached, and will be in their way next."""
    waiting = {
        part
        for section, scored in zip(rubric.section, grade.score.sections if grade.score else (), strict=False)
        for check in scored.checks
        if check.outcome is Outcome.BLOCKED
        for part in _parts_of(check, section)
    }
    used = {remark for cause in told for remark in cause.remarks}
    return tuple(
        one
        for one in _telling(grade)
        if one not in used and _may_be_a_cause(one) and waiting & grade.manifests.parts_of(one.file)
    )


def other_remarks(grade: Grade, told: Iterable[Remark]) -> tuple[Remark, ...]:
    """What was found in the manifests and stands in the way of nothing; what was adapted is left out."""
    used = set(told)
    return tuple(
        one for one in _telling(grade) if one not in used and not one.rule.startswith(("layout.", "apply.removed-api"))
    )


def _telling(grade: Grade) -> tuple[Remark, ...]:
    return tuple(one for one in grade.manifests.findings if one.severity is not Severity.NOTE)


def _may_be_a_cause(remark: Remark) -> bool:
    return not remark.rule.startswith(_NO_CAUSE)


def _missing(section: Section, scored: SectionScore, grade: Grade) -> Iterator[Cause]:
    """The files of a section that are missing and cost points; a starred section that is missing is no mistake."""
    if scored.star or scored.earned == scored.possible:
        return
    for one in grade.manifests.missing(section):
        yield Cause("", section, missing=one)


def _explaining(check: CheckScore, section: Section, grade: Grade) -> list[Remark]:
    """The findings that may be why a check failed; weak ones alone where there is no other."""
    parts = _parts_of(check, section)
    found = [
        one
        for one in _telling(grade)
        if _may_be_a_cause(one) and (parts & grade.manifests.parts_of(one.file) or check.id in _explains(one.rule))
    ]
    return [one for one in found if one.rule not in _WEAK] or found


def _files(checks: Iterable[CheckScore], section: Section, grade: Grade) -> tuple[str, ...]:
    parts = frozenset(part for check in checks for part in _parts_of(check, section))
    return tuple(file for one in grade.manifests.layout if one.part in parts for file in one.files)


def _parts_of(check: CheckScore, section: Section) -> frozenset[Part]:
    known = reading().get(check.id)
    return frozenset((known and known.parts) or section.parts)


def _explains(rule: str) -> tuple[str, ...]:
    known = reading().get(rule)
    return known.explains if known else ()
