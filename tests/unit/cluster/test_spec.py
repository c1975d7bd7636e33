import dataclasses

import pytest

from netproof.cluster.spec import ClusterSpec
from netproof.errors import NetproofError


def spec(**changes):
    return dataclasses.replace(ClusterSpec("demo", "1.37.2"), **changes)


def test_each_node_has_an_address_on_the_lan_and_a_range_of_pods_of_its_own():
    nodes = spec(node_count=3).nodes

    assert [node.name for node in nodes] == ["n1", "n2", "n3"]
    assert [node.address for node in nodes] == ["172.17.0.11", "172.17.0.12", "172.17.0.13"]
    assert [node.pod_cidr for node in nodes] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]


def test_well_known_addresses_follow_the_ranges():
    moved = spec().with_ranges({"lan_cidr": "192.168.8.0/22", "service_cidr": "10.0.0.0/16"})

    assert moved.lan_address == "192.168.8.1"
    assert moved.control_plane_address == "192.168.8.2"
    assert moved.kubernetes_service_address == "10.0.0.1"
    assert moved.dns_address == "10.0.0.10"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Demo"}, "name 'Demo' is not usable"),
        ({"name": "-a"}, "name '-a' is not usable"),
        ({"node_count": 0}, "0 nodes is not offered"),
        ({"proxy_mode": "userspace"}, "proxy mode 'userspace' is not offered"),
        ({"lan_cidr": "10.96.0.0/12"}, "lan_cidr 10.96.0.0/12 and service_cidr 10.96.0.0/16 overlap"),
        ({"pod_cidr": "10.244.0.1/16"}, "pod_cidr '10.244.0.1/16' is not an IPv4 network"),
        ({"pod_cidr": "10.244.0.0/24"}, "too small"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(changes, said):
    with pytest.raises(NetproofError, match=said) as refused:
        spec(**changes)

    assert refused.value.remedy


def test_a_spec_survives_its_file(tmp_path):
    original = spec(node_count=1).with_tools({"etcd": "/bin/etcd"}, ("/opt",))

    original.write(tmp_path / "spec.json")

    assert ClusterSpec.read(tmp_path / "spec.json") == original
