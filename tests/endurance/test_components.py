"""Each component of a cluster is killed in turn under a check that then fails: the verdict is error, and names it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from netproof.report.results import Results
from netproof.verdict import Verdict

pytestmark = pytest.mark.cluster

RUN_SECONDS = 300

SUITE = """
    import pytest

    from netproof.check import OWN, check, none_because

    NOTHING = none_because("a test of netproof itself")
    COMPONENTS = [
        "agent-lan",
        "containerd-n1",
        "etcd",
        "forwarder",
        "image-server",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy-n1",
        "kube-scheduler",
        "kubelet-n1",
    ]
    last = []

    @pytest.fixture
    def mended(cluster, lan):
        "The cluster with all its components: the one that the last check has killed runs again."
        if last:
            cluster.local.restart(last.pop())

    @pytest.mark.parametrize("component", COMPONENTS)
    @check("killed.component", subject=OWN, control=NOTHING, mutants=NOTHING)
    def test_killed(mended, cluster, component):
        "It is not there any more."
        cluster.local.kill(component)
        last.append(component)
        assert False, "what the check demands does not hold"
"""


def test_a_killed_component_is_named_and_its_check_ends_in_error(tmp_path):
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-m", "networking", "--nodes", "1", "-p", "no:cacheprovider"),
            *("--report-dir", str(tmp_path / "reports"), str(tmp_path)),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    print(done.stdout, done.stderr, sep="\n")
    results = Results.read(Path(tmp_path) / "reports" / "latest" / "results.json")

    assert len(results.checks) == 10
    for one in results.checks:
        component = one.id.removeprefix("killed.component.")
        assert one.verdict is Verdict.ERROR, f"{one.id}: {one.verdict}"
        assert f"{component} ended with exit code -9" in one.message
