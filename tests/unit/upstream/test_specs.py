from __future__ import annotations

import json

import pytest

from netproof.errors import NetproofError
from netproof.upstream.specs import Outcome, absorb, keep_what_ran, selected_specs

from .conftest import node


def test_a_dry_run_tells_what_is_selected(report):
    path = report(
        node("should refuse", "passed"),
        node("should answer [Conformance]", "passed"),
        node("should sleep", "skipped"),
        node("", "passed", kind="SynchronizedBeforeSuite"),
    )

    specs = selected_specs(path)

    assert [spec.name for spec in specs] == [
        "[sig-network] Services should answer [Conformance]",
        "[sig-network] Services should refuse",
    ]
    assert specs[0].file == "test/e2e/network/service.go:7"


def test_each_selected_spec_gets_its_outcome(run, report):
    absorb(
        run,
        report(
            node("should answer [Conformance]", "passed", seconds=1.5),
            node("should refuse", "failed", message="it answered", seconds=2),
            node("should be left", "skipped"),  # by the expressions, so without a reason
            node("never selected", "skipped"),
        ),
    )

    assert [(spec.outcome, spec.seconds, spec.message) for spec in run.specs] == [
        (Outcome.PASSED, 1.5, ""),
        (Outcome.FAILED, 2.0, "it answered"),
        (Outcome.NOT_RUN, 0.0, ""),
    ]
    assert run.exit_code() == 1


def test_a_spec_that_skips_itself_says_why(run, report):
    run.specs = run.specs[:1]
    absorb(run, report(node("should answer [Conformance]", "skipped", message="needs two nodes")))

    assert (run.specs[0].outcome, run.specs[0].message) == (Outcome.SKIPPED, "needs two nodes")
    assert run.exit_code() == 0


@pytest.mark.parametrize("state", ["panicked", "timedout", "aborted"])
def test_any_other_end_of_a_spec_is_a_failure_that_is_named(run, report, state):
    absorb(run, report(node("should refuse", state, message="after 5m")))

    assert (run.specs[1].outcome, run.specs[1].message) == (Outcome.FAILED, f"{state}: after 5m")


def test_a_spec_that_was_interrupted_is_not_judged(run, report):
    absorb(run, report(node("should refuse", "interrupted", message="by a signal")))

    assert (run.specs[1].outcome, run.specs[1].message) == (Outcome.NOT_RUN, "interrupted: by a signal")
    assert run.exit_code() == 3


def test_a_suite_that_does_not_start_is_a_problem_and_no_failure(run, report):
    absorb(run, report(node("", "failed", message="no node is Ready", kind="SynchronizedBeforeSuite")))

    assert run.problems == ["SynchronizedBeforeSuite: no node is Ready"]
    assert run.exit_code() == 3


def test_an_interrupted_run_says_so_by_its_exit_code(run):
    run.interrupted = True
    assert run.exit_code() == 2


def test_a_report_that_is_none_is_an_error(tmp_path):
    (tmp_path / "ginkgo.json").write_text("{")
    with pytest.raises(NetproofError, match="no report that can be read"):
        selected_specs(tmp_path / "ginkgo.json")


def test_what_was_not_selected_is_taken_out_of_the_report(report):
    ran, begun = node("should refuse", "failed", message="no"), node("", "passed", kind="SynchronizedBeforeSuite")
    path = report(ran, begun, node("should sleep", "skipped"))

    keep_what_ran(path)

    assert json.loads(path.read_text())[0]["SpecReports"] == [ran, begun]
