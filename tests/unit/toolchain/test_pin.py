"""Pinning a Kubernetes version: modules that Go can build of, from a Go module proxy on loopback."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile

import pytest

from netproof.errors import NetproofError
from netproof.resources import data_directory
from netproof.toolchain.catalog import load_catalog, read_catalog
from netproof.toolchain.pin import pin_kubernetes, with_version
from netproof.toolchain.progress import SilentProgress

from .conftest import needs_go

GINKGO = "github.com/onsi/ginkgo/v2"
PROGRAM = "package main\n\nfunc main() {}\n"


@pytest.fixture
def proxy(go_proxy, monkeypatch):
    """A Go module proxy with a Kubernetes 1.99.1 of next to nothing, of which each program is there."""
    monkeypatch.setenv("GOFLAGS", "-modcacherw")

    def publish(path, version, go_mod, files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in {"go.mod": go_mod, **files}.items():
                archive.writestr(f"{path}@{version}/{name}", text)
        go_proxy.files[f"/{path}/@v/{version}.info"] = f'{{"Version": "{version}"}}'.encode()
        go_proxy.files[f"/{path}/@v/{version}.mod"] = go_mod.encode()
        go_proxy.files[f"/{path}/@v/{version}.zip"] = content.getvalue()
        go_proxy.files[f"/{path}/@v/list"] = f"{version}\n".encode()

    catalog = load_catalog()
    packages = [
        package.removeprefix("k8s.io/kubernetes/")
        for name in ("kubernetes", "agnhost")
        for package in catalog.component(name).module.packages.values()
    ]
    files = {f"{package}/main.go": PROGRAM for package in packages}
    files["cmd/kubelet/main.go"] = 'package main\n\nimport _ "k8s.io/api"\n\nfunc main() {}\n'
    files["test/e2e/e2e.go"] = "package e2e\n"
    files["test/e2e/e2e_test.go"] = 'package e2e\n\nimport _ "k8s.io/api"\n'
    requires = (
        f"require (\n\tk8s.io/api v0.0.0\n\t{GINKGO} v2.32.0\n)\n\nreplace k8s.io/api => ./staging/src/k8s.io/api\n"
    )
    publish("k8s.io/kubernetes", "v1.99.1", f"module k8s.io/kubernetes\n\ngo 1.21\n\n{requires}", files)
    publish("k8s.io/api", "v0.99.1", "module k8s.io/api\n\ngo 1.21\n", {"api.go": "package api\n"})
    publish(GINKGO, "v2.32.0", f"module {GINKGO}\n\ngo 1.21\n", {"ginkgo/main.go": PROGRAM})


@needs_go
def test_the_modules_of_a_new_version_build_without_asking_again(proxy, tmp_path):
    toolchain = tmp_path / "toolchain"

    written = pin_kubernetes("1.99.1", load_catalog(), toolchain, SilentProgress())

    assert written == [toolchain / "kubernetes" / "v1.99", toolchain / "kubernetes-e2e" / "v1.99"]
    assert [path.name for path in (toolchain / "kubernetes").iterdir()] == ["v1.99"]
    for directory, packages in zip(
        written, (["k8s.io/kubernetes/cmd/kubelet"], ["k8s.io/kubernetes/test/e2e", f"{GINKGO}/ginkgo"]), strict=True
    ):
        go_mod = (directory / "go.mod").read_text()
        assert "k8s.io/kubernetes v1.99.1" in go_mod
        assert "k8s.io/api => k8s.io/api v0.99.1" in go_mod
        subprocess.run(
            ["go", "list", "-deps", "-test", *packages],
            cwd=directory,
            env=os.environ | {"GOFLAGS": "-mod=readonly", "GOPROXY": "off"},
            check=True,
            capture_output=True,
        )


@needs_go
def test_a_version_that_the_proxy_does_not_have_is_one_message_and_leaves_nothing(proxy, tmp_path):
    with pytest.raises(NetproofError, match=r"1\.99\.7"):
        pin_kubernetes("1.99.7", load_catalog(), tmp_path / "toolchain", SilentProgress())

    assert not (tmp_path / "toolchain").exists()


@pytest.mark.parametrize("version", ["1.38", "v1.38.0", "1.38.0-beta.0", "latest"])
def test_only_releases_in_full_can_be_pinned(version, tmp_path):
    with pytest.raises(NetproofError, match="is no release of Kubernetes"):
        pin_kubernetes(version, load_catalog(), tmp_path, SilentProgress())


@pytest.mark.parametrize(
    ("version", "versions"),
    [
        ("1.99.0", ("1.36.3", "1.37.2", "1.99.0")),
        ("1.37.10", ("1.36.3", "1.37.10")),
        ("1.33.1", ("1.33.1", "1.36.3", "1.37.2")),
    ],
)
def test_the_catalogue_gets_the_version_in_its_place(version, versions):
    text = (data_directory("toolchain").parent / "netproof" / "toolchain" / "components.toml").read_text()
    before = load_catalog()

    after = read_catalog(with_version(text, ("1.36.3", "1.37.2"), version))

    assert after.component("kubernetes").versions == versions
    assert after.component("etcd") == before.component("etcd")
