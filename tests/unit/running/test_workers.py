"""Checks on the workers of pytest-xdist: one order, one ledger, and nothing beside an exclusive check."""

from __future__ import annotations

import itertools

import pytest

from netproof.verdict import Verdict

pytest_plugins = "pytester"

NOTING = """
import contextlib, os
from netproof.waiting import NotYetError, TimedOutError, Waiter
NOTES = Path(os.environ["NOTES"])
def note(what):
    "In the order in which things happen, also if two workers say so."
    with NOTES.open("a") as file: file.write(what + "\\n")
def require_noted(what, after=""):
    text = NOTES.read_text()
    if what not in text[text.find(after) + len(after):]: raise NotYetError("not noted")
def stay_until_noted(what, *, seconds, after=""):
    "Return once it is noted, or when the time is over."
    with contextlib.suppress(TimedOutError):
        Waiter().until(what, lambda: require_noted(what, after), timeout_seconds=seconds)
def run_for(name, seconds):
    "Run until another begins beside, or the time is over."
    note(f"{name} begins")
    stay_until_noted(" begins", seconds=seconds, after=f"{name} begins")
    note(f"{name} ends")
def meet(name, other):
    "Return when both run, however late one of them comes."
    note(f"{name} begins")
    Waiter().until(other, lambda: require_noted(f"{other} begins"), timeout_seconds=60)
"""


@pytest.fixture
def notes(tmp_path, monkeypatch):
    file = tmp_path / "notes"
    file.touch()
    monkeypatch.setenv("NOTES", str(file))
    return lambda: file.read_text().splitlines()


@pytest.mark.parametrize("number", [2, 3])
def test_a_verdict_blocks_and_lets_pass_across_workers(run_checks, results, notes, number):
    ran = run_checks(
        "-n",
        str(number),
        test_a=NOTING
        + """
@a_check("a.bad")
def test_bad():
    "T."
    run_for("bad", 0.5)
    assert False
@a_check("a.good")
def test_good():
    "T."
    run_for("good", 0.5)
""",
        test_b=NOTING
        + """
@a_check("b.after-good", needs=["a.good"])
@pytest.mark.parametrize("n", range(6))
def test_after_good(n):
    "T."
    note(f"after-good-{n} begins")
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
    assert not [line for line in notes()[: notes().index("good ends")] if line.startswith("after-good")]
    assert results().run.workers == number
    assert len({check.worker for check in results().checks}) == number


def test_an_exclusive_check_runs_alone(run_checks, notes):
    ran = run_checks(
        "-n",
        "3",
        test_a=NOTING
        + """
@a_check("a.meets")
def test_meets():
    "T."
    meet("a.meets", "c.meets")
@a_check("a.shared")
@pytest.mark.parametrize("n", range(6))
def test_shared(n):
    "T."
    run_for(f"shared-{n}", 0.3)
""",
        test_b=NOTING
        + """
@a_check("b.alone", exclusive=True, needs=["a.meets", "c.meets"])
@pytest.mark.parametrize("n", range(3))
def test_alone(n):
    "T."
    run_for(f"alone-{n}", 0.2)
""",
        test_c=NOTING
        + """
@a_check("c.meets")
def test_meets():
    "T."
    meet("c.meets", "a.meets")
@a_check("c.shared")
@pytest.mark.parametrize("n", range(6))
def test_more(n):
    "T."
    run_for(f"more-{n}", 0.3)
""",
    )

    ran.assert_outcomes(passed=17)
    followers = list(itertools.pairwise(notes()))
    for n in range(3):
        assert (f"alone-{n} begins", f"alone-{n} ends") in followers


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
def test_no_check_waits_for_one_that_was_broken_off(run_checks, results, pytester, notes, how):
    pytester.makeconftest(
        """
import os, pytest
class Noting:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        if item.name.startswith("test_waits"):
            with open(os.environ["NOTES"], "a") as file: file.write("waits" + os.linesep)
        return (yield)
@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.register(Noting())  # now, for the hook of a later plugin is called earlier
"""
    )
    end = "assert False" if how == ["-x"] else "os._exit(9)"
    run_checks(
        "-n",
        "2",
        *how,
        test_a=NOTING
        + f"""
@a_check("a.ends")
def test_ends():
    "T."
    stay_until_noted("waits", seconds=10)
    note("ends")
    {end}
@a_check("a.never")
def test_never(): "T."
""",
        test_b="""
@a_check("b.waits", needs=["a.never"])
@pytest.mark.parametrize("n", range(4))
def test_waits(n): "T."
""",
    )

    assert notes()[:2] == ["waits", "ends"]
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
