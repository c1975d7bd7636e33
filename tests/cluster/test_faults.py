"""What a run leaves behind when it is broken off, and what it says when the cluster breaks under it."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from netproof.cluster import state
from netproof.node import cgroups
from netproof.report.results import Results
from netproof.verdict import Verdict
from netproof.waiting import NotYetError, Waiter

pytestmark = pytest.mark.cluster

WAITS_FOR_EVER = """
    import threading
    from netproof.check import OWN, check, none_because

    NOTHING = none_because("a test of netproof itself")

    @check("first.passes", subject=OWN, control=NOTHING, mutants=NOTHING)
    def test_first(cluster):
        "The cluster is there."

    @check("second.waits", subject=OWN, needs=["first.passes"], control=NOTHING, mutants=NOTHING)
    def test_second(cluster):
        "It never ends."
        print("waiting", flush=True)
        threading.Event().wait()
"""

CRASHES = """
    from netproof.check import OWN, check, none_because

    NOTHING = none_because("a test of netproof itself")

    @check("crash.named", subject=OWN, control=NOTHING, mutants=NOTHING)
    def test_crash(cluster):
        "A pod is scheduled."
        cluster.local.kill("kube-scheduler")
        assert False, "no pod was scheduled"
"""


class Run:
    """A run of pytest as a user starts it, with a cluster of its own."""

    def __init__(self, directory, suite, name):
        self.name = name
        self.reports = directory / "reports"
        self.temporary = directory / "temporary"
        self.temporary.mkdir()
        (directory / "test_suite.py").write_text(textwrap.dedent(suite), encoding="utf-8")
        (directory / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-m", "networking", "--nodes", "1", "-s"),
                *("--cluster-name", name, "--report-dir", str(self.reports), str(directory)),
            ],
            cwd=directory,
            env=os.environ | {"TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for_line(self, text):
        """Read the output up to a line with ``text``."""
        for line in self.process.stdout:
            if text in line:
                return
        pytest.fail(f"the run ended without the line {text!r}")

    def results(self):
        """What the run has written."""
        return Results.read(self.reports / "latest" / "results.json")

    def leftovers(self):
        """Whatever there still is of the cluster, in words."""
        found = [f"process {pid} in its cgroup" for pid in cgroups.processes(f"/netproof/{self.name}")]
        found += [f"cgroup {name}" for name in cgroups.children("/netproof") if name == self.name]
        found += [f"file {path}" for path in (state.base_directory() / "clusters").glob(f"{self.name}*")]
        found += [f"temporary file {path}" for path in self.temporary.iterdir()]
        return found


@pytest.fixture
def start_run(tmp_path):
    runs = []

    def start(suite, name):
        run = Run(tmp_path, suite, name)
        runs.append(run)
        return run

    yield start
    for run in runs:
        run.process.kill()
        run.process.communicate()


def nothing_is_left(run):
    def look():
        if found := run.leftovers():
            raise NotYetError(", ".join(found))

    Waiter().until(f"nothing of the cluster {run.name} is left", look, timeout_seconds=10)


def test_a_killed_run_leaves_its_verdicts_and_nothing_else(start_run):
    run = start_run(WAITS_FOR_EVER, "test-killed")
    run.wait_for_line("waiting")

    run.process.kill()
    run.process.wait()

    nothing_is_left(run)
    results = run.results()
    assert [(check.id, check.verdict) for check in results.checks] == [("first.passes", Verdict.PASSED)]
    assert results.run.finished is None
    assert results.not_run == ["second.waits"]


def test_an_interrupted_run_leaves_its_verdicts_and_nothing_else(start_run):
    run = start_run(WAITS_FOR_EVER, "test-interrupted")
    run.wait_for_line("waiting")

    os.killpg(run.process.pid, signal.SIGINT)
    run.process.communicate(timeout=30)

    assert run.process.returncode == pytest.ExitCode.INTERRUPTED
    assert run.leftovers() == []
    results = run.results()
    assert results.run.interrupted
    assert [check.id for check in results.checks if check.verdict is Verdict.PASSED] == ["first.passes"]


def test_a_run_interrupted_while_the_cluster_comes_up_leaves_nothing(start_run):
    run = start_run(WAITS_FOR_EVER, "test-interrupted-early")
    run.wait_for_line("programs and images")

    os.killpg(run.process.pid, signal.SIGINT)
    run.process.communicate(timeout=30)

    assert run.process.returncode == pytest.ExitCode.INTERRUPTED
    nothing_is_left(run)


def test_a_component_that_crashes_is_named_and_nothing_is_blamed_on_the_submission(start_run):
    run = start_run(CRASHES, "test-crash")

    output, _ = run.process.communicate(timeout=90)

    (check,) = run.results().checks
    assert check.verdict is Verdict.ERROR
    assert "kube-scheduler ended with exit code -9" in check.message
    assert "kube-scheduler.log" in check.message
    assert "kube-scheduler" in output


def test_a_name_in_use_is_refused_before_anything_starts(start_run):
    first = start_run(WAITS_FOR_EVER, "test-name")
    first.wait_for_line("waiting")

    again = subprocess.run(
        [sys.executable, "-m", "netproof", "up", "--cluster-name", "test-name"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert again.returncode == 4
    assert "a cluster named 'test-name' is running" in again.stderr
    assert "netproof down --cluster-name test-name" in again.stderr
