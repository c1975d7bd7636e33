"""What is told of a night: of each run what changed, as headings and lines that every form of it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netproof.nightly.history import Before, History
from netproof.nightly.night import Night, NightRun, State, results_of
from netproof.report.changes import Change, ChangedCheck, Changes, Pair
from netproof.report.compare import why
from netproof.report.digest import Digest, duration
from netproof.verdict import Verdict

GOT_WORSE, BROKE = 1, 3
"""Exit codes: something got worse; nothing did, but netproof or a cluster broke."""

_STILL = {Change.STILL_FAILING, Change.STILL_AN_ERROR}


@dataclass(frozen=True, slots=True)
class Part:
    """Something to say: a heading, and lines below it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A run of a night as it is told.

    Attributes:
        run: which it is.
        results: what it found; None where it left nothing.
        before: the run that it is compared with.
        version_before: the run of the next older version in the same night, where that is another.
    """

    run: NightRun
    results: Digest | None
    before: Before | None
    version_before: Before | None

    @property
    def title(self) -> str:
        """The version and the mode."""
        return f"{self.run.version} {self.run.mode}"

    @property
    def verdicts(self) -> str:
        """The counts of the verdicts; what its state is, where it has not finished."""
        counts = self.results.counts if self.results else ""
        state = "" if self.run.state is State.FINISHED else str(self.run.state)
        return "; ".join(filter(None, (state, counts)))

    @property
    def took(self) -> str:
        """How long it took."""
        return duration(self.results.seconds) if self.results else ""

    @property
    def what_changed(self) -> str:
        """How many checks changed in which way."""
        if not self.results or self.run.state is not State.FINISHED:
            return ""
        counted = ", ".join(f"{len(keys)} {change}" for change, keys in self.run.changes.items())
        return counted or ("nothing changed" if self.before else "nothing to compare with; nothing failed")

    @property
    def compared_with(self) -> str:
        """What it is compared with, in words."""
        return self.before.name if self.before else "nothing, for there is no earlier run"

    @property
    def parts(self) -> list[Part]:
        """All that is to be said of it; nothing where nothing changed."""
        return list(self._parts())

    def _parts(self) -> Iterator[Part]:
        if self.run.said:
            yield Part("what broke", tuple(self.run.said.splitlines()))
        if not self.results or (not self.run.changes and not self.before):
            return
        changes = Changes.since(self.before.results if self.before else None, self.results.results)
        known = [one for one in changes.checks if one.key in self.run.changes.get(one.change, ())]
        for change in dict.fromkeys(one.change for one in known):
            lines = tuple(_line(one) for one in known if one.change is change)
            yield Part(f"{len(lines)} {change}", lines)
        yield from _of(changes)
        if self.version_before:
            since = Changes.since(self.version_before.results, self.results.results)
            lines = tuple(f"{one.change}: {_line(one)}" for one in since.checks if one.change not in _STILL)
            if lines:
                yield Part(f"against {self.version_before.name}", lines)


@dataclass(frozen=True, slots=True)
class ToldNight:
    """A night as it is told.

    Attributes:
        night: which it is.
        runs: its runs.
    """

    night: Night
    runs: tuple[Told, ...] = field(default=())

    @classmethod
    def of(cls, history: History, night: Night) -> ToldNight:
        """The night with what its runs have left."""
        return cls(night, tuple(_told(history, night, run) for run in night.runs))

    @property
    def outcome(self) -> str:
        """What came of it, in a few words."""
        words = {0: "nothing changed for the worse", GOT_WORSE: "something got worse", BROKE: "something broke"}
        unfinished = "" if self.night.finished else "broken off: "
        return f"{unfinished}{words[exit_code(self.night)]}"


def exit_code(night: Night) -> int:
    """0 where nothing changed for the worse, 1 where something did, else 3 where netproof or a cluster broke."""
    changes = {Change(change) for run in night.runs for change in run.changes}
    if any(change.is_worse for change in changes):
        return GOT_WORSE
    is_broken = any(run.state is State.BROKEN for run in night.runs)
    return BROKE if is_broken or changes & {Change.NEW_ERROR, Change.STILL_AN_ERROR} else 0


def _told(history: History, night: Night, run: NightRun) -> Told:
    results = results_of(run, history.directory / night.name)
    before = history.at(run.compared_with)
    version_before = history.version_before(run, night) if results else None
    if version_before and before and version_before.directory == before.directory:
        version_before = None
    return Told(run, Digest(results) if results else None, before, version_before)


def _line(one: ChangedCheck) -> str:
    before = one.before.verdict if one.before else None
    if one.after is None:
        return f"{one.key}, which was {before or 'not run'}"
    if one.after.verdict is Verdict.PASSED:
        was = f" ({before}: {why(one.before)})" if one.before and before is not Verdict.PASSED else ""
        return f"{one.key}{was}"
    was = f", {before} before" if before and before is not one.after.verdict else ""
    return f"{one.key}{was}: {one.after.verdict}: {why(one.after)}"


def _of(changes: Changes) -> Iterator[Part]:
    if changes.news:
        yield Part("news", changes.news)
    if changes.versions:
        yield Part("other versions", tuple(map(_pair, changes.versions)))
    if changes.durations:
        yield Part("durations, as information only", tuple(map(_pair, changes.durations)))


def _pair(pair: Pair) -> str:
    return f"{pair.name}: {pair.before or 'none'}, now {pair.after or 'none'}"
