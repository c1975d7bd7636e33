"""Checks that begin before their turn: side by side, each with its own outcome, and never beside an exclusive one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from netproof.running.ahead import AT_ONCE
from netproof.verdict import Verdict

pytest_plugins = "pytester"

SHARED = """
import os, queue, threading
from contextlib import contextmanager
@pytest.fixture(scope="session")
def cluster(): return object()
@pytest.fixture(scope="module")
def prepared(cluster): return object()
@pytest.fixture
def own(cluster): return object()
def meet(barrier={}):
    "Returns once three are here."
    barrier.setdefault("it", threading.Barrier(3)).wait(timeout=10)
def note(what):
    "In the order in which things happen, also if two threads say so."
    with Path(os.environ["NOTES"]).open("a") as file: file.write(what + "\\n")
RUNNING, CHANGED = set(), threading.Condition()
@contextmanager
def running(name):
    with CHANGED: RUNNING.add(name), CHANGED.notify_all()
    yield
    with CHANGED: RUNNING.remove(name)
def is_joined(seconds):
    "Whether another runs beside, or comes within this time."
    with CHANGED: return CHANGED.wait_for(lambda: len(RUNNING) > 1, seconds)
@a_check("a.first")
def test_first(cluster, prepared):
    "The first of the order brings the fixtures that are shared."
"""


@pytest.fixture
def notes(tmp_path, monkeypatch):
    file = tmp_path / "notes"
    file.touch()
    monkeypatch.setenv("NOTES", str(file))
    return lambda: file.read_text().splitlines()


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
BROKE = threading.Event()
@a_check("a.fails")
def test_fails(cluster):
    "T."
    assert BROKE.wait(10)
    raise UnmetError("3 pods", "2 pods")
@a_check("a.breaks")
def test_breaks(cluster):
    "T."
    BROKE.set()
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
    duration = timedelta(seconds=found["a.fails"].duration_seconds + 0.001)  # it is rounded
    assert found["a.breaks"].started < found["a.fails"].started + duration
    assert "no such thing" in found["a.breaks"].message


def test_a_check_begins_after_what_it_needs_and_not_at_all_where_that_failed(run_checks, results, notes):
    run_checks(
        test_a=SHARED
        + """
LAST = threading.Event()
@a_check("a.slow")
def test_slow(cluster): assert LAST.wait(10); note("slow ends")
@a_check("a.bad")
def test_bad(cluster): assert False
@a_check("a.after-slow", needs=["a.slow"])
def test_after_slow(cluster): note("after-slow begins")
@a_check("a.after-bad", needs=["a.bad"])
def test_after_bad(cluster): note("after-bad begins")
@a_check("a.last")
def test_last(cluster): LAST.set()
""".replace("(cluster): ", '(cluster):\n    "T."\n    '),
    )

    assert verdicts(results)["a.after-slow"] is Verdict.PASSED
    assert verdicts(results)["a.after-bad"] is Verdict.BLOCKED
    assert notes() == ["slow ends", "after-slow begins"]


def test_an_exclusive_check_runs_beside_nothing(run_checks):
    ran = run_checks(
        test_a=SHARED
        + """
@a_check("a.alone", exclusive=True)
@pytest.mark.parametrize("n", range(2))
def test_alone(cluster, n):
    "T."
    with running(f"alone-{n}"): assert not is_joined(0.2)
@a_check("a.shared")
@pytest.mark.parametrize("n", range(6))
def test_shared(cluster, n):
    "T."
    with running(f"shared-{n}"): meet()
""",
    )

    ran.assert_outcomes(passed=9)


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
import threading
BEGUN = threading.Event()
@a_check("{0}.before")
def test_before(): BEGUN.wait(0.3)
@pytest.fixture(scope="{1}")
def cluster(): return "of {0}"
@a_check("{0}.first")
def test_first(cluster): BEGUN.set(); assert cluster == "of {0}"
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


def test_what_has_begun_when_a_run_is_broken_off_is_not_waited_for_and_has_no_verdict(run_checks, results, notes):
    ran = run_checks(
        "-x",
        test_a=SHARED
        + """
BEGUN, NEVER = threading.Event(), threading.Event()
@a_check("a.fails")
def test_fails(cluster):
    "T."
    BEGUN.wait(10)
    assert False
@a_check("a.long")
@pytest.mark.parametrize("n", range(9))
def test_long(cluster, n):
    "T."
    BEGUN.set()
    NEVER.wait(10)
    note(f"long-{n} ends")
""",
    )

    assert ran.ret == 1
    assert not notes()
    assert verdicts(results) == {"a.first": Verdict.PASSED, "a.fails": Verdict.FAILED}
    assert len(results().not_run) == 9


def test_what_tells_of_a_failure_can_be_written_down_at_once(run_checks, results, pytester):
    pytester.makeconftest(
        "def pytest_netproof_failed_ahead(item, shared): item.module.TOLD.put((item.name, list(shared)))"
    )
    run_checks(
        test_a=SHARED
        + """
TOLD = queue.Queue()
@a_check("a.slow")
def test_slow(cluster):
    "It still runs when both are told of."
    told = sorted(TOLD.get(timeout=10) for _ in range(2))
    assert told == [("test_blocked", ["cluster"]), ("test_fails", ["cluster"])]
@a_check("a.fails")
def test_fails(cluster):
    "T."
    assert False
@a_check("a.is-blocked-by-itself")
def test_blocked(cluster):
    "T."
    blocked("no Deployment")
""",
    )

    assert verdicts(results)["a.slow"] is Verdict.PASSED


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


def test_where_the_cluster_bears_less_fewer_run_side_by_side(run_checks):
    ran = run_checks(
        test_a="""
import threading
from netproof.running.ahead import AHEAD
NOW, THREE = [], threading.Event()
@pytest.fixture(scope="session")
def cluster(request):
    request.config.stash[AHEAD].limit(lambda usual: usual - 5)
    return object()
@a_check("a.stays")
@pytest.mark.parametrize("n", range(6))
def test_stays(cluster, n):
    "T."
    NOW.append(n)
    if len(NOW) > 2:  # one of them at its turn
        THREE.set()
    assert not THREE.wait(0.05)
    NOW.remove(n)
""",
    )

    ran.assert_outcomes(passed=6)
