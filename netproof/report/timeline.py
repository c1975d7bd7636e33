"""When each check of a run ran, as lanes of bars: what ran at the same time lies side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from netproof.report.digest import Digest, ended
from netproof.report.results import CheckResult

WIDTH, LANE_HEIGHT, MARGIN = 1100.0, 18.0, 40.0
"""In the units of the drawing: how wide it is, how high a lane, and what is left free on both sides."""
_LEAST_BAR = 1.5
_MOST_TICKS = 12
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)


@dataclass(frozen=True, slots=True)
class Bar:
    """A check in the drawing.

    Attributes:
        check: which it is.
        x: where it begins.
        width: how long it is.
        lane: in which lane, from 0.
    """

    check: CheckResult
    x: float
    width: float
    lane: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis: where it is, and the seconds since the start of the run."""

    x: float
    seconds: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing.

    Attributes:
        bars: one for each check that began.
        lanes: the name of each lane: the worker, where there are workers, in the first of its lanes.
        ticks: the axis.
    """

    bars: tuple[Bar, ...]
    lanes: tuple[str, ...]
    ticks: tuple[Tick, ...]

    @property
    def height(self) -> float:
        """How high it is."""
        return (len(self.lanes) + 1) * LANE_HEIGHT


def timeline_of(digest: Digest) -> Timeline:
    """The timeline of a run. In each lane, one check begins when the one before has ended."""
    run = digest.results.run
    seconds = max(digest.seconds, 1.0)
    scale = (WIDTH - 2 * MARGIN) / seconds
    begun = [(check.started, end, check) for check in digest.results.checks if check.started and (end := ended(check))]
    bars: list[Bar] = []
    lanes: list[str] = []
    for worker in sorted({check.worker for _, _, check in begun}):
        first = len(lanes)
        ends: list[datetime] = []
        for start, end, check in sorted((one for one in begun if one[2].worker == worker), key=lambda one: one[:2]):
            lane = next((number for number, before in enumerate(ends) if before <= start), len(ends))
            ends[lane : lane + 1] = [end]
            x = MARGIN + (start - run.started).total_seconds() * scale
            bars.append(Bar(check, x, max(check.duration_seconds * scale, _LEAST_BAR), first + lane))
        lanes += [worker, *([""] * (len(ends) - 1))]
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    ticks = tuple(Tick(MARGIN + at * scale, at) for at in range(0, int(seconds) + 1, step))
    return Timeline(tuple(bars), tuple(lanes), ticks)
