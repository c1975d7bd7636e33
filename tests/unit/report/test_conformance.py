"""The conformance report: levels by section, and what upstream asks for the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from netproof.check import CORE, EXTENDED, OWN
from netproof.report.conformance import conformance_of, to_yaml, upstream_names
from netproof.report.results import CheckResult, Results, Run
from netproof.running.listing import all_checks
from netproof.verdict import Verdict

SUITES = Path(__file__).parents[3] / "suites"
START = datetime(2026, 1, 2, tzinfo=UTC)


def a_check(check_id, verdict=Verdict.PASSED, level=CORE, **more):
    section = check_id.partition(".")[0]
    facts = {"title": "It holds.", "section": section, "level": level, "subject": OWN, "test": "t.py::t"}
    return CheckResult(id=check_id, verdict=verdict, **facts, **more)


def a_run(*checks, **more):
    return Results(run=Run(id="r", started=START, finished=START, kubernetes_version="v1.37.2"), checks=checks, **more)


@pytest.mark.parametrize(
    ("verdicts", "result"),
    [
        (["passed", "passed"], "success"),
        (["passed", "unsupported"], "partial"),
        (["blocked"], "partial"),
        (["passed", "failed"], "failure"),
        (["unsupported", "error"], "failure"),
    ],
)
def test_a_level_is_as_good_as_its_checks(verdicts, result):
    checks = [a_check(f"dns.check-{number}", verdict) for number, verdict in enumerate(verdicts)]

    (profile,) = conformance_of(a_run(*checks))["profiles"]

    assert profile["name"] == "dns"
    assert profile["core"]["result"] == result
    assert sum(profile["core"]["statistics"].values()) == len(verdicts)


def test_levels_stand_apart():
    run = a_run(a_check("dns.one"), a_check("dns.two", Verdict.FAILED, EXTENDED))

    (profile,) = conformance_of(run)["profiles"]

    assert (profile["core"]["result"], profile["extended"]["result"]) == ("success", "failure")
    assert "homework" not in profile


def test_features_are_those_that_checks_asked_for():
    run = a_run(
        a_check("canary.one", features=["canary-by-header"]),
        a_check("canary.two", Verdict.UNSUPPORTED, features=["canary-by-header", "canary-by-cookie"], reason="none"),
    )

    report = conformance_of(run)

    assert report["supportedFeatures"] == ["canary-by-header"]
    assert report["unsupportedFeatures"] == ["canary-by-cookie"]


def test_a_run_that_left_something_out_is_not_complete():
    assert conformance_of(a_run(a_check("dns.one")))["complete"]
    assert not conformance_of(a_run(a_check("dns.one"), not_run=["dns.two"]))["complete"]


def test_the_yaml_says_the_same_and_names_upstream_tests():
    run = a_run(a_check("dns.pods.services", dimensions={"transport": "udp"}))

    report = yaml.safe_load(to_yaml(run))

    assert report == conformance_of(run)
    (entry,) = report["profiles"][0]["checks"]
    assert entry["upstream"] == ["DNS should provide DNS for services"]
    assert entry["dimensions"] == {"transport": "udp"}


def test_every_check_that_upstream_tests_are_named_for_exists():
    assert upstream_names().keys() <= {check.id for check in all_checks(SUITES)}
