"""What the annotations of a canary ask for."""

import pytest

from netproof.ingress.canary import CanaryRule

PREFIX = "nginx.ingress.kubernetes.io/canary"


def rule(**annotations):
    return CanaryRule.of({f"{PREFIX}-{name.replace('_', '-')}": value for name, value in annotations.items()})


def test_a_header_alone_is_chosen_by_always_and_knows_never():
    found = rule(by_header="canary")

    assert (found.header, found.choosing, found.knows_never) == ("canary", "always", True)


def test_a_value_takes_the_place_of_always_and_never():
    found = rule(by_header="X-Canary", by_header_value="DoCanary")

    assert (found.choosing, found.knows_never) == ("DoCanary", False)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [("^(yes|sure)$", "yes"), (".*", "always"), ("[0-9]+", "1"), ("tru.", "true"), ("[a-f]{40}", ""), ("(", "")],
)
def test_a_pattern_is_chosen_by_a_value_that_fits_it(pattern, value):
    assert rule(by_header="canary", by_header_pattern=pattern).choosing == value


def test_a_value_wins_over_a_pattern():
    assert rule(by_header="canary", by_header_value="one", by_header_pattern="two").choosing == "one"


def test_without_a_header_nothing_chooses():
    found = rule(weight="50")

    assert (found.choosing, found.knows_never) == ("", False)


@pytest.mark.parametrize(
    ("weight", "total", "share"),
    [("50", None, 0.5), ("50", "200", 0.25), ("5", "10", 0.05), ("300", "200", 1), ("-3", None, 0), ("half", None, 0)],
)
def test_a_weight_is_a_share_of_at_least_a_hundred(weight, total, share):
    assert rule(weight=weight, weight_total=total).share == share
