"""Judging a random spread over endpoints by a stated false-alarm probability, and not by taste.

The model: each of N requests goes to one of n endpoints with probability 1/n, independent of the others, which is what
kube-proxy's iptables and nftables modes do. An endpoint's count is then binomial with N and 1/n. Each endpoint has two
bounds, one for each tail of that distribution; each is passed with a probability of at most a/(2n), so a correct spread
is called wrong with a probability of at most a (the union bound).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FALSE_ALARM = 1e-6
"""One false alarm in a million judgements, unless a check says otherwise."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The judgement of a spread; truthy where it is as random as it should be.

    Attributes:
        counts: how many replies each endpoint gave, with zero for those that gave none.
        lowest: the fewest replies that are still believable of an endpoint.
        highest: the most.
        strangers: who replied without being an endpoint.
        false_alarm: the probability with which a correct spread is judged wrong.
    """

    counts: dict[str, int]
    lowest: int
    highest: int
    strangers: tuple[str, ...]
    false_alarm: float

    def __bool__(self) -> bool:
        return not (self.strangers or self.outliers)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        strangers = f"; nobody expected {', '.join(self.strangers)}" if self.strangers else ""
        bounds = f"{self.lowest} to {self.highest} each (false alarm {self.false_alarm:g})"
        return f"{counts}{strangers}; believable: {bounds}"

    @property
    def missing(self) -> tuple[str, ...]:
        """The endpoints that never replied."""
        return tuple(name for name, count in self.counts.items() if not count)

    @property
    def outliers(self) -> tuple[str, ...]:
        """The endpoints whose count is not believable."""
        return tuple(name for name, count in self.counts.items() if not self.lowest <= count <= self.highest)


def requests_needed(n_endpoints: int, false_alarm: float = FALSE_ALARM) -> int:
    """How many requests reach each of ``n_endpoints`` but for a probability of at most ``false_alarm``.

    An endpoint is missed by N requests with probability (1-1/n)^N, some endpoint with at most n times that. Half of the
    false-alarm probability is left to the upper bound, so that so many are enough for :func:`judge_spread` too.

    Raises:
        ValueError: no endpoints, or a probability that is not between 0 and 1.
    """
    _validate(n_endpoints, false_alarm)
    if n_endpoints == 1:
        return 1
    return math.ceil(math.log(false_alarm / (2 * n_endpoints)) / math.log1p(-1 / n_endpoints))


def judge_spread(counts: Mapping[str, int], endpoints: Iterable[str], false_alarm: float = FALSE_ALARM) -> Spread:
    """Whether replies are spread over ``endpoints`` as equal chances spread them.

    Args:
        counts: how many replies each server gave (:meth:`netproof.observe.replies.Replies.served_by`).
        endpoints: who should reply.
        false_alarm: with which probability a correct spread may be judged wrong.

    Raises:
        ValueError: there are no endpoints, or too few requests to tell a missing endpoint from chance.
    """
    names = sorted(set(endpoints))
    _validate(len(names), false_alarm)
    total = sum(counts.values())
    needed = requests_needed(len(names), false_alarm)
    if total < needed:
        msg = f"{total} requests are too few for {len(names)} endpoints and a false alarm of {false_alarm:g}: {needed}"
        raise ValueError(msg)
    lowest, highest = believable_counts(total, len(names), false_alarm)
    return Spread(
        counts={name: counts.get(name, 0) for name in names},
        lowest=lowest,
        highest=highest,
        strangers=tuple(sorted(name for name, count in counts.items() if count and name not in names)),
        false_alarm=false_alarm,
    )


@dataclass(frozen=True, slots=True)
class Share:
    """The judgement of how often one of two things happened; truthy where it is believable.

    Attributes:
        hits: how often it happened.
        total: out of how many.
        lowest: the fewest hits that are still believable.
        highest: the most.
        false_alarm: the probability with which a correct share is judged wrong.
    """

    hits: int
    total: int
    lowest: int
    highest: int
    false_alarm: float

    def __bool__(self) -> bool:
        return self.lowest <= self.hits <= self.highest

    def __str__(self) -> str:
        bounds = f"{self.lowest} to {self.highest} (false alarm {self.false_alarm:g})"
        return f"{self.hits} of {self.total}; believable: {bounds}"


def judge_share(hits: int, total: int, probability: float, false_alarm: float = FALSE_ALARM) -> Share:
    """Whether ``hits`` of ``total`` requests are what a chance of ``probability`` for each gives.

    The count is binomial; each of its tails is cut off where it holds at most half of ``false_alarm``. Who deals
    requests out in turn comes nearer to the middle than chance does, and is believed as well.

    Args:
        hits: how often it happened.
        total: how many requests there were.
        probability: how likely it should be for each, 0 and 1 included.
        false_alarm: with which probability a correct share may be judged wrong.

    Raises:
        ValueError: a probability is not one.
    """
    if not 0 <= probability <= 1:
        msg = f"{probability} is no probability"
        raise ValueError(msg)
    _validate(1, false_alarm)
    if probability in {0, 1}:
        lowest = highest = round(total * probability)
    else:
        masses = [_binomial(count, total, probability) for count in range(total + 1)]
        lowest = _first_beyond(masses, false_alarm / 2)
        highest = total - _first_beyond(masses[::-1], false_alarm / 2)
    return Share(hits, total, lowest, highest, false_alarm)


def believable_counts(n_requests: int, n_endpoints: int, false_alarm: float = FALSE_ALARM) -> tuple[int, int]:
    """The narrowest counts (lowest, highest) that leave at most ``false_alarm``/(2n) in each tail of an endpoint."""
    _validate(n_endpoints, false_alarm)
    if n_endpoints == 1:
        return n_requests, n_requests
    tail = false_alarm / (2 * n_endpoints)
    masses = [_binomial(count, n_requests, 1 / n_endpoints) for count in range(n_requests + 1)]
    return _first_beyond(masses, tail), n_requests - _first_beyond(masses[::-1], tail)


def _first_beyond(masses: list[float], tail: float) -> int:
    """The first count at which the masses up to it, and with it, are more than ``tail``."""
    total = 0.0
    for count, mass in enumerate(masses):
        total += mass
        if total > tail:
            return count
    return len(masses) - 1


def _binomial(count: int, n: int, p: float) -> float:
    logarithm = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    return math.exp(logarithm + count * math.log(p) + (n - count) * math.log1p(-p))


def _validate(n_endpoints: int, false_alarm: float) -> None:
    if n_endpoints < 1:
        raise ValueError("a spread over no endpoints cannot be judged")
    if not 0 < false_alarm < 1:
        msg = f"a false-alarm probability of {false_alarm} is not between 0 and 1"
        raise ValueError(msg)
