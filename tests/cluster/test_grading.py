"""A work is graded on a real cluster: what is wrong costs its points, what could do harm is withheld and costs none."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from netproof.grading.grade import Grade
from netproof.submission import bundled_manifests, load, load_mutants, write_mutated

pytestmark = pytest.mark.cluster

SECONDS = 900
HARMFUL = """\
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers:
    - {name: reader, image: busybox, volumeMounts: [{name: host, mountPath: /host}]}
  volumes:
    - {name: host, hostPath: {path: /}}
"""


def graded(work: Path, out: Path) -> tuple[str, Grade]:
    """What ``netproof grade`` prints of a work, and its grade."""
    command = [sys.executable, "-m", "netproof", "grade", str(work), f"--out={out}", "--language=en"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, cwd=out.parent
    )
    assert done.returncode == 0, done.stdout
    (grade,) = out.glob("works/*/grade.json")
    return done.stdout, Grade.model_validate_json(grade.read_text(encoding="utf-8"))


def test_a_work_with_one_mistake_and_one_harmful_pod(tmp_path):
    (mutant,) = [one for one in load_mutants() if one.name == "clusterip-target-port-80"]
    work, out = tmp_path / "bob", tmp_path / "grades"
    write_mutated(load(bundled_manifests("reference")), mutant, work)
    (work / "kubernetes-networks" / "reader.yaml").write_text(HARMFUL)

    _, grade = graded(work, out)

    assert grade.score
    assert (grade.score.earned, grade.score.possible) == (82, 100)
    assert (grade.score.stars, grade.score.possible_stars) == (30, 30)
    feedback = next(out.glob("works/*/feedback.md")).read_text(encoding="utf-8")
    assert "### 1. A port leads to where nobody listens" in feedback
    assert "kubernetes-networks/reader.yaml" in feedback
    (row,) = csv.DictReader((out / "grades.csv").read_text(encoding="utf-8").splitlines())
    assert row["student"] == "bob"

    printed, again = graded(work, out)

    assert again == grade
    assert "[1/1] bob: 82 of 100 and 30 of 30 for stars (as before)" in printed
