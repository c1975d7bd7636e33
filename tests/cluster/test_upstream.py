"""Kubernetes' own tests run on a cluster, where they have been built."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from netproof.commands.upstream import E2E_COMPONENT
from netproof.toolchain.acquire import Acquisition, allowed_sources
from netproof.toolchain.cache import open_cache
from netproof.toolchain.catalog import load_catalog
from netproof.toolchain.progress import SilentProgress

pytestmark = pytest.mark.cluster

FOCUS = r"\[sig-network\] (API Server should provide secure|Services should serve a basic endpoint).*\[Conformance\]"
RUN_SECONDS = 240


@pytest.fixture(scope="module", autouse=True)
def built():
    """Compiling the tests takes minutes, which one asks for by netproof upstream itself."""
    acquisition = Acquisition(open_cache(), load_catalog(), SilentProgress(), allowed_sources())
    component = acquisition.catalog.component(E2E_COMPONENT)
    if acquisition.cached(component, acquisition.catalog.version_of(component)) is None:
        pytest.skip(f"the cache has no {E2E_COMPONENT}; netproof toolchain build {E2E_COMPONENT}")


@pytest.fixture(autouse=True)
def nothing_stays_among_temporary_files(tmp_path_factory, monkeypatch):
    directory = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(directory))
    yield
    assert not list(directory.iterdir())


def upstream(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netproof", "upstream", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, cwd=directory)


def test_specs_run_on_a_cluster_and_are_reported(tmp_path):
    done = upstream(tmp_path, "--nodes", "1", "--focus", FOCUS)

    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = tmp_path.glob("reports/upstream-*/upstream.json")
    run = json.loads(results.read_text())
    assert [spec["outcome"] for spec in run["specs"]] == ["passed", "passed"]
    assert (run["nodes"], run["problems"]) == (1, [])


def test_a_focus_without_specs_is_said_before_a_cluster_is_made(tmp_path):
    done = upstream(tmp_path, "--focus", "no such spec")

    assert done.returncode == 5
    assert "no spec of Kubernetes" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_expression_that_is_none_is_one_message(tmp_path):
    done = upstream(tmp_path, "--focus", "[sig")

    assert done.returncode == 4
    assert "regular expressions" in done.stderr
    assert "Traceback" not in done.stderr
