"""Agents in two network namespaces of their own, with a link between them: what needs a network to be seen."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from netproof.observe.agent_standpoint import AgentStandpoint
from netproof.observe.announcers import announcer
from netproof.observe.packetfilter import Ruleset
from netproof.observe.protocol import Failure
from netproof.observe.standpoint import StandpointError
from netproof.observe.visitor import visiting
from netproof.verdict import UnmetError

TOOLS = ("unshare", "ip", "iptables", "iptables-save")
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)), reason=f"needs root and {', '.join(TOOLS)}"
)


@pytest.fixture(scope="module")
def two_places(tmp_path_factory):
    """A client at 10.9.0.1 and a server at 10.9.0.2, which has 10.9.0.3 too and forwards nothing."""
    with contextlib.ExitStack() as stack:
        places = []
        for name in ("client", "server"):
            path = tmp_path_factory.mktemp(name) / "a.sock"
            command = ["unshare", "--net", sys.executable, "-m", "netproof.observe.agent"]
            process = subprocess.Popen([*command, "--socket", str(path), "--name", name])
            stack.callback(process.wait)
            stack.callback(process.terminate)
            places.append(AgentStandpoint(name, path))
        client, server = places
        client.wait_until_up()
        pid = server.wait_until_up().pid
        setup = [
            (client, "link set lo up"),  # by which a packet filter tells the place itself that it rejects
            (client, f"link add name va type veth peer name vb netns {pid}"),
            (client, "address add 10.9.0.1/24 dev va"),
            (client, "link set va up"),
            (server, "address add 10.9.0.2/24 dev vb"),
            (server, "address add 10.9.0.3/32 dev vb"),
            (server, "link set vb up"),
            (client, "route add unreachable 10.8.0.0/24"),
            (client, "route add 10.7.0.0/24 via 10.9.0.2"),
        ]
        for place, command in setup:
            assert place.run(["ip", *command.split()]).ok, command
        yield client, server


def test_ping_tells_an_answer_from_an_error_and_from_silence(two_places):
    client, server = two_places

    assert client.ping("10.9.0.2", count=2).answered
    assert client.ping("10.8.0.1", timeout_seconds=0.3).rejected
    assert client.ping("10.7.0.1", timeout_seconds=0.3).silent

    assert server.run(["iptables", "-A", "INPUT", "-d", "10.9.0.3", "-p", "icmp", "-j", "REJECT"]).ok
    refused = client.ping("10.9.0.3", timeout_seconds=1)
    assert refused.rejected
    assert (refused.reply.errors[0].source, refused.reply.errors[0].meaning) == ("10.9.0.3", "port unreachable")


def test_a_local_packet_filter_drops_in_silence_and_rejects_aloud(two_places):
    client, _ = two_places
    for address, target in (("10.9.0.77", "REJECT"), ("10.9.0.78", "DROP")):
        assert client.run(["iptables", "-A", "OUTPUT", "-d", address, "-j", target]).ok

    rejected, dropped = (client.ping(address, timeout_seconds=0.3) for address in ("10.9.0.77", "10.9.0.78"))

    assert rejected.rejected
    assert rejected.reply.errors[0].meaning == "port unreachable"
    assert dropped.silent
    assert dropped.reply.dropped_here == 1
    assert client.get("http://10.9.0.77/", timeout_seconds=0.3).failure_kinds == {Failure.REFUSED: 1}
    assert client.get("http://10.9.0.78/", timeout_seconds=0.3).failure_kinds == {Failure.TIMEOUT: 1}


def test_http_tells_no_route_from_nobody_listening(two_places):
    client, _ = two_places

    assert client.get("http://10.8.0.1/", timeout_seconds=0.3).failure_kinds == {Failure.UNREACHABLE: 1}
    assert client.get("http://192.0.2.1/", timeout_seconds=0.3).failure_kinds == {Failure.UNREACHABLE: 1}
    assert client.get("http://10.9.0.2/", timeout_seconds=0.3).failure_kinds == {Failure.REFUSED: 1}
    assert client.get("http://10.7.0.1/", timeout_seconds=0.3).failure_kinds == {Failure.TIMEOUT: 1}


def test_arp_names_who_has_an_address(two_places):
    client, server = two_places
    mac = next(one.mac for one in server.interfaces() if one.name == "vb")

    assert [one.mac for one in client.arp_owners("10.9.0.3", "va", timeout_seconds=0.3)] == [mac]
    assert client.arp_owners("10.9.0.44", "va", timeout_seconds=0.3) == ()
    client.ping("10.9.0.2")
    assert mac in {one.mac for one in client.neighbours() if one.address == "10.9.0.2"}


def test_interfaces_and_routes_are_the_places_own(two_places):
    client, server = two_places

    assert {"10.9.0.2", "10.9.0.3"} <= server.addresses()
    assert not {"10.9.0.2", "10.9.0.3"} & client.addresses()
    routes = {route.destination: route for route in client.routes()}
    assert routes["10.7.0.0/24"].gateway == "10.9.0.2"
    assert routes["10.8.0.0/24"].kind == "unreachable"


def test_the_kernels_own_rules_are_read(two_places):
    _, server = two_places
    commands = (
        "iptables -t nat -N KUBE-X",
        "iptables -t nat -A KUBE-X -p tcp --dport 80 -m statistic --mode random --probability 0.5 -j RETURN",
        "iptables -t nat -A KUBE-X -p tcp -j DNAT --to-destination 10.9.0.3:8000",
    )
    assert all(server.run(command.split()).ok for command in commands)

    first, second = Ruleset.parse(server.run(["iptables-save", "-c"]).stdout).table("nat").chains["KUBE-X"].rules

    assert (first.destination_port, first.probability, first.target) == (80, 0.5, "RETURN")
    assert second.to_destination == "10.9.0.3:8000"


def test_a_visitor_knows_only_the_ways_that_it_is_given(two_places):
    client, _ = two_places

    with visiting(client, "va", "10.9.0.101", table=101) as visitor:
        (reply,) = visitor.get("http://10.9.0.2:9/")
        assert reply.failure is Failure.UNREACHABLE
        visitor.add_route("10.9.0.2/32")
        (reply,) = visitor.get("http://10.9.0.2:9/")
        assert reply.failure is Failure.REFUSED
        assert visitor.address in client.addresses()
        visitor.remove_route("10.9.0.2/32")
        visitor.add_route("10.9.0.3/32", gateway="10.9.0.2")
        (reply,) = visitor.get("http://10.9.0.2:9/")
        assert reply.failure is Failure.UNREACHABLE

    assert visitor.address not in client.addresses()
    assert visitor.address not in client.run(["ip", "rule"]).stdout


def test_a_visitor_that_cannot_be_set_up_says_which_command_failed(two_places):
    client, _ = two_places

    with pytest.raises(StandpointError, match=r"'ip address add 10\.9\.0\.101/32 dev nowhere' on client"):
        visiting(client, "nowhere", "10.9.0.101", table=101).__enter__()


def test_the_announcer_of_an_address_is_a_node_by_its_mac(two_places):
    client, server = two_places
    assert client.run(["ip", "link", "add", "br0", "type", "bridge"]).ok
    assert client.run(["ip", "link", "set", "va", "master", "br0"]).ok
    assert client.run(["ip", "link", "set", "br0", "up"]).ok

    assert announcer(client, "10.9.0.3", [server]) == "server"
    with pytest.raises(UnmetError, match="nobody answers"):
        announcer(client, "10.9.0.9", [server])
    with pytest.raises(UnmetError, match="no node, with the MAC address"):
        announcer(client, "10.9.0.3", [])
