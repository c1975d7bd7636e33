"""When nodes become virtual machines, and what is said where this host cannot run them."""

import pytest

from netproof.cluster import bringup, virtual
from netproof.cluster.local import LocalCluster
from netproof.cluster.spec import NETNS, VM, ClusterSpec
from netproof.cluster.under_test import ClusterUnderTest
from netproof.errors import NetproofError
from netproof.node.vm.qemu import VirtualHardware
from netproof.observe import kubeproxy_facts
from netproof.waiting import Timeouts

NO_IPVS = ["no dummy interfaces (module dummy)", "no IPVS (module ip_vs)"]


@pytest.mark.parametrize(
    ("asked", "mode", "missing", "kind"),
    [
        ("auto", "iptables", NO_IPVS, NETNS),
        ("auto", "ipvs", NO_IPVS, VM),
        ("auto", "ipvs", [], NETNS),
        ("vm", "iptables", [], VM),
        ("netns", "nftables", NO_IPVS, NETNS),
    ],
)
def test_auto_takes_a_virtual_machine_where_the_kernel_lacks_what_the_mode_wants(
    monkeypatch, asked, mode, missing, kind
):
    monkeypatch.setattr(virtual, "missing_for_ipvs", lambda: missing)

    assert virtual.choose_kind(asked, mode)[0] == kind


def test_namespaces_are_refused_where_the_kernel_cannot_do_the_mode(monkeypatch):
    monkeypatch.setattr(virtual, "missing_for_ipvs", lambda: NO_IPVS)

    with pytest.raises(NetproofError, match="module ip_vs") as refused:
        virtual.choose_kind("netns", "ipvs")

    assert "--node-kind" in refused.value.remedy


def test_everything_that_is_missing_is_said_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(virtual.shutil, "which", lambda _name, path=None: path and None)
    monkeypatch.setattr(virtual, "_TUN", tmp_path / "tun")
    monkeypatch.setattr(virtual.kernel, "find_kernel", lambda _: None)
    monkeypatch.setattr(virtual.kernel, "package_name", lambda: "")
    monkeypatch.setattr(virtual, "_available_memory_mib", lambda: 100)

    found = {lack.what: lack.remedy for lack in virtual.lacks_of_virtual_nodes(2)}

    assert len(found) == 4
    assert any("qemu-system-x86" in what for what in found)
    assert any("100 MiB" in what and "2 virtual machines" in what for what in found)
    assert all(found.values())


def test_a_mode_that_a_version_does_not_offer_is_refused_with_those_it_does(monkeypatch):
    gone = kubeproxy_facts.Fact(kubeproxy_facts.About.SUPPORT, "none", "of this test", mode="ipvs")
    rest = [one for one in kubeproxy_facts.all_facts() if one.mode != "ipvs"]
    monkeypatch.setattr(kubeproxy_facts, "all_facts", lambda: (gone, *rest))

    with pytest.raises(NetproofError, match="'ipvs'") as refused:
        bringup.require_mode("ipvs", "1.43.0")

    assert "iptables, nftables" in refused.value.remedy


def test_a_specification_with_hardware_is_read_as_it_was_written(tmp_path):
    hardware = VirtualHardware("vmlinuz", "initrd", "root.sqfs", "images.sqfs", "tcg")
    spec = ClusterSpec("demo", "1.37.2", node_kind=VM, proxy_mode="ipvs").with_hardware(hardware)

    spec.write(tmp_path / "spec.json")

    assert ClusterSpec.read(tmp_path / "spec.json") == spec
    assert all(node.is_virtual for node in spec.nodes)


@pytest.mark.parametrize(("accelerator", "bearable"), [("tcg", 1), ("kvm", 6)])
def test_an_emulated_node_bears_less_at_once(monkeypatch, accelerator, bearable):
    hardware = VirtualHardware("vmlinuz", "initrd", "root.sqfs", "images.sqfs", accelerator)
    provider = object.__new__(LocalCluster)
    monkeypatch.setattr(LocalCluster, "spec", ClusterSpec("demo", "1.37.2", node_kind=VM).with_hardware(hardware))

    assert ClusterUnderTest(provider, Timeouts()).side_by_side(6) == bearable
    assert ClusterUnderTest(provider, Timeouts()).side_by_side(1) == 1


def test_a_kind_of_nodes_that_there_is_not_is_told():
    with pytest.raises(NetproofError, match="no kind of nodes 'kvm'") as refused:
        virtual.choose_kind("kvm", "iptables")

    assert refused.value.remedy == "choose one of auto, netns, vm"
