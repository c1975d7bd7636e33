"""What bounds the pods of a cluster that are not trusted, on directories in the place of mounted hierarchies."""

from __future__ import annotations

import os

import pytest

from netproof.cluster.confinement import KUBELET, LIMITS, confine, volatile_size
from netproof.cluster.spec import ClusterSpec
from netproof.node import cgroups

SETTINGS = ("memory.max", "pids.max", "cpu.weight")


@pytest.fixture
def hierarchy(tmp_path, monkeypatch):
    """A hierarchy of cgroup v2 with the cgroups of a cluster of two nodes, and those of another."""
    for group in ("demo/system", "demo/n1", "demo/n2", "other/n1"):
        directory = tmp_path / "netproof" / group
        directory.mkdir(parents=True)
        for name in SETTINGS:
            (directory / name).write_text("max")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: ((tmp_path, "cgroup2"),))
    return tmp_path / "netproof"


def test_each_node_is_bounded_and_neither_the_components_nor_another_cluster(hierarchy):
    confine(ClusterSpec("demo", "1.37.2", node_count=2))

    found = {
        group: [(hierarchy / group / name).read_text() for name in SETTINGS]
        for group in ("demo/n1", "demo/n2", "demo/system", "other/n1")
    }
    bounded, free = [str(1536 << 20), "2000", "40"], ["max"] * len(SETTINGS)
    assert found == {"demo/n1": bounded, "demo/n2": bounded, "demo/system": free, "other/n1": free}


@pytest.mark.parametrize(
    ("of_host", "expected"),
    [(64 << 30, 4 << 30), (4 << 30, 3 << 30)],
    ids=["a large host", "a small host"],
)
def test_what_a_cluster_keeps_leaves_a_quarter_of_a_small_host(monkeypatch, of_host, expected):
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": of_host // 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)

    assert volatile_size() == str(expected)


def test_a_container_that_asks_for_nothing_has_less_than_its_node():
    (limit,) = LIMITS["spec"]["limits"]

    assert limit["type"] == "Container"
    assert limit["default"] == {"memory": "256Mi", "ephemeral-storage": "200Mi"}
    assert KUBELET["podPidsLimit"] < 2000
