"""How a controller chooses between a main Ingress and its canary, with objects of netproof's own.

The rules are those that ingress-nginx documents: the header is asked before the cookie, the cookie before the weight.
A share is judged by exact binomial bounds, which a controller keeps that draws lots, and also one that deals in turn.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.site import CANARY, MAIN
from netproof.ingress import canary as annotation
from netproof.ingress.canary import ALWAYS, NEVER
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.spread import judge_share

NO_MUTANTS = none_because("nothing of a submission is looked at; the control is the same probe where it must fail")

HEADER, COOKIE = "X-Canary", "canary"
TIMES = 20
SAMPLE = 300
"""Requests whose share is judged: enough to tell 30 of 100 from 60."""
FALSE_ALARM = 1e-7
"""Of each judgement of a share; there are fewer than ten in a run, so it is below one in a million for all of them."""


@check(
    "canary.header-value",
    subject=OWN,
    level=EXTENDED,
    features=["canary-by-header"],
    control="the words always and never, another value, and no header at all choose nothing",
    mutants=NO_MUTANTS,
)
def test_the_named_value_chooses_the_canary(site):
    """Where canary-by-header-value names a value, that value chooses the canary, and no other does."""
    open_canary(site, **{annotation.BY_HEADER: HEADER, annotation.BY_HEADER_VALUE: "DoCanary"})
    site.wait_served_by(CANARY, headers={HEADER: "DoCanary"})
    for headers in ({HEADER: ALWAYS}, {HEADER: NEVER}, {HEADER: "DoCanaryNot"}, {}):
        expect(site.get(headers=headers), str(site), str(headers)).served_only_by([MAIN])


@check(
    "canary.header-pattern",
    subject=OWN,
    level=EXTENDED,
    features=["canary-by-header-pattern"],
    control="values that do not fit, the word always among them, choose nothing",
    mutants=NO_MUTANTS,
)
def test_a_fitting_value_chooses_the_canary(site):
    """Where canary-by-header-pattern names a regular expression, each value that fits it chooses the canary."""
    open_canary(site, **{annotation.BY_HEADER: HEADER, annotation.BY_HEADER_PATTERN: "^v[0-9]+$"})
    site.wait_served_by(CANARY, headers={HEADER: "v2"})
    expect(site.get(headers={HEADER: "v10"}), str(site)).served_only_by([CANARY])
    for headers in ({HEADER: "2"}, {HEADER: "v2.1"}, {HEADER: ALWAYS}, {}):
        expect(site.get(headers=headers), str(site), str(headers)).served_only_by([MAIN])


@check(
    "canary.cookie",
    subject=OWN,
    level=EXTENDED,
    features=["canary-by-cookie"],
    control="never, another value, another cookie, and no cookie at all choose nothing",
    mutants=NO_MUTANTS,
)
def test_the_cookie_chooses_the_canary(site):
    """The cookie that canary-by-cookie names chooses the canary by the value always, also beside other cookies."""
    open_canary(site, **{annotation.BY_COOKIE: COOKIE})
    site.wait_served_by(CANARY, headers=cookie(ALWAYS))
    expect(site.get(headers={"Cookie": f"a=b; {COOKIE}={ALWAYS}; c=d"}), str(site)).served_only_by([CANARY])
    for headers in (cookie(NEVER), cookie("maybe"), {"Cookie": f"other={ALWAYS}"}, {}):
        expect(site.get(headers=headers), str(site), str(headers)).served_only_by([MAIN])


@check(
    "canary.weight",
    subject=OWN,
    level=EXTENDED,
    features=["canary-by-weight"],
    control="the same replies are not believable as a share of 60; weight 0 gives nothing and weight 100 everything",
    mutants=NO_MUTANTS,
)
def test_the_canary_gets_the_share_of_its_weight(site):
    """With canary-weight 30 the canary gets 30 of 100 requests, but for a false alarm in ten millions."""
    open_canary(site, **{annotation.WEIGHT: "100"})
    site.wait_served_by(CANARY)
    expect(site.get(times=TIMES), str(site)).served_only_by([CANARY])

    site.route(CANARY, annotations=marked({annotation.WEIGHT: "0"}))
    site.wait_served_by(MAIN)
    expect(site.get(times=TIMES), str(site)).served_only_by([MAIN])

    site.route(CANARY, annotations=marked({annotation.WEIGHT: "30"}))
    hits = wait_for_share(site)
    require_share(site, hits, 0.3)
    require(not judge_share(hits, SAMPLE, 0.6, FALSE_ALARM), "no share of 0.6", hits, objects=[str(site)])


@check(
    "canary.weight-total",
    subject=OWN,
    level=EXTENDED,
    features=["canary-by-weight"],
    control="the same replies are not believable as a share of 50 out of 100",
    mutants=NO_MUTANTS,
)
def test_the_weight_is_out_of_the_named_total(site):
    """With canary-weight 50 and canary-weight-total 200 the canary gets a quarter of the requests."""
    open_canary(site, **{annotation.WEIGHT: "50", annotation.WEIGHT_TOTAL: "200"})
    hits = wait_for_share(site)
    require_share(site, hits, 0.25)
    require(not judge_share(hits, SAMPLE, 0.5, FALSE_ALARM), "no share of 0.5", hits, objects=[str(site)])


@check(
    "canary.precedence",
    subject=OWN,
    level=EXTENDED,
    features=["canary-precedence"],
    control="where the first of the two says nothing, the second decides",
    mutants=NO_MUTANTS,
)
@pytest.mark.parametrize(
    ("annotations", "chosen", "kept_away", "undecided"),
    [
        pytest.param(
            {annotation.BY_HEADER: HEADER, annotation.BY_COOKIE: COOKIE},
            {HEADER: ALWAYS, "Cookie": f"{COOKIE}={NEVER}"},
            {HEADER: NEVER, "Cookie": f"{COOKIE}={ALWAYS}"},
            ({HEADER: "maybe", "Cookie": f"{COOKIE}={ALWAYS}"}, [CANARY]),
            id="header-over-cookie",
        ),
        pytest.param(
            {annotation.BY_HEADER: HEADER, annotation.WEIGHT: "50"},
            {HEADER: ALWAYS},
            {HEADER: NEVER},
            ({HEADER: "maybe"}, [MAIN, CANARY]),
            id="header-over-weight",
        ),
        pytest.param(
            {annotation.BY_COOKIE: COOKIE, annotation.WEIGHT: "50"},
            {"Cookie": f"{COOKIE}={ALWAYS}"},
            {"Cookie": f"{COOKIE}={NEVER}"},
            ({"Cookie": f"{COOKIE}=maybe"}, [MAIN, CANARY]),
            id="cookie-over-weight",
        ),
    ],
)
def test_the_first_that_says_something_decides(site, annotations, chosen, kept_away, undecided):
    """Of two annotations the one that comes first, header, cookie, weight, decides where the request speaks of it."""
    open_canary(site, **annotations)
    site.wait_served_by(CANARY, headers=chosen)
    expect(site.get(headers=chosen, times=TIMES), str(site)).served_only_by([CANARY])
    expect(site.get(headers=kept_away, times=TIMES), str(site)).served_only_by([MAIN])
    headers, names = undecided
    expect(site.get(headers=headers, times=2 * TIMES), str(site)).served_by(names)


@check(
    "canary.lone",
    subject=OWN,
    level=EXTENDED,
    features=["canary-needs-main"],
    control="with a main Ingress of the same host and path the same request reaches the canary",
    mutants=NO_MUTANTS,
)
def test_a_canary_without_a_main_ingress_routes_nothing(site):
    """A canary without a main Ingress of its path routes nothing; once there is one, be it younger, it does."""
    open_canary(site, main="/elsewhere", **{annotation.BY_HEADER: HEADER})
    site.wait_status(200, "/elsewhere")
    for headers in ({HEADER: ALWAYS}, {}):
        site.require_unrouted(headers=headers)

    site.route("later", to=MAIN)
    site.wait_served_by(CANARY, headers={HEADER: ALWAYS})
    expect(site.get(), str(site)).served_only_by([MAIN])


@check(
    "canary.change",
    subject=OWN,
    level=EXTENDED,
    needs=["canary.header-value"],
    features=["canary-by-header"],
    control="the value that chose the canary before the change no longer does, nor does any once the canary is gone",
    mutants=NO_MUTANTS,
)
def test_a_canary_changes_and_goes_under_load(site):
    """While a canary comes, changes the value that chooses it, and goes, its main Ingress loses no request."""
    site.route(MAIN)
    site.wait_served_by(MAIN)
    with site.load() as load:
        for value, former in (("blue", ""), ("green", "blue")):
            site.route(CANARY, annotations=marked({annotation.BY_HEADER: HEADER, annotation.BY_HEADER_VALUE: value}))
            site.wait_served_by(CANARY, headers={HEADER: value})
            if former:
                expect(site.get(headers={HEADER: former}), str(site)).served_only_by([MAIN])
        site.unroute(CANARY)
        site.wait_served_by(MAIN, headers={HEADER: "green"})
    expect(load.replies, str(site)).to_lose_nothing().served_only_by([MAIN])


def open_canary(site, *, main="/", **annotations):
    """Give a site a main Ingress, once it answers a canary beside it, with these annotations."""
    site.route(MAIN, path=main)
    site.wait_status(200, main)
    site.route(CANARY, annotations=marked(annotations))


def marked(annotations):
    """The annotations of a canary."""
    return {annotation.CANARY: "true", **annotations}


def cookie(value):
    """The headers of a request with the cookie of this value."""
    return {"Cookie": f"{COOKIE}={value}"}


def wait_for_share(site):
    """How many of a sample of requests the canary answers, once it answers some."""

    def some():
        replies = site.get(times=TIMES)
        expect(replies, str(site)).served_by([MAIN, CANARY])

    eventually(some, within_seconds=site.workspace.timeouts.rules_programmed)
    replies = site.get(times=SAMPLE)
    expect(replies, str(site)).served_only_by([MAIN, CANARY])
    return replies.served_by()[CANARY]


def require_share(site, hits, probability):
    """The hits of a sample are believable as those of a probability."""
    share = judge_share(hits, SAMPLE, probability, FALSE_ALARM)
    require(share, f"a share of {probability}", share, attempts=SAMPLE, objects=[str(site)])
