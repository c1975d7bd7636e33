"""What is larger than a packet: whole streams and fragmented datagrams through a Service.

The mechanism: a translated packet is as large as it was, so where a way bears less than its ends believe, small
requests pass and large ones hang: a black hole for the discovery of the path's MTU (RFC 2923, 2.1). A datagram above
the MTU travels in fragments, of which only the first has the ports; conntrack joins them before any rule is asked.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check
from netproof.fixtures.backends import HTTP_PORT, UDP_PORT
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PORTS = [
    {"name": "tcp", "protocol": "TCP", "port": 80, "targetPort": HTTP_PORT},
    {"name": "udp", "protocol": "UDP", "port": 80, "targetPort": UDP_PORT},
]
A_MOMENT = 0.5
TIMES = 6
"""Both servers answer some of so many requests but in one of 32 cases, and the far one matters."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SMALL = ALPHABET
STREAM = (ALPHABET * 2000)[:60_000]
DATAGRAM = (ALPHABET * 100)[:2000]
"""Above an MTU of 1500, and what agnhost takes in one datagram, 2048 bytes."""

NARROW = 1000
"""What a packet may have in bytes that is let into the client of the control."""


@check(
    "services.large-requests",
    subject=OWN,
    level=EXTENDED,
    control="a client into which no packet above 1000 bytes is let is answered when it asks for little, else not",
    mutants=["of the check: the rule of the control is in the pod that must be answered"],
)
def test_what_is_larger_than_a_packet_comes_whole(backends, workspace, cluster, lan, pod):
    """60 kB over TCP and fragmented datagrams go to a Service and come back whole: nodes, a pod, and by NodePort."""
    workspace.apply(agnhost_pod("narrow", "pause"))
    service = backends.service("large", ports=PORTS, type="NodePort")
    inside = (service.cluster_ip, 80, 80)
    at_node = (cluster.spec.nodes[0].address, *(port["nodePort"] for port in service.service()["spec"]["ports"]))
    for place, way in ((pod, inside), *((node, inside) for node in cluster.nodes()), (lan, at_node)):
        eventually(
            lambda here=place, by=way: require_echo(here, by, SMALL, service),
            within_seconds=cluster.timeouts.rules_programmed,
        )
        require_echo(place, way, STREAM, service)
        eventually(
            lambda here=place, by=way: require_echo_of_datagrams(here, by, DATAGRAM, service),
            within_seconds=cluster.timeouts.rules_programmed,
        )

    narrow = cluster.pod(workspace.wait_ready("narrow"))
    let_no_large_packet_in(narrow)
    require_echo(narrow, inside, SMALL, service)
    expect(echoes(narrow, inside, STREAM, times=1, timeout_seconds=A_MOMENT)).to_fail_by(Failure.TIMEOUT)
    reply = narrow.udp(inside[0], inside[2], f"echo {DATAGRAM}", timeout_seconds=A_MOMENT)
    require(reply.failure is Failure.TIMEOUT, "silence", reply.failure or "an answer", objects=[str(service)])


def echoes(place, way, text, *, times=TIMES, timeout_seconds=5.0):
    """The replies to requests for the echo of a text, which is in the request itself."""
    address, port, _ = way
    return place.get(f"http://{address}:{port}/echo?msg={text}", times=times, timeout_seconds=timeout_seconds)


def require_echo(place, way, text, service):
    """See that each request gets its whole text back."""
    replies = echoes(place, way, text)
    whole = [reply for reply in replies if reply.body == text]
    seen = f"{len(whole)} whole of {replies}; bytes {sorted({len(reply.body) for reply in replies})}"
    require(len(whole) == TIMES, f"{len(text)} bytes back at {place.name}, every time", seen, objects=[str(service)])


def require_echo_of_datagrams(place, way, text, service):
    """See that each datagram gets its whole text back."""
    address, _, port = way
    for _ in range(TIMES):
        reply = place.udp(address, port, f"echo {text}")
        seen = reply.failure or f"{len(reply.received)} bytes"
        require(reply.received == text, f"{len(text)} bytes back at {place.name}", seen, objects=[str(service)])


def let_no_large_packet_in(place):
    """Have a pod's own packet filter drop what is larger than ``NARROW``."""
    chain = "table ip narrow { chain input { type filter hook input priority 0; ip length > %d drop; }; }"
    done = place.run(["nft", "-f", "-"], stdin=chain % NARROW)
    assert done.ok, f"expected nft in {place.name} to succeed, observed {done.stderr}"
