"""Which published versions are newer than the pinned ones, asked of a Go module proxy on loopback."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from netproof.commands.toolchain import app
from netproof.errors import NetproofError
from netproof.toolchain.catalog import load_catalog
from netproof.toolchain.newer import Newer, newer_versions, published_versions

from .conftest import needs_go

PINNED = ("1.36.3", "1.37.2")
LIST = "/k8s.io/kubernetes/@v/list"


@pytest.fixture
def proxy(go_proxy):
    """A Go module proxy that has what the test puts there."""

    def publish(*versions):
        go_proxy.files[LIST] = "".join(f"v{version}\n" for version in versions).encode()
        for version in versions:
            go_proxy.files[f"/k8s.io/kubernetes/@v/v{version}.mod"] = b"module k8s.io/kubernetes\n"
            go_proxy.files[f"/k8s.io/kubernetes/@v/v{version}.info"] = f'{{"Version": "v{version}"}}'.encode()

    return publish


@pytest.mark.parametrize(
    ("published", "newer"),
    [
        (["1.36.3", "1.37.2"], []),
        (["1.36.4", "1.36.5", "1.37.2"], [Newer("1.36.5", "1.36.3")]),
        (["1.38.0", "1.38.1", "1.37.3"], [Newer("1.37.3", "1.37.2"), Newer("1.38.1", "")]),
        (["1.33.13", "1.35.9", "1.9.11"], []),
        (["1.38.0-beta.0", "1.37.3-rc.0"], []),
        (["1.37.10", "1.37.9"], [Newer("1.37.10", "1.37.2")]),
    ],
)
def test_patch_releases_of_pinned_minor_versions_and_new_minor_versions_count(published, newer):
    assert newer_versions(PINNED, published, by_minor=True) == newer


def test_versions_before_a_release_count_where_they_are_asked_for():
    published = ["1.38.0-beta.0", "1.38.0-alpha.3", "1.38.0-rc.1", "1.38.0-rc.0", "1.37.2-rc.0"]

    assert newer_versions(PINNED, published, by_minor=True, pre=True) == [Newer("1.38.0-rc.1", "")]
    assert newer_versions(PINNED, [*published, "1.38.0"], by_minor=True, pre=True) == [Newer("1.38.0", "")]


def test_of_other_components_only_the_newest_counts():
    assert newer_versions(["3.7.3"], ["3.6.9", "3.7.4", "3.8.0"], by_minor=False) == [Newer("3.8.0", "3.7.3")]


@needs_go
def test_the_proxy_is_asked_through_go(proxy, server):
    proxy("1.37.2", "1.38.0")

    assert published_versions(load_catalog().component("kubernetes")) == ("1.37.2", "1.38.0")
    assert (LIST, "") in server.requests


@needs_go
def test_the_command_says_what_is_new_and_exits_with_1(proxy):
    newest = load_catalog().component("kubernetes").versions[-1]
    proxy(newest, f"{newest}9", "1.99.0")

    done = CliRunner().invoke(app, ["outdated", "kubernetes"])

    assert done.exit_code == 1
    assert f"kubernetes {newest}9 is newer than {newest}" in done.output
    assert "kubernetes 1.99.0 is new\n" in done.output


@needs_go
def test_nothing_newer_is_exit_code_0(proxy):
    proxy(*load_catalog().component("kubernetes").versions)

    assert CliRunner().invoke(app, ["outdated", "kubernetes"]).exit_code == 0


@needs_go
def test_a_proxy_that_does_not_answer_is_said_clearly(proxy, monkeypatch):
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")

    done = CliRunner().invoke(app, ["outdated", "kubernetes"])

    assert done.exit_code == 3
    assert "kubernetes: the Go module proxy cannot be asked" in done.output
    assert "set GOPROXY" in done.output


def test_a_component_without_a_published_module_is_refused():
    with pytest.raises(NetproofError, match="busybox is made of no published Go module"):
        published_versions(load_catalog().component("busybox"))
