from __future__ import annotations

import re

import pytest

from netproof.errors import NetproofError
from netproof.toolchain.build import required_go
from netproof.toolchain.catalog import load_catalog, read_catalog, resolve_kubernetes_version, version_order

CATALOG = load_catalog()
PINNED = [
    pytest.param(component, version, id=f"{component.name} {version}")
    for component in CATALOG.components.values()
    if component.module and component.module.requires
    for version in component.versions
]
OWN = [one for one in CATALOG.components.values() if one.module and not one.module.requires]


@pytest.mark.parametrize(("component", "version"), PINNED)
def test_the_go_module_pins_the_version_of_the_catalogue(component, version):
    directory = component.module_directory(version)
    assert directory is not None
    go_mod = (directory / "go.mod").read_text()

    pinned = re.search(rf"{re.escape(component.module.requires)} v(\S+)", go_mod)

    assert pinned
    assert pinned[1] == version
    assert (directory / "go.sum").stat().st_size > 0
    assert version_order(required_go(directory)) >= (1, 24)
    for package in (*component.module.packages.values(), *component.module.tests.values()):
        assert re.search(rf"^(tool )?\s*{re.escape(package)}$", go_mod, re.MULTILINE), f"{package} is no tool of go.mod"


@pytest.mark.parametrize("component", OWN, ids=lambda component: component.name)
def test_a_program_of_netproofs_own_needs_no_other_module(component):
    (version,) = component.versions
    directory = component.module_directory(version)
    assert directory is not None
    go_mod = (directory / "go.mod").read_text()

    assert "require" not in go_mod
    assert not (directory / "go.sum").exists()
    assert version_order(required_go(directory)) >= (1, 24)
    for package in component.module.packages.values():
        assert go_mod.startswith(f"module {package}\n")


def test_programs_have_one_provider_each():
    programs = [program for component in CATALOG.components.values() for program in component.programs]
    assert len(programs) == len(set(programs))
    assert CATALOG.provider_of("kubelet").name == "kubernetes"


@pytest.mark.parametrize(
    ("wanted", "full"),
    [("1.36", "1.36.3"), ("v1.36", "1.36.3"), ("1.36.3", "1.36.3"), ("v1.36.3", "1.36.3"), (None, "1.37.2")],
)
def test_a_kubernetes_version_may_be_short(wanted, full):
    assert resolve_kubernetes_version(wanted) == full


@pytest.mark.parametrize("wanted", ["1.33", "1.36.99", "1", "1.3", "", "newest", "1.36.3.1"])
def test_an_unknown_kubernetes_version_lists_those_that_exist(wanted):
    with pytest.raises(NetproofError, match="no Kubernetes") as problem:
        resolve_kubernetes_version(wanted)
    for version in CATALOG.component("kubernetes").versions:
        assert version in problem.value.remedy


def test_agnhost_has_the_version_of_kubernetes():
    assert CATALOG.version_of(CATALOG.component("agnhost"), "1.35") == CATALOG.version_of(
        CATALOG.component("kubernetes"), "1.35"
    )


def test_a_release_is_checked_by_a_sum():
    for component in CATALOG.components.values():
        if component.release:
            assert component.release.sha256_url or component.release.sha256


def test_another_architecture_is_a_clear_error(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(
        NetproofError, match="etcd is not available for this machine's architecture arm64, only for amd64"
    ):
        CATALOG.component("etcd").require_architecture()


def test_an_unknown_component_lists_the_known():
    with pytest.raises(NetproofError, match="no component 'etc'") as problem:
        CATALOG.component("etc")
    assert "etcd" in problem.value.remedy


@pytest.mark.parametrize("text", ["no toml", "[components.a]\nsummary = 'x'", "[components.a]\nunknown = 1"])
def test_a_broken_catalogue_is_one_message(text):
    with pytest.raises(NetproofError, match="catalogue of components cannot be read"):
        read_catalog(text)
