"""The one waiter: every wait of netproof is for a named condition, within a named timeout."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from netproof.errors import NetproofError

T = TypeVar("T")

SCALE_VARIABLE = "NETPROOF_TIMEOUT_SCALE"
"""The environment variable with the factor of all timeouts."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long, in seconds, each kind of wait may take; ``scaled`` makes all of them longer at once."""

    api_ready: float = 60.0
    node_ready: float = 60.0
    dns_ready: float = 60.0
    addon_ready: float = 120.0
    pod_ready: float = 60.0
    rollout: float = 90.0
    page_loaded: float = 30.0
    address_assigned: float = 20.0
    address_patience: float = 5.0
    """How long a load balancer may say that it has no address for a Service before that is believed."""
    announced: float = 10.0
    failover: float = 40.0
    rules_programmed: float = 20.0
    rules_healed: float = 75.0
    probe_effect: float = 40.0
    probe_patience: float = 19.0
    """How long a readiness probe may fail: three times, 10 s apart, in timestamps of whole seconds."""
    deletion: float = 60.0
    request: float = 5.0

    def scaled(self, factor: float) -> Timeouts:
        """These timeouts, each multiplied by ``factor``."""
        return replace(self, **{name: getattr(self, name) * factor for name in self.__slots__})


@dataclass
class TimedOutError(Exception):
    """A wait ended without its condition.

    Attributes:
        what: the condition in words.
        timeout_seconds: how long was waited.
        attempts: how often the condition was looked at.
        last: what was seen last, in words.
    """

    what: str
    timeout_seconds: float
    attempts: int
    last: str

    def __str__(self) -> str:
        return f"not within {self.timeout_seconds:g} s: {self.what} ({self.attempts} attempts; last seen: {self.last})"


class NotYetError(Exception):
    """Raised by a condition that does not hold yet; its message says what was seen instead."""


_SHARE_OF_WAIT = 1 / 20
_LONGEST_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Waiter:
    """Looks at a condition until it holds a number of times in a row.

    Each look costs something, at the API server above all. So the longer a wait lasts, the longer are its pauses: a
    twentieth of what was waited so far, up to half a second. Once the condition holds, they are short again.

    Attributes:
        interval_seconds: the shortest pause between two looks.
        retry_on: exceptions that mean "not yet".
    """

    interval_seconds: float = 0.05
    retry_on: tuple[type[Exception], ...] = field(default=(NotYetError,))

    def until(self, what: str, condition: Callable[[], T], *, timeout_seconds: float, consecutive: int = 1) -> T:
        """The last value of ``condition`` once it has held ``consecutive`` times in a row.

        Args:
            what: the condition in words, for the message of a failure.
            condition: returns a value when it holds and raises :class:`NotYetError` when not.
            timeout_seconds: how long to look.
            consecutive: how many successes in a row are wanted.

        Raises:
            TimedOutError: the condition did not hold in time.
        """
        start = time.monotonic()
        deadline = start + timeout_seconds
        attempts, in_a_row, last = 0, 0, "nothing"
        while True:
            attempts += 1
            try:
                value = condition()
            except self.retry_on as problem:
                in_a_row, last = 0, str(problem) or type(problem).__name__
            else:
                in_a_row += 1
                if in_a_row >= consecutive:
                    return value
            now = time.monotonic()
            if now >= deadline:
                raise TimedOutError(what, timeout_seconds, attempts, last)
            longer = 0 if in_a_row else min((now - start) * _SHARE_OF_WAIT, _LONGEST_PAUSE_SECONDS)
            time.sleep(max(self.interval_seconds, longer))  # the pause of the one polling loop


def timeouts_from_environment() -> Timeouts:
    """The default timeouts, scaled by ``NETPROOF_TIMEOUT_SCALE`` for slow machines.

    Raises:
        NetproofError: the variable is not a positive number.
    """
    return Timeouts().scaled(scale_from_environment())


def scale_from_environment() -> float:
    """The factor in ``NETPROOF_TIMEOUT_SCALE``, 1 where nobody has set it.

    Raises:
        NetproofError: the variable is not a positive number.
    """
    text = os.environ.get(SCALE_VARIABLE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if factor <= 0:
        raise NetproofError(
            f"{SCALE_VARIABLE}={text!r} is not a positive number", "set it to 1, or to 2 on a slow machine"
        )
    return factor
