"""Checks that begin before their turn: side by side, each with its own outcome, and never beside an exclusive one."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from netproof.running.ahead import AT_ONCE
from netproof.verdict import Verdict

pytest_plugins = "pytester"

SHARED = """
import json, os, threading
@pytest.fixture(scope="session")
def cluster(): return object()
@pytest.fixture(scope="module")
def prepared(cluster): return object()
@pytest.fixture
def own(cluster): return object()
def meet(barrier={}):
    "Returns once three are here."
    barrier.setdefault("it", threading.Barrier(3)).wait(timeout=10)
def note_interval(name, seconds):
    start = time.monotonic()
    time.sleep(seconds)
    Path(os.environ["INTERVALS"], name).write_text(json.dumps([start, time.monotonic()]))
@a_check("a.first")
def test_first(cluster, prepared):
    "The first of the order brings the fixtures that are shared."
"""


@pytest.fixture
def intervals(tmp_path, monkeypatch):
    directory = tmp_path / "intervals"
    directory.mkdir()
    monkeypatch.setenv("INTERVALS", str(directory))
    return lambda: {file.name: json.loads(file.read_text()) for file in directory.iterdir()}


def verdicts(results) -> dict[str, Verdict]:
    return {check.id: check.verdict for check in results().checks}


def test_checks_with_shared_fixtures_run_side_by_side(run_checks):
    ran = run_checks(
        test_a=SHARED
        + """
@a_check("a.meets")
@pytest.mark.parametrize("n", range(3))
def test_meets(cluster, prepared, n):
    "T."
    meet()
""",
    )

    ran.assert_outcomes(passed=4)


def test_each_check_has_its_own_outcome_time_and_message(run_checks, results):
    ran = run_checks(
        test_a=SHARED
        + """
@a_check("a.fails")
def test_fails(cluster):
    "T."
    time.sleep(0.3)
    raise UnmetError("3 pods", "2 pods")
@a_check("a.breaks")
def test_breaks(cluster):
    "T."
    raise ValueError("no such thing")
@a_check("a.is-blocked")
def test_is_blocked(cluster):
    "T."
    blocked("no Deployment")
""",
    )

    ran.assert_outcomes(passed=1, failed=1, skipped=1, errors=1)
    assert verdicts(results) == {
        "a.first": Verdict.PASSED,
        "a.fails": Verdict.FAILED,
        "a.breaks": Verdict.ERROR,
        "a.is-blocked": Verdict.BLOCKED,
    }
    found = {check.id: check for check in results().checks}
    assert (found["a.fails"].expected, found["a.fails"].observed) == ("3 pods", "2 pods")
    assert 0.3 <= found["a.fails"].duration_seconds < 1
    assert found["a.breaks"].started < found["a.fails"].started + timedelta(seconds=0.3)
    assert "no such thing" in found["a.breaks"].message


def test_a_check_begins_after_what_it_needs_and_not_at_all_where_that_failed(run_checks, results, intervals):
    run_checks(
        test_a=SHARED
        + """
@a_check("a.slow")
def test_slow(cluster): note_interval("slow", 0.4)
@a_check("a.bad")
def test_bad(cluster): assert False
@a_check("a.after-slow", needs=["a.slow"])
def test_after_slow(cluster): note_interval("after-slow", 0)
@a_check("a.after-bad", needs=["a.bad"])
def test_after_bad(cluster): note_interval("after-bad", 0)
""".replace("(cluster): ", '(cluster):\n    "T."\n    '),
    )

    assert verdicts(results)["a.after-slow"] is Verdict.PASSED
    assert verdicts(results)["a.after-bad"] is Verdict.BLOCKED
    seen = intervals()
    assert seen.keys() == {"slow", "after-slow"}
    assert seen["after-slow"][0] > seen["slow"][1]


def test_an_exclusive_check_runs_beside_nothing(run_checks, intervals):
    ran = run_checks(
        test_a=SHARED
        + """
@a_check("a.alone", exclusive=True)
@pytest.mark.parametrize("n", range(2))
def test_alone(cluster, n):
    "T."
    note_interval(f"alone-{n}", 0.2)
@a_check("a.shared")
@pytest.mark.parametrize("n", range(6))
def test_shared(cluster, n):
    "T."
    note_interval(f"shared-{n}", 0.2)
""",
    )

    ran.assert_outcomes(passed=9)
    seen = intervals()
    overlaps = [
        {one, other}
        for one, (start, end) in seen.items()
        for other, (other_start, other_end) in seen.items()
        if one < other and start < other_end and other_start < end
    ]
    assert overlaps, "nothing ran side by side, so this proves nothing"
    assert not [pair for pair in overlaps if any(name.startswith("alone") for name in pair)]


def test_a_check_with_a_fixture_of_its_own_waits_for_its_turn_unless_a_plugin_can_make_it(run_checks, pytester):
    pytester.makeconftest(
        """
