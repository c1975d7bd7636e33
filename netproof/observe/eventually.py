"""Expectations about what needs a moment, such as rules that kube-proxy has still to write."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed
from netproof.observe.standpoint import Standpoint
from netproof.verdict import UnmetError
from netproof.waiting import TimedOutError, Waiter

T = TypeVar("T")

_SECONDS_A_TRY = 1.0
_PATIENCE_GROWS_BY = 1.0
_MOST_PATIENT_SECONDS = 5.0


def eventually(look: Callable[[], T], *, within_seconds: float, in_a_row: int = 1) -> T:
    """What ``look`` returns, once it has met its own expectations ``in_a_row`` times in a row.

    Args:
        look: looks once, and raises :class:`~netproof.verdict.UnmetError` where what it sees is not what is expected.
        within_seconds: how long it may take.
        in_a_row: how many successes in a row are wanted.

    Raises:
        UnmetError: the last one that ``look`` raised, with how often and how long it was tried.
    """
    last: UnmetError | None = None

    def looked() -> T:
        nonlocal last
        try:
            return look()
        except UnmetError as unmet:
            last = unmet
            raise

    try:
        return Waiter(interval_seconds=0.1, retry_on=(UnmetError,)).until(
            "the expectation is met", looked, timeout_seconds=within_seconds, consecutive=in_a_row
        )
    except TimedOutError as timed_out:
        if last is None:
            raise
        raise UnmetError(
            f"{last.expected} (within {within_seconds:g} s)",
            last.observed,
            attempts=timed_out.attempts,
            objects=last.objects,
            evidence=last.evidence,
        ) from None


def until_reply(place: Standpoint, url: str, *, within_seconds: float) -> None:
    """Return once a request gets a reply, whatever it is.

    Each try is short, because a connection that starts before its rules are there never gets them: conntrack keeps to
    what became of its first packet.

    Raises:
        UnmetError: none came in time.
    """

    def replied() -> None:
        replies = place.get(url, timeout_seconds=_SECONDS_A_TRY)
        require(not replies.all_failed, f"a reply to {place.name}", replies, objects=[url])

    eventually(replied, within_seconds=within_seconds)


def until_served_by(place: Standpoint, url: str, names: Collection[str], *, within_seconds: float) -> None:
    """Return once all of these servers, and nobody else, answer a place.

    As many requests are looked at as reach each server but for one false alarm in a million, and at least as many as
    show a second server beside the only one. The first tries are short, as those of :func:`until_reply`; a host that is
    too busy for that gets longer ones.

    Raises:
        UnmetError: they did not in time.
    """
    times = requests_needed(max(len(names), 2))
    patience = _SECONDS_A_TRY

    def served() -> None:
        nonlocal patience
        replies = place.get(url, times=times, timeout_seconds=patience)
        patience = min(patience + _PATIENCE_GROWS_BY, _MOST_PATIENT_SECONDS)
        expect(replies).served_by(names)

    eventually(served, within_seconds=within_seconds)


def until_failing(place: Standpoint, url: str, *kinds: Failure, within_seconds: float) -> None:
    """Return once a request fails in one of these ways; without any named, in any way.

    Raises:
        UnmetError: none did in time.
    """

    def fails() -> None:
        expect(place.get(url, timeout_seconds=_SECONDS_A_TRY)).to_fail_by(*kinds)

    eventually(fails, within_seconds=within_seconds)
