"""The one waiter: what it waits for, how it gives up, and how often it looks."""

from __future__ import annotations

import itertools
import time

import pytest

from netproof.waiting import NotYetError, TimedOutError, Waiter


def holds_from(attempt: int, looks: list[float]):
    """A condition that holds from that attempt on, and enters the time of each look."""

    def condition() -> int:
        looks.append(time.monotonic())
        if len(looks) < attempt:
            raise NotYetError(f"attempt {len(looks)}")
        return len(looks)

    return condition


def test_a_condition_is_wanted_some_times_in_a_row():
    answers = iter([True, False, True, True, True])

    def condition() -> None:
        if not next(answers):
            raise NotYetError("no")

    Waiter(0.001).until("it holds", condition, timeout_seconds=5, consecutive=3)

    assert not list(answers)


def test_a_wait_that_ends_in_vain_says_what_was_seen_last():
    with pytest.raises(TimedOutError, match=r"not within 0.05 s: it holds \(\d+ attempts; last seen: attempt \d+\)"):
        Waiter(0.01).until("it holds", holds_from(1000, []), timeout_seconds=0.05)


def test_pauses_grow_with_the_wait_and_are_short_again_once_the_condition_holds(monkeypatch):
    now = itertools.count()
    pauses: list[float] = []
    monkeypatch.setattr("netproof.waiting.time.monotonic", lambda: next(now) / 4)
    monkeypatch.setattr("netproof.waiting.time.sleep", pauses.append)

    Waiter(0.05).until("it holds", holds_from(60, []), timeout_seconds=60, consecutive=2)

    *waiting, between_successes = pauses
    assert waiting == sorted(waiting)
    assert (waiting[0], waiting[-1], between_successes) == (0.05, 0.5, 0.05)


def test_a_clock_that_jumps_neither_ends_a_wait_nor_prolongs_it(monkeypatch):
    jumps = iter(range(0, 10**9, 10**6))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    looks = []

    def look():
        looks.append(None)
        if len(looks) < 5:
            raise NotYetError("not yet")

    Waiter(interval_seconds=0.001).until("it was looked at five times", look, timeout_seconds=5)

    start = time.monotonic()
    with pytest.raises(TimedOutError):
        Waiter(interval_seconds=0.001).until("never", never, timeout_seconds=0.05)
    assert time.monotonic() - start < 2


def never():
    raise NotYetError("never")
