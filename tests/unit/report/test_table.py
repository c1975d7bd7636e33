"""The results as text, at every width."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netproof.check import HOMEWORK, SUBMISSION
from netproof.report import table
from netproof.report.results import CheckResult, Results, Run
from netproof.verdict import Verdict


def a_result(check_id: str, verdict: Verdict, **more: object) -> CheckResult:
    return CheckResult.model_validate(
        {
            "id": check_id,
            "title": "A title that is rather long, so that it does not fit into a narrow terminal at all.",
            "section": check_id.partition(".")[0],
            "level": HOMEWORK,
            "subject": SUBMISSION,
            "test": "test_file.py::test_name",
            "verdict": verdict,
            **more,
        }
    )


@pytest.fixture
def results() -> Results:
    return Results(
        run=Run(id="r", started=datetime(2026, 1, 2, tzinfo=UTC)),
        checks=[
            a_result("probe.readiness-gates-endpoints", Verdict.PASSED),
            a_result(
                "clusterip.spreads",
                Verdict.FAILED,
                expected="3 pods",
                observed="2 pods",
                attempts=60,
                evidence=["evidence/clusterip.spreads/pods.yaml"],
            ),
            a_result("probe.declared", Verdict.BLOCKED, reason="needs x.y, which failed"),
            a_result("clusterip.chains", Verdict.ERROR, message="kubelet died", remedy="look"),
            a_result("clusterip.reachable", Verdict.ERROR, message="kubelet died", remedy="look"),
        ],
        not_run=["lb.address"],
    )


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 300])
def test_no_line_is_longer_than_the_terminal(results, width):
    parts = [*table.sections(results, width=width), *table.troubles(results), table.counts(results)]

    text = table.render(parts, width=width, colour=False)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_each_section_comes_once_with_its_verdicts(results):
    text = table.render(table.sections(results, width=120), width=120, colour=False)

    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert [line for line in lines if " " not in line] == ["probe", "clusterip"]
    assert "probe.declared blocked 0.0 s needs x.y, which failed" in lines


def test_a_failure_says_expected_observed_attempts_and_evidence(results):
    lines = table.render(table.troubles(results), width=100, colour=False).splitlines()

    shown = [" ".join(line.split()) for line in lines]
    start = shown.index("failed: clusterip.spreads")
    assert shown[start + 1 : start + 4] == ["expected 3 pods", "observed 2 pods", "attempts 60"]
    assert "evidence evidence/clusterip.spreads/pods.yaml" in shown


def test_errors_of_one_cause_are_told_once(results):
    text = table.render(table.troubles(results), width=100, colour=False)

    assert text.count("kubelet died") == 1
    assert "error: clusterip.chains, clusterip.reachable" in text


def test_the_counts_are_one_line(results):
    assert table.counts(results).plain == "6 checks: 1 passed, 1 failed, 1 blocked, 2 error, 1 not run"


def test_colours_are_there_when_asked_for(results):
    assert "\x1b[" in table.render(table.sections(results, width=80), width=80, colour=True)


def test_news_is_told_whatever_failed(results):
    results.run.news = ["services.udp-deleted: it is mended"]

    text = table.render(table.troubles(results), width=120, colour=False)

    assert "news: services.udp-deleted: it is mended" in text
