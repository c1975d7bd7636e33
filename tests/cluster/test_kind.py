"""A run on a kind cluster. What pytest-kind calls, kind and docker, are stand-ins: their cluster is an embedded one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from netproof.cluster.guest import RUN_LABEL
from netproof.report.results import Results
from netproof.verdict import Verdict

pytestmark = pytest.mark.cluster

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "stand-in"
RUN_SECONDS = 240

KIND = """#!{python}
import json, pathlib, shutil, sys
here = pathlib.Path({here!r})
options = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv[3:] if "=" in word)
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
there = here / "clusters"
match sys.argv[1:3]:
    case ["get", "clusters"]:
        print(there.read_text() if there.exists() else "")
    case ["create", "cluster"]:
        shutil.copy(here / "embedded", options["kubeconfig"])
        shutil.copy(sys.argv[sys.argv.index("--config") + 1], here / "configuration")
        there.write_text(options["name"])
    case ["export", "kubeconfig"]:
        shutil.copy(here / "embedded", options["kubeconfig"])
    case ["delete", "cluster"]:
        there.unlink()
"""


@pytest.fixture
def stand_ins(cluster, tmp_path):
    """The directory of the stand-ins, which is to be on PATH."""
    place = tmp_path / "bin"
    place.mkdir()
    for name, script in {
        "kind": KIND.format(python=sys.executable, here=str(place)),
        "docker": "#!/bin/sh\necho 28.0.0\n",
    }.items():
        (place / name).write_text(script)
        (place / name).chmod(0o755)
    kubeconfig = yaml.safe_load(cluster.local.kubeconfig.read_text(encoding="utf-8"))
    kubeconfig["contexts"][0]["name"] = kubeconfig["current-context"] = f"kind-{NAME}"
    (place / "embedded").write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    return place


def run(stand_ins, *arguments):
    """The results of a run that succeeds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    directory = stand_ins.parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(CHECKOUT / "suites" / "networking"), "-p", "no:cacheprovider"),
            *(f"--rootdir={CHECKOUT}", "-c", str(CHECKOUT / "pyproject.toml"), f"--report-dir={directory / 'reports'}"),
            *("--cluster", "kind", "--cluster-name", NAME, *arguments),
        ],
        cwd=directory,
        env=environment | {"PATH": f"{stand_ins}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    print(done.stdout, done.stderr, sep="\n")
    assert done.returncode == 0
    return Results.read(directory / "reports" / "latest" / "results.json")


def verdicts(results):
    return {one.id: one.verdict for one in results.checks}


def test_a_kind_cluster_is_made_used_and_deleted(cluster, stand_ins):
    results = run(stand_ins, "-n", "2", "--check", "deploy.replicas,headless.no-vip,services.hairpin")

    assert set(verdicts(results).values()) == {Verdict.PASSED}
    assert (results.run.provider, results.run.node_count) == ("kind", 2)
    calls = [json.loads(line) for line in (stand_ins / "calls").read_text().splitlines()]
    assert [call[:2] for call in calls if call[0] != "get"] == [["create", "cluster"], ["delete", "cluster"]]
    configuration = json.loads((stand_ins / "configuration").read_text())
    assert [node["role"] for node in configuration["nodes"]] == ["control-plane", "worker"]
    assert not (stand_ins.parent / ".pytest-kind").exists()
    for namespace in cluster.api.list("Namespace", labels=RUN_LABEL):  # with a real one they go with the cluster
        cluster.api.delete("Namespace", namespace["metadata"]["name"])


def test_a_kept_one_is_used_again_and_moved_out_of(cluster, stand_ins):
    (stand_ins / "clusters").write_text(NAME)

    results = run(stand_ins, "--keep-cluster", "--check", "deploy.replicas")

    assert verdicts(results) == {"deploy.replicas": Verdict.PASSED}
    assert (stand_ins / "clusters").read_text() == NAME
    assert not cluster.api.list("Namespace", labels=RUN_LABEL)
