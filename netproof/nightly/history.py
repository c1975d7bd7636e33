"""The nights before: which one is taken up again, and which run another is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from netproof.nightly.night import Night, NightRun, Order, State, read_results
from netproof.report.results import Results
from netproof.toolchain.catalog import version_order

_TAKEN_UP_WITHIN = timedelta(hours=20)
"""How old a night may be that is taken up again where it was broken off; the next night is one of its own."""


@dataclass(frozen=True, slots=True)
class Before:
    """A run that another is compared with.

    Attributes:
        directory: its directory, from that of all nights.
        results: its results.
    """

    directory: str
    results: Results

    @property
    def name(self) -> str:
        """Which it is, as ``1.37.2-iptables of 2026-11-28``."""
        night, run, *_ = self.directory.split("/")
        return f"{run} of {night}"


class History:
    """The nights in a directory.

    Attributes:
        directory: where they are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def nights(self) -> list[Night]:
        """All nights, oldest first."""
        found = filter(None, (Night.read(one) for one in self.directory.glob("*") if not one.is_symlink()))
        return sorted(found, key=lambda night: night.started)

    def begin(self, order: Order, now: datetime, *, anew: bool = False) -> Night:
        """The night that was broken off, with all that it has, or else a new one.

        Args:
            order: what is asked for; only a night of the same order is taken up.
            now: the time, UTC.
            anew: whether none is taken up.
        """
        last = next(reversed(self.nights()), None)
        if last and not anew and _can_be_taken_up(last, order, now):
            return last
        date = f"{now:%Y-%m-%d}"
        names = (date if number == 1 else f"{date}.{number}" for number in count(1))
        name = next(name for name in names if not (self.directory / name).exists())
        runs = [NightRun(version=version, mode=mode) for version, mode in order.runs]
        return Night(name=name, started=now, order=order, runs=runs)

    def before(self, run: NightRun, night: Night) -> Before | None:
        """The run to compare one with; None where there is none.

        It is the last finished one of the same minor version and mode, in an earlier night that told pytest the same.
        Of a minor version that is new it is that of the version before it, of this night or the last one that has it.
        """
        earlier = self._earlier(night)
        return self._last(earlier, run.minor, run.mode) or self._of_version_before(run, [night, *earlier])

    def at(self, directory: str) -> Before | None:
        """The run in a directory, from that of all nights; None where that has no results."""
        results = read_results(self.directory / directory) if directory else None
        return Before(directory, results) if results else None

    def version_before(self, run: NightRun, night: Night) -> Before | None:
        """The run of this night in the same mode and of the next older version that has one; None without one."""
        return self._of_version_before(run, [night])

    def _earlier(self, night: Night) -> list[Night]:
        """The nights before one that told pytest the same, newest first."""
        return [
            one
            for one in reversed(self.nights())
            if one.started < night.started and one.order.arguments == night.order.arguments
        ]

    def _of_version_before(self, run: NightRun, nights: list[Night]) -> Before | None:
        minors = {other.minor for night in nights for other in night.runs}
        older = [minor for minor in minors if version_order(minor) < version_order(run.minor)]
        found = (self._last(nights, minor, run.mode) for minor in sorted(older, key=version_order, reverse=True))
        return next(filter(None, found), None)

    def _last(self, nights: list[Night], minor: str, mode: str) -> Before | None:
        """The finished run of a minor version and a mode, in the first of these nights that has it."""
        for night in nights:
            for run in night.runs:
                is_one = (run.minor, run.mode, run.state) == (minor, mode, State.FINISHED)
                if is_one and (found := self.at(f"{night.name}/{run.directory}")):
                    return found
        return None


def _can_be_taken_up(night: Night, order: Order, now: datetime) -> bool:
    return night.finished is None and night.order == order and now - night.started < _TAKEN_UP_WITHIN
