"""ipvsadm's and ipset's words are read into virtual servers and sets; the texts are of a node in IPVS mode."""

import pytest

from netproof.errors import NetproofError
from netproof.observe.ipset import parse_sets
from netproof.observe.ipvs import RealServer, VirtualServers

SERVERS = """\
-A -t 10.96.0.1:443 -s rr
-a -t 10.96.0.1:443 -r 172.17.0.2:6443 -m -w 1
-A -t 10.96.0.10:53 -s rr
-a -t 10.96.0.10:53 -r 10.244.0.2:53 -m -w 1
-A -u 10.96.0.10:53 -s rr
-a -u 10.96.0.10:53 -r 10.244.0.2:53 -m -w 1
-A -t 10.96.7.7:80 -s rr -p 10800
-a -t 10.96.7.7:80 -r 10.244.0.3:8000 -m -w 1
-a -t 10.96.7.7:80 -r 10.244.0.4:8000 -m -w 0
-A -t 10.96.8.8:80 -s rr
"""
SETS = """\
create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x11f82971
add KUBE-CLUSTER-IP 10.96.0.10,tcp:53
add KUBE-CLUSTER-IP 10.96.0.1,tcp:443
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
"""


def test_a_virtual_server_has_its_scheduler_and_real_servers():
    server = VirtualServers.parse(SERVERS).find("10.96.0.1", 443)

    assert server.scheduler == "rr"
    assert server.real_servers == (RealServer("172.17.0.2:6443", "Masq", 1),)
    assert server.persistent_seconds is None


def test_protocols_of_one_address_and_port_are_told_apart():
    servers = VirtualServers.parse(SERVERS)

    assert {one.protocol for one in servers.of_address("10.96.0.10")} == {"tcp", "udp"}
    assert servers.find("10.96.0.10", 53, "UDP").protocol == "udp"


def test_a_real_server_that_drains_is_no_target_and_affinity_is_seen():
    server = VirtualServers.parse(SERVERS).find("10.96.7.7", 80)

    assert server.targets == {"10.244.0.3:8000"}
    assert server.persistent_seconds == 10800


def test_a_service_without_endpoints_has_a_virtual_server_that_sends_nowhere():
    assert VirtualServers.parse(SERVERS).find("10.96.8.8", 80).targets == frozenset()


def test_sets_have_their_members():
    assert parse_sets(SETS) == {
        "KUBE-CLUSTER-IP": {"10.96.0.10,tcp:53", "10.96.0.1,tcp:443"},
        "KUBE-NODE-PORT-TCP": frozenset(),
    }


@pytest.mark.parametrize("line", ["-X -t 10.0.0.1:80 -s rr", "-A", "-A -t 10.0.0.1:80"])
def test_a_line_that_is_not_understood_is_named(line):
    with pytest.raises(NetproofError, match="line 1 of ipvsadm"):
        VirtualServers.parse(line)


def test_a_line_of_ipset_that_is_not_understood_is_named():
    with pytest.raises(NetproofError, match="line 1 of ipset"):
        parse_sets("add NOWHERE 10.0.0.1")