import pytest
MADE = pytest.StashKey()
def make(item): return item.stash.setdefault(MADE, [item.name])
def pytest_netproof_own_fixtures(): return {"made": lambda item, shared: make(item)}
@pytest.fixture
def made(request): return make(request.node)
"""
    )
    ran = run_checks(
        test_a=SHARED
        + """
thread = lambda: threading.current_thread() is threading.main_thread()
@a_check("a.own")
def test_own(cluster, own):
    "T."
    assert thread()
@a_check("a.alone")
def test_alone():
    "T."
    assert thread()
@a_check("a.made")
@pytest.mark.parametrize("n", [1])
def test_made(cluster, made, n):
    "T."
    assert not thread() and made == ["test_made[1]"]
""",
    )

    ran.assert_outcomes(passed=4)


def test_a_check_sees_the_fixtures_of_its_own_module_and_a_surprise_is_an_error(run_checks, results, pytester):
    pytester.makeconftest("""
import pytest
@pytest.fixture(scope="session")
def cluster(): return "of all"
""")
    override = """
@a_check("{0}.before")
def test_before(): time.sleep(0.3)
@pytest.fixture(scope="{1}")
def cluster(): return "of {0}"
@a_check("{0}.first")
def test_first(cluster): assert cluster == "of {0}"
@a_check("{0}.second")
def test_second(cluster): assert cluster == "of {0}"
""".replace("(): ", '():\n    "T."\n    ').replace("(cluster): ", '(cluster):\n    "T."\n    ')
    run_checks(
        test_a="""
@a_check("a.first")
def test_first(cluster):
    "T."
    assert cluster == "of all"
""",
        test_b=override.format("b", "session"),
        test_c=override.format("c", "module"),
    )

    found = verdicts(results)
    surprised = [check for check in results().checks if check.verdict is Verdict.ERROR]
    assert {name for name, verdict in found.items() if verdict is Verdict.PASSED} >= {"a.first", "b.before", "c.before"}
    assert all("than its own" in check.message for check in surprised)


def test_what_has_begun_when_a_run_is_broken_off_is_not_waited_for_and_has_no_verdict(run_checks, results, intervals):
    ran = run_checks(
        "-x",
        test_a=SHARED
        + """
@a_check("a.fails")
def test_fails(cluster):
    "T."
    time.sleep(0.2)
    assert False
@a_check("a.long")
@pytest.mark.parametrize("n", range(9))
def test_long(cluster, n):
    "T."
    note_interval(f"long-{n}", 10)
""",
    )

    assert ran.ret == 1
    assert not intervals()
    assert verdicts(results) == {"a.first": Verdict.PASSED, "a.fails": Verdict.FAILED}
    assert len(results().not_run) == 9


def test_what_tells_of_a_failure_can_be_written_down_at_once(run_checks, pytester, intervals):
    pytester.makeconftest(
        """
import os, time
from pathlib import Path
def pytest_netproof_failed_ahead(item, shared):
    told = f"[{time.monotonic()}, {str(list(shared) == ['cluster']).lower()}]"
    Path(os.environ["INTERVALS"], item.name).write_text(told)
"""
    )
    run_checks(
        test_a=SHARED
        + """
@a_check("a.slow")
def test_slow(cluster): note_interval("slow", 0.5)
@a_check("a.fails")
def test_fails(cluster): assert False
@a_check("a.is-blocked-by-itself")
def test_blocked(cluster): blocked("no Deployment")
""".replace("(cluster): ", '(cluster):\n    "T."\n    '),
    )

    seen = intervals()
    assert seen.keys() == {"slow", "test_fails", "test_blocked"}
    assert seen["test_fails"][0] < seen["slow"][1]
    assert seen["test_fails"][1]


def test_a_check_with_a_parametrised_fixture_waits_for_its_turn(run_checks):
    ran = run_checks(
        test_a=SHARED
        + """
@pytest.fixture(scope="module", params=["one", "two"])
def number(request): return request.param
@a_check("a.numbers")
def test_numbers(cluster, number, request):
    "T."
    assert number == request.node.callspec.params["number"]
@a_check("a.more-numbers")
def test_more_numbers(cluster, number):
    "T."
    assert threading.current_thread() is threading.main_thread()
""",
    )

    ran.assert_outcomes(passed=5)


def test_while_checks_wait_for_what_another_does_that_one_runs_in_their_place(run_checks):
    ran = run_checks(
        test_a=f"""
import threading
from netproof.running.ahead import AHEAD
DONE = threading.Event()
@pytest.fixture(scope="session")
def cluster(request): return request.config
@a_check("a.first")
@pytest.mark.parametrize("n", range({AT_ONCE + 2}))
def test_first(cluster, n):
    "T."
    with cluster.stash[AHEAD].idle():
        assert DONE.wait(10)
@a_check("a.last")
def test_last(cluster):
    "T."
    DONE.set()
""",
    )

    ran.assert_outcomes(passed=AT_ONCE + 3)
