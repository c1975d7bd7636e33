"""A run as a whole: what it prints, how it exits, and what an interrupted one leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netproof.report.results import Results
from netproof.verdict import Verdict

pytest_plugins = "pytester"

ONE_OF_EACH = """
@a_check("a.holds")
def test_holds(): "It holds."
@a_check("a.fails")
def test_fails():
    "It holds too."
    raise UnmetError("3 pods", "2 pods", attempts=4)
@a_check("b.blocked", needs=["a.fails"])
def test_blocked(): "It would hold."
"""


def test_the_end_of_a_run_is_a_table_then_the_failures_then_the_counts(run_checks):
    ran = run_checks(test_a=ONE_OF_EACH)

    ran.stdout.fnmatch_lines(
        [
            ".Fb *[[]100%[]]",
            "=* checks =*",
            "a",
            "  a.holds * passed * It holds.",
            "  a.fails * failed * It holds too.",
            "b",
            "  b.blocked * blocked * needs a.fails, which failed",
            "failed: a.fails",
            "*expected  3 pods",
            "*observed  2 pods",
            "*attempts  4",
            "3 checks: 1 passed, 1 failed, 1 blocked",
            "results: reports/*/results.json",
            "=* 1 failed, 1 passed, 1 skipped in *",
        ]
    )
    ran.stdout.no_fnmatch_line("*= FAILURES =*")


@pytest.mark.parametrize("asked", ["-v", "--tb=short"])
def test_tracebacks_of_failed_checks_are_shown_when_asked_for(run_checks, asked):
    run_checks(asked, test_a=ONE_OF_EACH).stdout.fnmatch_lines(["*= FAILURES =*", "*raise UnmetError*"])


def test_ordinary_failures_beside_checks_keep_their_tracebacks_and_their_exit_code(run_checks, pytester):
    pytester.makepyfile(test_plain="def test_it(): assert 1 == 2")

    ran = run_checks(test_a='@a_check("a.x")\ndef test_x():\n    "T."\n    {}["key"]')

    assert ran.ret == 1
    ran.stdout.fnmatch_lines(["*assert 1 == 2*", "error: a.x"])
    assert "KeyError: 'key'" in ran.stdout.str()
    ran.stdout.no_fnmatch_line("*ERROR at*")


def test_a_phase_is_one_line_even_in_the_midst_of_a_test(run_checks):
    ran = run_checks(
        test_a="""
@pytest.fixture(scope="session")
def cluster(request):
    with run_record(request.config).phase("boot the cluster"): print("chatter")
@a_check("a.one")
def test_it(cluster): "T."
"""
    )

    ran.stdout.fnmatch_lines(["  boot the cluster * s"])
    ran.stdout.no_fnmatch_line("*chatter*")


def test_quiet_leaves_out_the_table_but_not_the_failures(run_checks):
    ran = run_checks("-q", test_a=ONE_OF_EACH)

    ran.stdout.no_fnmatch_line("*a.holds*")
    ran.stdout.fnmatch_lines(["failed: a.fails", "results: *"])


def test_results_go_where_the_option_says(run_checks, pytester):
    run_checks("--report-dir", "elsewhere", test_a=ONE_OF_EACH)

    assert Results.read(pytester.path / "elsewhere" / "latest" / "results.json").run.exit_code == 1
    assert not (pytester.path / "reports").exists()


def run_to_its_end(pytester: pytest.Pytester, *arguments: str, how: str) -> subprocess.CompletedProcess[str]:
    pytester.makepyfile(
        test_a=f"""
        import os, signal
        from netproof.check import OWN, check
        @check("a.one", subject=OWN, control="c", mutants=["m"])
        def test_one(): "T."
        @check("a.ends", subject=OWN, needs=["a.one"], control="c", mutants=["m"])
        def test_ends():
            "T."
            {how}
        @check("a.later", subject=OWN, needs=["a.ends"], control="c", mutants=["m"])
        def test_later(): "T."
        """
    )
    command = [sys.executable, "-m", "pytest", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(command, cwd=pytester.path, env=environment, timeout=60, capture_output=True, text=True)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "with workers"])
def test_an_interrupted_run_leaves_the_verdicts_so_far(pytester, plugins, results, workers):
    ended = run_to_its_end(pytester, *plugins, *workers, how="raise KeyboardInterrupt")

    assert ended.returncode == pytest.ExitCode.INTERRUPTED
    left = results()
    assert [check.id for check in left.checks if check.verdict is Verdict.PASSED] == ["a.one"]
    assert "a.ends" in left.not_run
    assert (left.run.interrupted, left.run.exit_code) == (True, 2)
    assert left.run.finished is not None
    assert "not run: a.ends" in ended.stdout


def test_a_killed_run_leaves_the_verdicts_so_far_without_an_end(pytester, plugins, results):
    ended = run_to_its_end(pytester, *plugins, how="os.kill(os.getpid(), signal.SIGKILL)")

    assert ended.returncode == -signal.SIGKILL
    left = results()
    assert [check.id for check in left.checks] == ["a.one"]
    assert left.not_run == ["a.ends", "a.later"]
    assert left.run.finished is None


def test_collecting_only_writes_nothing(run_checks, pytester):
    run_checks("--collect-only", test_a=ONE_OF_EACH)

    assert not (pytester.path / "reports").exists()


def test_nothing_is_left_of_where_workers_met(run_checks, pytester):
    run_checks("-n", "2", test_a=ONE_OF_EACH)

    assert {file.name for file in (pytester.path / "reports" / "latest").iterdir()} == {"results.json", "report.html"}
