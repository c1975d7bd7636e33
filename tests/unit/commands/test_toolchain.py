from __future__ import annotations

import os
import time

import pytest
from typer.testing import CliRunner

from netproof.atomic_writes import write_atomically
from netproof.commands.toolchain import app
from netproof.errors import NetproofError
from netproof.long_unused import UNUSED_SECONDS
from netproof.resources import data_directory
from netproof.toolchain.cache import receipt_of, write_receipt
from netproof.toolchain.catalog import load_catalog
from netproof.toolchain.oci import BlobStore
from netproof.toolchain.progress import SilentProgress

RUNNER = CliRunner()


@pytest.fixture
def kubectl(cache):
    """Kubernetes 1.36.3 as if built, each program a few bytes."""
    component = load_catalog().component("kubernetes")
    with cache.installing(component, "1.36.3", "module") as directory:
        for program in component.programs:
            (directory / program).write_text("#!/bin/sh\n")
            (directory / program).chmod(0o755)
        write_receipt(receipt_of(component, "1.36.3", "module", "Go 1.26", directory), directory)
    return cache.entry(component, "1.36.3", "module") / "kubectl"


def test_list_names_all_components_and_what_is_cached(kubectl):
    result = RUNNER.invoke(app, ["list"])
    assert result.exit_code == 0
    for component in load_catalog().components.values():
        assert component.name in result.output
    assert "module: Go 1.26" in result.output


def test_path_prints_where_a_program_lies(kubectl):
    result = RUNNER.invoke(app, ["path", "kubectl", "--kubernetes-version", "1.36"])
    assert result.output == f"{kubectl}\n"


def test_path_of_what_is_not_cached_tells_how_to_get_it(cache):
    result = RUNNER.invoke(app, ["path", "kubectl", "--kubernetes-version", "1.36"])
    assert isinstance(result.exception, NetproofError)
    assert result.exception.remedy == "netproof toolchain build --kubernetes-version 1.36.3 kubernetes"


def test_an_unknown_program_lists_the_known():
    result = RUNNER.invoke(app, ["path", "kubectrl"])
    assert isinstance(result.exception, NetproofError)
    assert "kubectl" in result.exception.remedy


def test_an_unknown_source_is_an_error(cache):
    result = RUNNER.invoke(app, ["build", "--sources", "internet"])
    assert isinstance(result.exception, NetproofError)
    assert "unknown source 'internet'" in result.exception.message


def test_prune_removes_what_is_old_and_keeps_what_is_wanted(cache, kubectl):
    old = cache.programs / "kubernetes" / "1.30.0-module-0123456789" / "kubelet"
    leftover = cache.programs / "kubernetes" / ".incoming-dead" / "kubelet"
    part = cache.downloads / "etcd" / "etcd.part"
    for file in (old, leftover, part):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 1000)
    blobs = BlobStore(cache.images.root)
    used, unused = blobs.put(b"used", "text"), blobs.put(b"unused", "text")
    long_ago = time.time() - 2 * UNUSED_SECONDS
    os.utime(blobs.path(unused.digest), (long_ago, long_ago))

    result = RUNNER.invoke(app, ["prune"])

    assert "3.0 kB freed" in result.output
    assert kubectl.exists()
    assert not any(file.exists() for file in (old, leftover, part, blobs.path(unused.digest)))
    assert blobs.path(used.digest).exists()


def test_prune_removes_images_of_virtual_machines_long_unused(cache):
    cache.machines.mkdir()
    old, new = cache.machines / "root-old.sqfs", cache.machines / "root-new.sqfs"
    for image in (old, new):
        image.touch()
    long_ago = time.time() - UNUSED_SECONDS - 1
    os.utime(old, (long_ago, long_ago))

    RUNNER.invoke(app, ["prune"])

    assert not old.exists()
    assert new.exists()


def test_prune_leaves_alone_what_another_run_is_installing(cache):
    component = load_catalog().component("etcd")
    with cache.lock(component, SilentProgress()), cache.installing(component, "3.7.3", "module") as directory:
        result = RUNNER.invoke(app, ["prune", "--all"])
        assert directory.exists()
    assert "another run of netproof is installing it" in result.output


def test_prune_all_removes_everything(cache, kubectl):
    manifest = cache.manifests / "metallb-0.13.12-0123456789.yaml"
    write_atomically(manifest, "kind: Namespace\n")

    assert RUNNER.invoke(app, ["prune"]).exit_code == 0
    assert manifest.exists()
    assert RUNNER.invoke(app, ["prune", "--all"]).exit_code == 0
    assert not manifest.exists()
    assert not kubectl.exists()


def test_data_lies_beside_the_package_of_a_checkout():
    assert (data_directory("toolchain") / "etcd" / "go.mod").is_file()
    with pytest.raises(NetproofError, match="lacks 'none'"):
        data_directory("none")
