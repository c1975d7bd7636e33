"""Kind clusters are refused in time where they cannot be had. docker and kind are stand-ins that say what those do."""

import os
from pathlib import Path

import pytest

from netproof.cluster.kind import KindRequest, find_kind, require_kind
from netproof.errors import NetproofError


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Puts programs into a directory that is the whole PATH, each as the script that it is."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(**scripts):
        for name, script in scripts.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        return tmp_path

    return put


def test_a_host_without_docker_is_told_what_is_missing_at_once(programs):
    programs(docker="echo 'Cannot connect to the Docker daemon' >&2; exit 1")

    with pytest.raises(NetproofError) as refused:
        require_kind(KindRequest("x", find_kind()))

    assert "no Docker engine answers" in refused.value.message
    assert "there is no program kind" in refused.value.message
    assert "--cluster local" in refused.value.remedy


def test_a_cluster_that_is_there_is_not_taken_over_and_deleted(programs):
    place = programs(docker="echo 28.0.0", kind="echo dev; echo mine")

    with pytest.raises(NetproofError, match="'mine' is there already") as refused:
        require_kind(KindRequest("mine", find_kind()))

    assert "--keep-cluster" in refused.value.remedy
    assert require_kind(KindRequest("mine", find_kind(), keep=True)) == place / "kind"
    assert require_kind(KindRequest("another", find_kind())) == place / "kind"


def test_what_kind_says_against_it_is_passed_on(programs):
    programs(docker="echo 28.0.0", kind="echo 'ERROR: permission denied' >&2; exit 1")

    with pytest.raises(NetproofError, match="permission denied"):
        require_kind(KindRequest("x", find_kind()))


def test_kind_may_be_named(programs):
    other = programs(other="true") / "other"

    assert find_kind(str(other)) == other
    assert find_kind(os.devnull) is None
    assert find_kind() is None


def test_nodes_mode_and_ranges_are_kinds_own_configuration():
    request = KindRequest("x", Path("kind"), 3, "nftables", ranges={"podSubnet": "10.1.0.0/16"})

    made = request.configuration()

    assert [node["role"] for node in made["nodes"]] == ["control-plane", "worker", "worker"]
    assert made["networking"] == {"kubeProxyMode": "nftables", "podSubnet": "10.1.0.0/16"}
