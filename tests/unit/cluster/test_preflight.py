import os

import pytest

from netproof.cluster import preflight
from netproof.errors import NetproofError


def test_each_lack_comes_with_its_remedy(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(NetproofError, match="need root") as refused:
        preflight.require_local(node_count=1)

    assert "sudo" in refused.value.message
    assert "--cluster existing" not in refused.value.remedy


def test_missing_programs_are_named_by_their_debian_packages(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "SEARCH_PATH", "/nowhere")

    (lack,) = preflight.lacks()

    assert "conntrack" in lack.what
    assert lack.remedy.startswith("apt-get install -y ")
    assert "nftables" in lack.remedy


def test_another_processor_is_a_clear_error(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")

    (lack,) = preflight.lacks()

    assert "aarch64" in lack.what


def test_a_limit_of_inotify_that_the_nodes_would_exceed_is_named(monkeypatch):
    monkeypatch.setattr(preflight, "free_inotify_instances", lambda wanted: min(wanted, 20))

    (lack,) = preflight._inotify(2)

    assert lack.what == "20 inotify instances are left for this user; a cluster of 2 nodes wants 28"
    assert "fs.inotify.max_user_instances" in lack.remedy
    assert not preflight._inotify(1)


def test_free_inotify_instances_are_counted_no_further_than_wanted():
    assert preflight.free_inotify_instances(1) == 1
