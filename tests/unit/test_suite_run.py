"""A run of the suites in a process of its own: it leaves results, or says why it did not."""

from __future__ import annotations

import pytest

from netproof.programs import Programs
from netproof.report.record import RESULTS_FILE
from netproof.report.results import Results
from netproof.suite_run import newest_run, run_suites


@pytest.fixture
def run(tmp_path):
    def start(*arguments, seconds=120.0):
        return run_suites(
            Programs(),
            arguments,
            directory=tmp_path,
            reports=tmp_path / "runs",
            log=tmp_path / "run.log",
            seconds=seconds,
        )

    return start


def test_a_run_leaves_its_results_where_it_is_told_to(run, tmp_path):
    ended = run("--check=layout.files")

    assert ended.said == ""
    assert ended.directory == newest_run(tmp_path / "runs")
    assert [check.id for check in Results.read(ended.directory / RESULTS_FILE).checks] == ["layout.files"]


def test_a_run_that_leaves_no_results_says_how_it_ended(run):
    ended = run("--no-such-option")

    assert ended.directory is None
    assert ended.said.startswith("the run ended with exit code 4 and left no results:")
    assert "--no-such-option" in ended.said


def test_a_run_that_takes_too_long_says_so(run):
    assert run("--check=layout.files", seconds=0.05).said == "the run took longer than 0.05 s"
