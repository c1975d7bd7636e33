"""Two nights on real clusters: what was broken in between is what the second one says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netproof.report.results import Results
from netproof.submission import bundled_manifests, load, load_mutants, write_mutated

pytestmark = pytest.mark.cluster

CHECK = "probe.declared"
SECONDS = 150


def night(out: Path, modes: str, submission: Path, *, code: int) -> str:
    """What a night prints, of one check on clusters of one node; it must end with ``code``."""
    command = [
        *(sys.executable, "-m", "netproof", "nightly", f"--modes={modes}", f"--out={out}"),
        *("--versions", "1.37", "--pytest-args", f"--check={CHECK} --nodes=1 --submission={submission}"),
    ]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, cwd=out.parent
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_the_second_night_says_what_was_broken_since_the_first(tmp_path):
    submission, out = tmp_path / "submission", tmp_path / "nightly"
    reference = bundled_manifests("reference")
    shutil.copytree(reference, submission)

    first = night(out, "iptables,nftables", submission, code=0)

    assert [line.split(";")[0] for line in first.splitlines() if line.startswith("[")] == [
        "[1/2] 1.37.2 iptables: 1 check: 1 passed",
        "[2/2] 1.37.2 nftables: 1 check: 1 passed",
    ]
    shutil.rmtree(submission)
    (mutant,) = [one for one in load_mutants() if one.name == "probe-removed"]
    write_mutated(load(reference), mutant, submission)

    second = night(out, "nftables", submission, code=1)

    assert "1.37.2 nftables, compared with 1.37.2-nftables of " in second
    assert f"  1 newly failing\n    {CHECK}, passed before: failed: expected " in second
    (results,) = out.glob("*.2/1.37.2-nftables/latest/results.json")
    assert Results.read(results).run.proxy_mode == "nftables"
    assert (results.parent / "report.html").is_file()
