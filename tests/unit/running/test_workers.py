"""Checks on the workers of pytest-xdist: one order, one ledger, and nothing beside an exclusive check."""

from __future__ import annotations

import json

import pytest

from netproof.verdict import Verdict

pytest_plugins = "pytester"

TIMED = """
import json, os
def note_interval(name, seconds):
    start = time.monotonic()
    time.sleep(seconds)
    Path(os.environ["INTERVALS"], name).write_text(json.dumps([start, time.monotonic()]))
"""


def intervals(directory) -> dict[str, list[float]]:
    return {file.name: json.loads(file.read_text()) for file in directory.iterdir()}


@pytest.fixture
def interval_directory(tmp_path, monkeypatch):
    directory = tmp_path / "intervals"
    directory.mkdir()
    monkeypatch.setenv("INTERVALS", str(directory))
    return directory


@pytest.mark.parametrize("number", [2, 3])
def test_a_verdict_blocks_and_lets_pass_across_workers(run_checks, results, interval_directory, number):
    ran = run_checks(
        "-n",
        str(number),
        test_a=TIMED
        + """
@a_check("a.bad")
def test_bad():
    "T."
    note_interval("bad", 0.5)
    assert False
@a_check("a.good")
def test_good():
    "T."
    note_interval("good", 0.5)
""",
        test_b=TIMED
        + """
@a_check("b.after-good", needs=["a.good"])
@pytest.mark.parametrize("n", range(6))
def test_after_good(n):
    "T."
    note_interval(f"after-good-{n}", 0)
@a_check("b.after-bad", needs=["a.bad"])
@pytest.mark.parametrize("n", range(6))
def test_after_bad(n): "T."
""",
        test_c="""
@a_check("c.last", needs=["b.after-good", "b.after-bad"])
def test_last(): "T."
""",
    )

    assert ran.ret == 1
    verdicts = {check.id: check.verdict for check in results().checks}
    assert verdicts.pop("a.bad") is Verdict.FAILED
    assert verdicts.pop("c.last") is Verdict.BLOCKED
    assert {verdict for id_, verdict in verdicts.items() if id_.startswith("b.after-bad")} == {Verdict.BLOCKED}
    assert {verdict for id_, verdict in verdicts.items() if "good" in id_} == {Verdict.PASSED}
    assert len(verdicts) == 13
    seen = intervals(interval_directory)
    assert min(start for name, (start, _) in seen.items() if name.startswith("after-good")) > seen["good"][1]
    assert results().run.workers == number
    assert len({check.worker for check in results().checks}) == number


def test_an_exclusive_check_runs_alone(run_checks, interval_directory):
    ran = run_checks(
        "-n",
        "3",
        test_a=TIMED
        + """
@a_check("a.shared")
@pytest.mark.parametrize("n", range(9))
def test_shared(n):
    "T."
    note_interval(f"shared-{n}", 0.15)
""",
        test_b=TIMED
        + """
@a_check("b.alone", exclusive=True)
@pytest.mark.parametrize("n", range(3))
def test_alone(n):
    "T."
    note_interval(f"alone-{n}", 0.1)
""",
        test_c=TIMED
        + """
@a_check("c.shared")
@pytest.mark.parametrize("n", range(6))
def test_more(n):
    "T."
    note_interval(f"more-{n}", 0.15)
""",
    )

    ran.assert_outcomes(passed=18)
    seen = intervals(interval_directory)
    alone = {name for name in seen if name.startswith("alone")}
    overlaps = {
        frozenset((one, other))
        for one, (start, end) in seen.items()
        for other, (other_start, other_end) in seen.items()
        if one != other and start < other_end and other_start < end
    }
    assert overlaps, "nothing ran side by side, so this proves nothing"
    assert not [pair for pair in overlaps if pair & alone]


def test_a_worker_that_dies_is_an_error_and_the_rest_still_runs(run_checks, results):
    ran = run_checks(
        "-n",
        "2",
        test_a="""
import os
@a_check("a.kills", needs=["a.first"])
def test_kills():
    "T."
    os._exit(9)
@a_check("a.first")
def test_first(): "T."
@a_check("b.some")
@pytest.mark.parametrize("n", range(8))
def test_some(n):
    "T."
    time.sleep(0.05)
@a_check("c.all", needs=["b.some"])
def test_all(): "T."
@a_check("c.none", needs=["a.kills"])
def test_none(): "T."
""",
    )

    verdicts = {check.id: check.verdict for check in results().checks}
    assert verdicts["a.kills"] is Verdict.ERROR
    assert verdicts["c.none"] is Verdict.BLOCKED
    assert verdicts["c.all"] is Verdict.PASSED
    assert ran.ret == 3
    assert len(verdicts) == 12


@pytest.mark.parametrize("how", [["-x"], ["--max-worker-restart", "0"]], ids=["by -x", "by a dead worker"])
def test_no_check_waits_for_one_that_was_broken_off(run_checks, results, how):
    end = "assert False" if how == ["-x"] else "os._exit(9)"
    run_checks(
        "-n",
        "2",
        *how,
        test_a=f"""
import os
@a_check("a.ends")
def test_ends():
    "T."
    time.sleep(0.5)
    {end}
@a_check("a.never")
def test_never(): "T."
@a_check("b.waits", needs=["a.never"])
@pytest.mark.parametrize("n", range(4))
def test_waits(n): "T."
""",
    )

    assert results().run.finished is not None
    assert Verdict.PASSED not in {check.verdict for check in results().checks if check.id.startswith("b.")}


def test_checks_refuse_a_distribution_without_their_order(run_checks):
    ran = run_checks("-n", "2", "--dist", "loadfile", test_a='@a_check("a.one")\ndef test_it(): "T."')

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    assert "use --dist load" in ran.stdout.str() + ran.stderr.str()


def test_what_a_worker_records_reaches_the_results_and_the_terminal(run_checks, results):
    ran = run_checks(
        "-n",
        "2",
        test_a="""
@pytest.fixture
def cluster(request):
    record = run_record(request.config)
    with record.phase("boot"): pass
    record.set(kubernetes_version="v1.37.2", components=[{"name": "etcd", "version": "3.7.3"}])
    record.note("web: apiVersion raised", "adaptation")
@a_check("a.one")
def test_it(cluster): "T."
""",
    )

    run = results().run
    assert [phase.name for phase in run.phases] == ["boot"]
    assert (run.kubernetes_version, run.components[0].name) == ("v1.37.2", "etcd")
    assert run.adaptation == ["web: apiVersion raised"]
    ran.stdout.fnmatch_lines(["  boot *s"])
