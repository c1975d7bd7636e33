"""Runs side by side: the verdicts of the same checks in several results, as of three proxy modes or two versions.

A check whose verdicts differ comes first, with what was seen where it did not pass. A verdict of ``unsupported`` or
``blocked`` judges nothing, so it is no difference to any other; such checks come next, with the reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from netproof.report.results import CheckResult, Results, Run
from netproof.verdict import Verdict

ABSENT: Final = "-"
"""Stands where a run did not have a check, or did not come to it."""

_JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED, Verdict.ERROR})


class Standing(StrEnum):
    """How the verdicts on one check stand to each other."""

    DIFFERS = "differs"
    NOT_IN_ALL = "not judged in every run"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Row:
    """One check in every run.

    Attributes:
        key: the check's key.
        found: its result in each run; None where the run has none.
    """

    key: str
    found: tuple[CheckResult | None, ...]

    @property
    def judged(self) -> frozenset[Verdict]:
        """The verdicts that judge the check."""
        return frozenset(one.verdict for one in self.found if one and one.verdict in _JUDGED)

    @property
    def standing(self) -> Standing:
        """How the verdicts stand to each other."""
        if len(self.judged) > 1:
            return Standing.DIFFERS
        complete = all(one and one.verdict in _JUDGED for one in self.found)
        return Standing.ALIKE if complete else Standing.NOT_IN_ALL

    @property
    def cells(self) -> tuple[str, ...]:
        """The key, and the verdict in each run."""
        return (self.key, *(str(one.verdict) if one else ABSENT for one in self.found))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a report: a table, and what there is to say about it.

    Attributes:
        heading: what it is about.
        rows: the cells of each row; the first names it, and there is one for each run.
        remarks: lines below the table.
    """

    heading: str
    rows: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: the results, in the order of the columns.
        rows: every check that a run has or should have had, by key.
    """

    runs: tuple[Results, ...]
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = field(init=False)
    """What tells each run from the others, such as its proxy mode."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _columns([one.run for one in self.runs]))

    @classmethod
    def of(cls, runs: Sequence[Results]) -> Comparison:
        """The comparison of these runs."""
        by_key = [{check.key: check for check in run.checks} for run in runs]
        keys = {key for run, checks in zip(runs, by_key, strict=True) for key in (*checks, *run.not_run)}
        return cls(tuple(runs), tuple(Row(key, tuple(one.get(key) for one in by_key)) for key in sorted(keys)))

    def standing(self, standing: Standing) -> tuple[Row, ...]:
        """The checks whose verdicts stand so to each other."""
        return tuple(row for row in self.rows if row.standing is standing)

    def parts(self, *, with_alike: bool = True) -> Iterator[Part]:
        """The report: what the runs are, what differs, what was not judged in all, and the rest.

        Args:
            with_alike: whether the checks with one verdict in all runs are listed, and not just counted.
        """
        yield Part("runs", tuple(self._runs()))
        news = [f"{column}: {line}" for column, one in self._by_column() for line in one.run.news]
        if news:
            yield Part("news", remarks=tuple(news))
        differing = self.standing(Standing.DIFFERS)
        yield Part(f"{_checks(differing)} with verdicts that differ", _cells(differing), tuple(self._words(differing)))
        # What one run judged and another did not is a change; what none judged is not.
        if partial := tuple(sorted(self.standing(Standing.NOT_IN_ALL), key=lambda row: not row.judged)):
            yield Part(f"{_checks(partial)} not judged in every run", _cells(partial), tuple(self._reasons(partial)))
        alike = self.standing(Standing.ALIKE)
        yield Part(f"{_checks(alike)} with the same verdict in every run", _cells(alike) if with_alike else ())
        if measured := tuple(self._measured()):
            yield Part("measured", measured)

    def _by_column(self) -> Iterator[tuple[str, Results]]:
        return zip(self.columns, self.runs, strict=True)

    def _runs(self) -> Iterator[tuple[str, ...]]:
        facts: dict[str, Callable[[Results], str]] = {
            "Kubernetes": lambda one: one.run.kubernetes_version,
            "proxy mode": lambda one: one.run.proxy_mode,
            "nodes": lambda one: " ".join(filter(None, (str(one.run.node_count or ""), one.run.node_kind))),
            "verdicts": _counted,
            "run": lambda one: one.run.id,
        }
        for name, of in facts.items():
            yield (name, *(of(one) or ABSENT for one in self.runs))

    def _words(self, rows: Iterable[Row]) -> Iterator[str]:
        """What was seen wherever a check did not pass."""
        for row in rows:
            for column, one in zip(self.columns, row.found, strict=True):
                if one and one.verdict is not Verdict.PASSED:
                    yield f"{row.key} in {column}: {one.verdict}: {why(one)}"

    def _reasons(self, rows: Iterable[Row]) -> Iterator[str]:
        """Why checks were not judged, and what was seen where they were and did not pass; checks of one reason once."""
        for column, checks in zip(self.columns, zip(*(row.found for row in rows), strict=True), strict=True):
            of_reason: defaultdict[str, list[str]] = defaultdict(list)
            for one in filter(None, checks):
                if one.verdict is not Verdict.PASSED:
                    of_reason[f"{one.verdict}: {why(one)}"].append(one.key)
            for reason, keys in of_reason.items():
                yield f"{column}: {reason} ({', '.join(keys)})"

    def _measured(self) -> Iterator[tuple[str, ...]]:
        for row in self.rows:
            for name in dict.fromkeys(name for one in row.found if one for name in one.measured):
                values = [one.measured.get(name) if one else None for one in row.found]
                yield (f"{row.key} {name}", *(ABSENT if value is None else f"{value:g}" for value in values))


def _columns(runs: list[Run]) -> tuple[str, ...]:
    """The version and the mode of each run where they are not the same in all; where that is not enough, more."""
    kinds: list[Callable[[Run], str]] = [
        lambda run: run.kubernetes_version,
        lambda run: run.proxy_mode,
        lambda run: run.node_kind,
        lambda run: run.id,
    ]
    names = [""] * len(runs)
    for position, of in enumerate(kinds):
        is_needed = position < 2 or len(set(names)) < len(runs)
        if is_needed and len({of(run) for run in runs}) > 1:
            names = [f"{name} {of(run)}".strip() for name, run in zip(names, runs, strict=True)]
    if len(set(names)) < len(runs):
        names = [f"{name} ({number})".strip() for number, name in enumerate(names, 1)]
    return tuple(names)


def _cells(rows: Iterable[Row]) -> tuple[tuple[str, ...], ...]:
    return tuple(row.cells for row in rows)


def _checks(rows: Sequence[Row]) -> str:
    return f"{len(rows) or 'no'} {'check' if len(rows) == 1 else 'checks'}"


def _counted(results: Results) -> str:
    counts = [f"{number} {verdict}" for verdict, number in results.counts().items() if number]
    return ", ".join([*counts, *([f"{len(results.not_run)} not run"] if results.not_run else [])])


def why(one: CheckResult) -> str:
    """What a verdict other than ``passed`` says of itself, in one line."""
    if one.reason:
        text = one.reason
    elif one.expected:
        text = f"expected {one.expected}; observed {one.observed or one.message}"
    else:
        text = one.message
    return " ".join(text.split())
