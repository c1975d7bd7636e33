"""A spread is judged by a stated false-alarm probability."""

import math
import random

import pytest

from netproof.observe.spread import believable_counts, judge_share, judge_spread, requests_needed

PODS = ("web-a", "web-b", "web-c")


def spread_evenly(total: int, weights: tuple[float, ...], seed: int) -> dict[str, int]:
    chosen = random.Random(seed).choices(PODS, weights, k=total)
    return {pod: chosen.count(pod) for pod in PODS}


def test_enough_requests_reach_every_endpoint():
    needed = requests_needed(3, 1e-6)

    assert 3 * (2 / 3) ** needed <= 1e-6
    assert 30 < needed < 45
    assert requests_needed(1) == 1


def test_the_bounds_are_exact_tails():
    lowest, highest = believable_counts(100, 2, 0.05)

    def tail(counts) -> float:
        return sum(math.comb(100, count) for count in counts) / 2**100

    assert tail(range(lowest)) <= 0.05 / 4 < tail(range(lowest + 1))
    assert tail(range(highest + 1, 101)) <= 0.05 / 4 < tail(range(highest, 101))


def test_a_fair_spread_passes():
    assert all(judge_spread(spread_evenly(90, (1, 1, 1), seed), PODS) for seed in range(200))


def test_an_unfair_spread_fails():
    spread = judge_spread(spread_evenly(300, (4, 1, 1), seed=1), PODS)

    assert not spread
    assert "web-a" in spread.outliers
    assert "believable: " in str(spread)


def test_a_missing_endpoint_fails():
    spread = judge_spread({"web-a": 25, "web-b": 25}, PODS)

    assert not spread
    assert spread.missing == ("web-c",)


def test_a_stranger_fails():
    spread = judge_spread({"web-a": 20, "web-b": 20, "web-c": 20, "other": 1}, PODS)

    assert not spread
    assert spread.strangers == ("other",)


def test_too_few_requests_cannot_be_judged():
    with pytest.raises(ValueError, match="5 requests are too few for 3 endpoints"):
        judge_spread({"web-a": 5}, PODS)


def test_one_endpoint_gets_everything():
    assert judge_spread({"web-a": 4}, ["web-a"])


@pytest.mark.parametrize(("endpoints", "false_alarm"), [(0, 0.1), (3, 0), (3, 1)])
def test_nonsense_is_refused(endpoints, false_alarm):
    with pytest.raises(ValueError, match=r"spread over no endpoints|not between 0 and 1"):
        requests_needed(endpoints, false_alarm)


def test_a_share_is_judged_by_exact_tails():
    share = judge_share(30, 100, 0.3, 0.05)

    def tail(counts) -> float:
        return sum(math.comb(100, count) * 0.3**count * 0.7 ** (100 - count) for count in counts)

    assert share
    assert tail(range(share.lowest)) <= 0.05 / 2 < tail(range(share.lowest + 1))
    assert tail(range(share.highest + 1, 101)) <= 0.05 / 2 < tail(range(share.highest, 101))


def test_a_share_of_chance_is_believed_and_another_is_not():
    chance = random.Random(7)
    samples = [sum(chance.random() < 0.3 for _ in range(300)) for _ in range(200)]

    assert all(judge_share(hits, 300, 0.3) for hits in samples)
    assert not any(judge_share(hits, 300, 0.6) for hits in samples)


@pytest.mark.parametrize(("probability", "hits"), [(0, 0), (1, 50)])
def test_what_is_certain_must_be_so_every_time(probability, hits):
    assert judge_share(hits, 50, probability)
    assert not judge_share(abs(hits - 1), 50, probability)


def test_a_share_beyond_everything_is_refused():
    with pytest.raises(ValueError, match="no probability"):
        judge_share(1, 2, 1.5)
