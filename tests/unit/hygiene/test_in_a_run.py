"""The checks of hygiene in a run: verdicts with places and remedies, and no cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netproof.report.results import Results
from netproof.verdict import Verdict

CHECKOUT = Path(__file__).resolve().parents[3]
OLD = """apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /web, backend: {serviceName: web-svc, servicePort: 8000}}]}}]}
"""


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "with pytest-xdist"])
def test_checks_that_need_no_cluster_start_none(tmp_path, workers):
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "web-ingress.yaml").write_text(OLD)

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "suites/hygiene", "-p", "no:cacheprovider", *workers),
            *("--submission", str(tmp_path / "submission"), "--report-dir", str(tmp_path / "reports")),
            *("--check", "apply.removed-api,wiring.backends,security"),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    results = Results.read(tmp_path / "reports" / "latest" / "results.json")
    verdicts = {check.id: check.verdict for check in results.checks}
    assert (ran.returncode, results.run.provider) == (1, "")
    assert verdicts["apply.removed-api"] is verdicts["wiring.backends"] is Verdict.FAILED
    assert verdicts["security.privileged"] is Verdict.PASSED
    (old,) = [check for check in results.checks if check.id == "apply.removed-api"]
    assert old.observed.startswith("web-ingress.yaml:1: warning: Ingress/web: ")
    assert "remedy: write it for networking.k8s.io/v1" in old.observed
