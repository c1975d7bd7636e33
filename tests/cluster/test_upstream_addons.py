"""Add-ons as their projects publish them: refused before any work where they cannot be had, installed where they can.

What a server on loopback publishes here is netproof's own manifests: with them the whole way is gone, from the address
to the check, but for the pulling of the projects' images.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from netproof.addons.addon import components_of, store_images
from netproof.addons.dashboard import DASHBOARD
from netproof.addons.metallb import METALLB
from netproof.addons.published import published_manifests
from netproof.cluster.local import LocalCluster
from netproof.images.added import add_images
from netproof.report.results import Results
from netproof.toolchain import ensure
from netproof.toolchain.cache import open_cache
from netproof.verdict import Verdict

from .conftest import CHECKOUT

pytestmark = pytest.mark.cluster

PUBLISHED = {"metallb": METALLB, "dashboard": DASHBOARD}
RUN_SECONDS = 240


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path):
    """Runs the check of the dashboard with upstream's add-ons, fetched into a cache of its own."""

    def run(*options: str, mirror: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "suites/networking",
            "-p",
            "no:cacheprovider",
            "--addons",
            "upstream",
        ]
        command += ["--check", "dashboard.under-path", "--report-dir", str(tmp_path / "reports"), *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment | {"NETPROOF_MIRROR": mirror},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )

    return run


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A mirror that has the manifests."""
    tools = ensure(components_of(PUBLISHED.values()))
    kept = open_cache().manifests
    before = set(kept.glob("*"))
    for name, addon in PUBLISHED.items():
        manifest = published_manifests()[name]
        file = tmp_path / "site" / urlsplit(manifest.url.format(version=manifest.version)).path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_text(yaml.safe_dump_all(addon.objects(tools, {})), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    for file in set(kept.glob("*")) - before:
        file.unlink()


@pytest.fixture
def pulling_cluster() -> Iterator[LocalCluster]:
    """A cluster that pulls, and whose registry has what netproof's own manifests name."""
    name = f"published-{secrets.token_hex(3)}"
    up = [sys.executable, "-m", "netproof", "up", "--detach", "--images", "pull", "--cluster-name", name]
    subprocess.run(up, check=True, timeout=RUN_SECONDS)
    cluster = LocalCluster.attach(name)
    for addon in PUBLISHED.values():
        add_images(cluster.added_images, store_images(addon.images(ensure(addon.components))))
    yield cluster
    cluster.stop()


def test_stand_ins_and_published_manifests_are_refused_together(run):
    refused = run("--images", "stand-in", mirror="http://127.0.0.1:1")

    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "published add-ons want the projects' own images" in refused.stderr
    assert "remedy: --images pull" in refused.stderr


def test_what_cannot_be_fetched_stops_a_run_before_it_starts(run):
    refused = run("--images", "pull", mirror="http://127.0.0.1:1")

    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the manifest of MetalLB 0.13.12 cannot be had: 127.0.0.1:1 cannot be reached" in refused.stderr
    assert "NETPROOF_MIRROR the address of a mirror" in refused.stderr
    assert "control plane" not in refused.stdout


def test_published_manifests_are_installed_and_serve(run, site, pulling_cluster, tmp_path):
    done = run("--keep-cluster", "--cluster-name", pulling_cluster.name, mirror=site)
    print(done.stdout, done.stderr)

    results = Results.read(tmp_path / "reports" / "latest" / "results.json")
    verdicts = {check.id: check.verdict for check in results.checks}
    assert verdicts["dashboard.under-path"] is Verdict.PASSED
    sources = [note for note in results.run.notes if note.startswith("add-on: ")]
    assert len(sources) == len(PUBLISHED)
    assert all(site in source and "not pinned: the first fetch is believed" in source for source in sources)
