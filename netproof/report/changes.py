"""What changed from one run to a later one: what got worse comes first, and durations are information only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from netproof.report.digest import Digest
from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

_LEAST_FACTOR, _LEAST_SECONDS = 2.0, 5.0
"""A duration has changed much where it is at least so many times the other, and differs by at least so much."""


class Change(StrEnum):
    """What became of a check since the run before."""

    NEWLY_FAILING = "newly failing"
    NO_LONGER_PROVEN = "no longer proven"
    """It passed, and is blocked or unsupported now."""
    NEW_ERROR = "new errors"
    STILL_FAILING = "still failing"
    STILL_AN_ERROR = "still errors"
    NO_LONGER_JUDGED = "no longer judged"
    """It failed, and is blocked or unsupported now."""
    MENDED = "mended"
    """It failed or was an error, and passes."""
    NOW_PROVEN = "now proven"
    """It was not judged, and passes."""
    NEW = "new checks"
    REMOVED = "removed checks"

    @property
    def is_worse(self) -> bool:
        """Whether it is a change for the worse of what is tested; an error says nothing of that."""
        return self in {Change.NEWLY_FAILING, Change.NO_LONGER_PROVEN}


@dataclass(frozen=True, slots=True)
class ChangedCheck:
    """A check that is not as it was, or still does not pass.

    Attributes:
        key: the check's key.
        change: what became of it.
        before: its result in the run before; None where that has none.
        after: its result in the later run; None where that has none.
    """

    key: str
    change: Change
    before: CheckResult | None
    after: CheckResult | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Something of both runs.

    Attributes:
        name: what it is.
        before: what it was; empty where it was not there.
        after: what it is; empty where it is gone.
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed.

    Attributes:
        checks: the checks that are not as they were, by change, each in the order of its run.
        news: what the later run knows as news and the one before did not.
        versions: the programs of other versions.
        durations: what took much longer, or much less long.
    """

    checks: tuple[ChangedCheck, ...]
    news: tuple[str, ...] = ()
    versions: tuple[Pair, ...] = ()
    durations: tuple[Pair, ...] = ()

    @classmethod
    def since(cls, before: Results | None, after: Results) -> Changes:
        """What changed since a run; since none, whatever fails is newly failing."""
        if before is None:
            standing = _standing(after)
            checks = (_changed(check.key, None, check, "", standing[check.key]) for check in after.checks)
            bad = (one for one in checks if one and one.change in {Change.NEWLY_FAILING, Change.NEW_ERROR})
            return cls(_sorted(bad), news=tuple(after.run.news))
        return cls(
            _sorted(_between(before, after)),
            tuple(line for line in after.run.news if line not in before.run.news),
            tuple(_versions(before, after)),
            tuple(_durations(before, after)),
        )

    @property
    def is_worse(self) -> bool:
        """Whether anything changed for the worse."""
        return any(one.change.is_worse for one in self.checks)

    @property
    def by_change(self) -> dict[Change, list[ChangedCheck]]:
        """The checks by what became of them, worst first."""
        found: dict[Change, list[ChangedCheck]] = {}
        for one in self.checks:
            found.setdefault(one.change, []).append(one)
        return found

    @property
    def counts(self) -> str:
        """How many checks changed in which way, in words."""
        return ", ".join(f"{len(checks)} {change}" for change, checks in self.by_change.items()) or "nothing changed"


def _sorted(checks: Iterator[ChangedCheck]) -> tuple[ChangedCheck, ...]:
    order = list(Change)
    return tuple(sorted(checks, key=lambda one: order.index(one.change)))


def _between(before: Results, after: Results) -> Iterator[ChangedCheck]:
    was = {check.key: check for check in before.checks}
    now = {check.key: check for check in after.checks}
    standing_before = dict.fromkeys(before.not_run, "not run") | _standing(before)
    standing_now = _standing(after)
    not_run_now = set(after.not_run)
    for key in dict.fromkeys((*standing_now, *standing_before)):
        if key in not_run_now:
            continue
        if one := _changed(key, was.get(key), now.get(key), standing_before.get(key, ""), standing_now.get(key, "")):
            yield one


def _standing(results: Results) -> dict[str, str]:
    """Each check's verdict; one that is blocked by an error says no more of what is tested than the error does."""
    found: dict[str, Verdict] = {}
    by_name: dict[str, Verdict] = {}
    for check in results.checks:  # in the order of the verdicts: what a check needs comes before it
        verdict = check.verdict
        if verdict is Verdict.BLOCKED and any(by_name.get(name) is Verdict.ERROR for name in check.blocked_by):
            verdict = Verdict.ERROR
        found[check.key] = by_name[check.key] = by_name[check.id] = verdict
    return {key: str(verdict) for key, verdict in found.items()}


def _changed(
    key: str, was: CheckResult | None, now: CheckResult | None, before: str, after: str
) -> ChangedCheck | None:
    change = _change(before, after)
    return ChangedCheck(key, change, was, now) if change else None


def _change(before: str, after: str) -> Change | None:
    """What the standing in two runs says: a verdict, "not run", or nothing where a run did not have the check."""
    match before, after:
        case _, "":
            return Change.REMOVED
        case Verdict.FAILED, Verdict.FAILED:
            return Change.STILL_FAILING
        case Verdict.ERROR, Verdict.ERROR:
            return Change.STILL_AN_ERROR
        case _, Verdict.FAILED:
            return Change.NEWLY_FAILING
        case _, Verdict.ERROR:
            return Change.NEW_ERROR
        case "", _:
            return Change.NEW
        case Verdict.PASSED, Verdict.PASSED:
            return None
        case ((Verdict.FAILED | Verdict.ERROR), Verdict.PASSED):
            return Change.MENDED
        case _, Verdict.PASSED:
            return Change.NOW_PROVEN
        case Verdict.PASSED, _:
            return Change.NO_LONGER_PROVEN
        case Verdict.FAILED, _:
            return Change.NO_LONGER_JUDGED
    return None


def _versions(before: Results, after: Results) -> Iterator[Pair]:
    was, now = _versions_of(before), _versions_of(after)
    for name in dict.fromkeys((*now, *was)):
        if was.get(name, "") != now.get(name, ""):
            yield Pair(name, was.get(name, ""), now.get(name, ""))


def _versions_of(results: Results) -> dict[str, str]:
    run = results.run
    return {component.name: component.version for component in run.components} | {"netproof": run.netproof_version}


def _durations(before: Results, after: Results) -> Iterator[Pair]:
    was, now = _seconds_of(before), _seconds_of(after)
    for name in now.keys() & was.keys():
        shorter, longer = sorted((was[name], now[name]))
        if longer - shorter >= _LEAST_SECONDS and longer >= _LEAST_FACTOR * shorter:
            yield Pair(name, f"{was[name]:.1f} s", f"{now[name]:.1f} s")


def _seconds_of(results: Results) -> dict[str, float]:
    """How long the run, its phases and the checks that passed took; what did not pass took as long as it waited."""
    found = {"the whole run": Digest(results).seconds}
    found |= {f"phase: {phase.name}": phase.seconds for phase in results.run.phases}
    return found | {one.key: one.duration_seconds for one in results.checks if one.verdict is Verdict.PASSED}
