"""What tests on an embedded cluster share: one cluster for all, and runs of checks on it as a user makes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netproof.applying import remove_plan
from netproof.cluster.under_test import ClusterUnderTest
from netproof.report.results import Results
from netproof.submission import Submission, plan
from netproof.submission.adaptations import Target, adapt

Prove = Callable[..., Results]

CHECKOUT = Path(__file__).resolve().parents[2]
NETPROOF = [sys.executable, "-m", "netproof"]
RUN_SECONDS = 180
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


@pytest.fixture
def prove(cluster: ClusterUnderTest, tmp_path: Path) -> Iterator[Prove]:
    """Runs checks on a submission; what a run has applied is removed from the cluster after the test."""
    proven: list[Submission] = []
    reports = tmp_path / "reports"

    def run(submission: Submission, checks: list[str]) -> Results:
        proven.append(submission)
        command = [
            *(sys.executable, "-m", "pytest", "suites/networking", "-p", "no:cacheprovider"),
            *("--keep-cluster", "--cluster-name", cluster.local.name),
            *("--submission", str(submission.directory), "--check", ",".join(checks)),
            *("--report-dir", str(reports)),
        ]
        scale = os.environ.get("NETPROOF_TIMEOUT_SCALE", HURRIED)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        completed = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment | {"NETPROOF_TIMEOUT_SCALE": scale},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        # Shown by pytest where the test fails.
        print(completed.stdout, completed.stderr, sep="\n")
        return Results.read(reports / "latest" / "results.json")

    yield run
    for submission in proven:
        version = cluster.spec.kubernetes_version.split(".")
        applied = adapt(submission, Target((int(version[0]), int(version[1])))).submission
        remove_plan(cluster.api, plan(applied), timeout_seconds=cluster.timeouts.deletion)
