"""Scoring: what each verdict gives, and where there is no score at all."""

from __future__ import annotations

import pytest

from netproof.check import Subject
from netproof.grading.score import NoScore, Outcome, Score, score
from netproof.verdict import Verdict


def test_all_that_passes_gives_all_points_and_stars_apart(rubric, results):
    found = score(rubric, results())

    assert (found.earned, found.possible, found.stars, found.possible_stars) == (18, 18, 10, 10)


def test_what_fails_or_waits_gives_none_and_stays_in_the_maximum(rubric, results, failed, blocked):
    found = score(rubric, results(failed("clusterip.reachable"), blocked("clusterip.spreads", "clusterip.reachable")))

    assert (found.earned, found.possible) == (9, 18)
    assert found.sections[0].earned == 0
    assert found.sections[0].possible == 9


def test_what_waits_names_the_failure_at_the_beginning_of_the_chain(rubric, results, failed, blocked):
    found = score(
        rubric,
        results(
            failed("ingress.lb"), blocked("ingress.path", "ingress.lb"), blocked("canary.header-always", "ingress.path")
        ),
    )

    waiting = {check.id: check.waits_for for check in found.checks if check.outcome is Outcome.BLOCKED}
    assert waiting == {"ingress.path": "ingress.lb", "canary.header-always": "ingress.lb"}


def test_what_lacks_an_object_waits_for_no_check(rubric, results, blocked):
    found = score(rubric, results(blocked("ingress.path", reason="the submission has no Ingress")))

    check = next(check for check in found.checks if check.id == "ingress.path")
    assert (check.outcome, check.waits_for, check.reason) == (Outcome.BLOCKED, "", "the submission has no Ingress")


def test_what_the_cluster_cannot_judge_leaves_the_maximum(rubric, results, unsupported):
    found = score(rubric, results(unsupported("clusterip.spreads")))

    assert (found.earned, found.possible) == (15, 15)
    assert found.sections[0].checks[1].outcome is Outcome.LEFT_OUT


def test_so_does_what_waits_for_that_alone(rubric, results, blocked, unsupported):
    found = score(rubric, results(unsupported("ingress.lb"), blocked("ingress.path", "ingress.lb")))

    assert (found.earned, found.possible) == (9, 9)


def test_a_failure_beside_it_is_a_failure(rubric, results, failed, blocked, unsupported):
    found = score(
        rubric,
        results(
            unsupported("ingress.lb"),
            failed("clusterip.reachable"),
            blocked("ingress.path", "ingress.lb", "clusterip.reachable"),
        ),
    )

    check = next(check for check in found.checks if check.id == "ingress.path")
    assert (check.outcome, check.waits_for) == (Outcome.BLOCKED, "clusterip.reachable")


def test_an_error_of_a_check_is_no_score_at_all(rubric, results, result):
    found = score(rubric, results(result("clusterip.spreads", Verdict.ERROR, message="etcd died")))

    assert found == NoScore(because="broken", said="clusterip.spreads: etcd died")


def test_nor_is_an_error_of_what_a_check_waits_for(rubric, results, result, blocked):
    found = score(rubric, results(result("lb.up", Verdict.ERROR, message="it died"), blocked("ingress.lb", "lb.up")))

    assert found == NoScore(because="broken", said="lb.up: it died")


def test_nor_is_a_failure_of_what_is_netproofs_own(rubric, results, failed, blocked):
    own = failed("lb.up", subject=Subject.OWN, message="no")
    found = score(rubric, results(own, blocked("ingress.lb", "lb.up")))

    assert found == NoScore(because="broken", said="lb.up, which is about netproof's own objects, failed: no")


@pytest.mark.parametrize("run", [{"finished": False}, {"interrupted": True}])
def test_nor_is_a_run_that_was_broken_off(rubric, results, run):
    assert score(rubric, results(**run)) == NoScore(because="unfinished", said="the run was broken off")


def test_a_run_without_a_verdict_is_no_score(rubric, results):
    given = results()
    given.checks = [check for check in given.checks if check.id != "ingress.path"]

    found = score(rubric, given)

    assert isinstance(found, NoScore)
    assert found.said == "the run has no verdict of ingress.path"


def test_a_check_that_the_rubric_does_not_name_changes_nothing(rubric, result, results, failed):
    assert score(rubric, results(failed("rollout.bounds"))) == score(rubric, results())
    assert isinstance(score(rubric, results(result("dns.udp", Verdict.ERROR, message="no"))), Score)
