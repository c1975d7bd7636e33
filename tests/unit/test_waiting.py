import time

import pytest

from netproof.waiting import NotYetError, TimedOutError, Waiter


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
