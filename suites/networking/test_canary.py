"""The submission's canary: pods of a new version that get the requests which ask for them, and no others.

A canary Ingress repeats the host and path of a main Ingress and says by annotations which requests are its own. It is
judged by who answers: the page names its pod.
"""

from __future__ import annotations

import pytest

from netproof.check import SUBMISSION, check
from netproof.ingress.canary import NEVER
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.spread import judge_share

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

TIMES = 30
SAMPLE = 300
"""Requests whose share is judged."""
FALSE_ALARM = 1e-7
"""Of each judgement of a share, so that all of a run together stay below one in a million."""
CONCURRENCY = 4
INGRESS = {"kind": "Ingress", "api_version": "networking.k8s.io/v1"}


@check(
    "canary.header-always",
    subject=SUBMISSION,
    needs=["ingress.path"],
    control="without the header the share of the canary's replies is its weight, none where it has no weight",
    mutants=[
        "canary-header-missing",
        "canary-false",
        "canary-service-typo",
        "canary-path-differs",
    ],
)
def test_the_header_sends_every_request_to_the_canary(ingress_controller, submitted_canary, nginx_lb, lan, cluster):
    """A request with the host and the header as submitted reaches the pods of the canary, and no others."""
    canary = submitted_canary
    ingress_controller.require(canary.manifest)
    canary.require_declared()
    url, pods = canary.url(nginx_lb.wait_address(cluster.timeouts)), canary.pods()
    wait_until_chosen(lan, url, canary, cluster)
    expect(lan.get(url, headers=canary.headers(canary.rule.choosing), times=TIMES), str(canary)).served_only_by(pods)
    require_share_by_weight(lan, url, canary, canary.headers())


@check(
    "canary.header-never",
    subject=SUBMISSION,
    needs=["canary.header-always"],
    control="the value that chooses the canary does choose it",
    mutants=["canary-header-value-never", "canary-header-pattern-all"],
)
def test_the_value_never_is_not_the_canary(submitted_canary, nginx_lb, lan, cluster):
    """A request with the header's value never does not reach the canary, or by weight where never means nothing."""
    canary = submitted_canary
    url, pods = canary.url(nginx_lb.wait_address(cluster.timeouts)), canary.pods()
    expect(lan.get(url, headers=canary.headers(canary.rule.choosing)), str(canary)).served_only_by(pods)
    if canary.rule.knows_never:
        replies = lan.get(url, headers=canary.headers(NEVER), times=TIMES)
        expect(replies, str(canary)).served_only_by(canary.main_pods())
    else:
        require_share_by_weight(lan, url, canary, canary.headers(NEVER))


@check(
    "canary.main-untouched",
    subject=SUBMISSION,
    needs=["canary.header-always"],
    exclusive=True,
    control="while the canary is gone its header leads nowhere else than the main Ingress does",
    mutants=["canary-takes-everything"],
)
def test_the_main_ingress_answers_whatever_becomes_of_the_canary(submitted_canary, nginx_lb, lan, cluster):
    """The main Ingress answers before, while and after the canary exists: a steady load on it loses nothing."""
    canary = submitted_canary
    url, pods, main_pods = canary.url(nginx_lb.wait_address(cluster.timeouts)), canary.pods(), canary.main_pods()
    expected = f"replies from {', '.join(sorted(main_pods))}"
    found = canary.live()
    try:
        with lan.load(url, headers=canary.headers()) as load:
            for one in found:
                cluster.api.delete(**INGRESS, name=one["metadata"]["name"], namespace=one["metadata"]["namespace"])
            wait_until_gone(lan, url, canary, pods, cluster)
            bring_back(cluster, found)
            wait_until_chosen(lan, url, canary, cluster)
    finally:
        bring_back(cluster, found)
    expect(load.replies, str(canary)).to_lose_nothing()
    expect(load.replies, str(canary)).served_only_by(main_pods | (pods if canary.rule.weight else set()))
    afterwards = lan.get(url, headers=canary.headers(), times=TIMES)
    require(afterwards.served_by().keys() & main_pods, expected, afterwards, objects=[str(canary)])


def wait_until_chosen(lan, url, canary, cluster):
    """Return once a request that chooses the canary is answered by one of its pods."""
    headers, pods = canary.headers(canary.rule.choosing), canary.pods()
    eventually(
        lambda: expect(lan.get(url, headers=headers), str(canary)).served_only_by(pods),
        within_seconds=cluster.timeouts.rules_programmed,
        in_a_row=3,
    )


def wait_until_gone(lan, url, canary, pods, cluster):
    """Return once a request that chose the canary is answered by others."""
    headers = canary.headers(canary.rule.choosing)

    def elsewhere():
        replies = lan.get(url, headers=headers)
        require(not replies.served_by().keys() & pods, "nobody of the canary replies", replies, objects=[str(canary)])

    eventually(elsewhere, within_seconds=cluster.timeouts.rules_programmed, in_a_row=3)


def require_share_by_weight(lan, url, canary, headers):
    """The canary's share of the replies is its weight; nobody but it and the main Ingress' pods reply."""
    pods, main_pods, rule = canary.pods(), canary.main_pods(), canary.rule
    replies = lan.get(url, headers=headers, times=SAMPLE if rule.weight else TIMES, concurrency=CONCURRENCY)
    expect(replies, str(canary)).served_only_by(pods | main_pods)
    hits = sum(count for name, count in replies.served_by().items() if name in pods)
    share = judge_share(hits, len(replies), rule.share, FALSE_ALARM)
    expected = f"a share of {rule.share:g} of the replies from the canary"
    require(share, expected, share, attempts=len(replies), objects=[str(canary)])


def bring_back(cluster, ingresses):
    """Apply Ingresses again."""
    for one in ingresses:
        cluster.api.apply(one)
