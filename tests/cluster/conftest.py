"""What tests on an embedded cluster share: one cluster for all, and runs of checks on it as a user makes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from netproof.applying.steps import remove_plan
from netproof.cluster.under_test import ClusterUnderTest
from netproof.report.results import Results
from netproof.submission import Step, Submission, plan
from netproof.submission.adaptations import Target, adapt

Prove = Callable[..., Results]

CHECKOUT = Path(__file__).resolve().parents[2]
NETPROOF = [sys.executable, "-m", "netproof"]
RUN_SECONDS = 180
METALLB_GROUP = "metallb.io/"
HURRIED = "0.5"
"""The factor of all timeouts: what a mutant breaks is waited for, so half as long as usual does."""


@pytest.fixture(scope="session")
def checks_of_submissions() -> dict[str, list[str]]:
    """The ids of the checks of a submission's own objects, by section."""
    listed = subprocess.run([*NETPROOF, "checks", "--json"], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    sections: dict[str, list[str]] = {}
    for check in json.loads(listed.stdout):
        if check["subject"] == "submission":
            sections.setdefault(check["section"], []).append(check["id"])
    return sections


def run_suite(
    options: list[str],
    reports: Path,
    *,
    hurry: str = HURRIED,
    environment: Mapping[str, str] | None = None,
    seconds: float = RUN_SECONDS,
) -> Results:
    """Run checks of networking as a user does, and return the results.

    Args:
        options: what pytest is told.
        reports: where the run makes its directory.
        hurry: the factor of all timeouts where the environment names none.
        environment: variables that the run gets beside ours.
        seconds: how long it may take.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    completed = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "suites/networking", "-p", "no:cacheprovider"),
            *(*options, "--report-dir", str(reports)),
        ],
        cwd=CHECKOUT,
        env={"NETPROOF_TIMEOUT_SCALE": hurry, **ours, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    # Shown by pytest where the test fails.
    print(completed.stdout, completed.stderr, sep="\n")
    return Results.read(reports / "latest" / "results.json")


class Leftovers:
    """What the last run has left in a cluster. The next one starts from there, so that it need not start pods anew."""

    def __init__(self, cluster: ClusterUnderTest) -> None:
        self._cluster = cluster
        self._there: dict[tuple[str, ...], Step] = {}

    def make_way_for(self, submission: Submission) -> None:
        """Remove what is not as this submission has it; the rest stays, as if this submission had applied it."""
        version = self._cluster.spec.kubernetes_version.split(".")
        adapted = adapt(submission, Target((int(version[0]), int(version[1])))).submission
        wanted = {_key(step): step for step in plan(adapted)}
        changed = [key for key in self._there.keys() | wanted.keys() if self._differs(key, wanted)]
        doomed = [self._there[key] for key in changed if key in self._there]
        if any(METALLB_GROUP in key[0] for key in changed):
            # Addresses are given out anew, in the order of the plan.
            self.remove_load_balancers()
        self._remove(doomed)
        self._there = wanted

    def remove_load_balancers(self) -> None:
        """Remove the Services that have, or wait for, an address of MetalLB."""
        self._remove([step for step in self._there.values() if is_load_balancer(step)])

    def remove(self) -> None:
        """Remove all of it."""
        self.remove_load_balancers()
        self._remove(list(self._there.values()))
        self._there = {}

    def _remove(self, steps: list[Step]) -> None:
        remove_plan(self._cluster.api, steps, timeout_seconds=self._cluster.timeouts.deletion)

    def _differs(self, key: tuple[str, ...], wanted: dict[tuple[str, ...], Step]) -> bool:
        before, after = self._there.get(key), wanted.get(key)
        return before is None or after is None or before.object.manifest != after.object.manifest


def is_load_balancer(step: Step) -> bool:
    """Whether a step applies a Service of type LoadBalancer: MetalLB refuses to lose a pool that one of them uses."""
    return step.object.kind == "Service" and step.object.spec.get("type") == "LoadBalancer"


def _key(step: Step) -> tuple[str, ...]:
    return step.object.api_version, step.object.kind, step.namespace or "", step.object.name


@pytest.fixture(scope="module")
def leftovers(cluster: ClusterUnderTest) -> Iterator[Leftovers]:
    """What the runs of a module leave in the cluster; removed after its last test."""
    left = Leftovers(cluster)
    yield left
    left.remove()


@pytest.fixture
def prove(cluster: ClusterUnderTest, leftovers: Leftovers, tmp_path: Path) -> Prove:
    """Runs checks on a submission, in the cluster as the run before has left it."""
    reports = tmp_path / "reports"

    def run(submission: Submission, checks: list[str], hurry: str = HURRIED) -> Results:
        leftovers.make_way_for(submission)
        options = ["--keep-cluster", "--cluster-name", cluster.local.name, "--submission", str(submission.directory)]
        return run_suite([*options, "--check", ",".join(checks)], reports, hurry=hurry)

    return run
