"""Services over UDP.

A flow is its addresses and ports; conntrack remembers where kube-proxy's rules sent its first datagram, and no later
one meets the rules while that memory lasts (30 s, or 120 s once both sides have spoken). So when an endpoint goes,
kube-proxy has to delete the entries of its flows, or a client that keeps its port talks to nobody (pkg/proxy). It does
not in all versions where the last endpoint goes, or the Service itself: test_proxy_conntrack.py.
"""

from __future__ import annotations

import pytest

from netproof.check import CORE, EXTENDED, OWN, check
from netproof.fixtures.backends import HTTP_PORT, UDP_PORT
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually, until_served_by
from netproof.observe.expectations import require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed
from netproof.services.service import Service

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

BOTH_PORTS = [
    {"name": "tcp", "protocol": "TCP", "port": 80, "targetPort": HTTP_PORT},
    {"name": "udp", "protocol": "UDP", "port": 80, "targetPort": UDP_PORT},
]
UDP_ONLY = BOTH_PORTS[1:]
FOLLOWING, FROM_NONE, REPLACED, RETARGETED = range(43210, 43214)  # one for each check, since they stand in one pod
NOBODYS_PORT = 8999
A_MOMENT = 0.5
IN_A_ROW = 3
NOBODY = {"name": "nobody"}
SERVERS = {"app": "server"}
UDP_SERVED = {"selector": SERVERS, "ports": UDP_ONLY}


@check(
    "services.same-port-both-protocols",
    subject=OWN,
    level=CORE,
    control="the port is taken from the Service for UDP alone: datagrams get no answer, connections do",
    mutants=["of the check: the port for UDP stays"],
)
def test_one_port_serves_tcp_and_udp(backends, cluster, node, pod):
    """A port of a Service for TCP and UDP leads each protocol to its own servers, from a node and from a pod."""
    service = backends.service("both-protocols", ports=BOTH_PORTS)
    address = service.cluster_ip
    for place in (node, pod):
        wait_until_datagrams_reach(place, address, backends.names, cluster.timeouts)
        until_served_by(
            place, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )

    backends.workspace.api.patch("Service", service.name, {"spec": {"ports": BOTH_PORTS[:1]}}, service.namespace)
    for place in (node, pod):
        wait_until_unanswered(place, address, cluster.timeouts)
        until_served_by(
            place, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )


@check(
    "services.udp-flow-follows",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="while the first server is one of two, the flow stays with it",
    mutants=["of the check: the first server stays one of two"],
)
def test_a_udp_flow_follows_the_endpoints(backends, cluster, pod):
    """A client that keeps its UDP port reaches the server that is left when the one it talked to goes."""
    first, second = backends.names[:2]
    service = backends.service("udp-follows", {"name": first}, ports=UDP_ONLY)
    address = service.cluster_ip
    wait_until_flow_reaches(pod, address, FOLLOWING, first, cluster.timeouts)

    select(backends, service, {"app": "backend"})
    wait_until_datagrams_reach(pod, address, backends.names, cluster.timeouts)
    require_flow(pod, address, FOLLOWING, first)

    select(backends, service, {"name": second})
    wait_until_flow_reaches(pod, address, FOLLOWING, second, cluster.timeouts)


@check(
    "services.udp-flow-from-none",
    subject=OWN,
    level=EXTENDED,
    control="before there is a server, the same flow is refused",
    mutants=["of the check: the Service gets no server"],
)
def test_a_udp_flow_begins_before_there_is_a_server(backends, cluster, pod):
    """A client that keeps its UDP port, and began before the Service had a server, is answered once it has one."""
    service = backends.service("udp-from-none", NOBODY, ports=UDP_ONLY)
    address, name = service.cluster_ip, backends.names[0]
    wait_until_refused(pod, address, FROM_NONE, cluster.timeouts)

    select(backends, service, {"name": name})
    wait_until_flow_reaches(pod, address, FROM_NONE, name, cluster.timeouts)


@check(
    "services.udp-server-replaced",
    subject=OWN,
    level=EXTENDED,
    control="between the last server's end and the next one's start the same flow gets no answer",
    mutants=["of the check: no server follows"],
)
def test_a_udp_flow_survives_scaling_to_zero_and_back(workspace, cluster, pod):
    """A client that keeps its UDP port, and asks on while there is no server, reaches the one that comes next."""
    workspace.run_pod(udp_server("former"))
    workspace.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "replaced"}} | {"spec": UDP_SERVED})
    address = Service(workspace.api, workspace.namespace, "replaced").cluster_ip
    wait_until_datagrams_reach(pod, address, ["former"], cluster.timeouts)
    wait_until_flow_reaches(pod, address, REPLACED, "former", cluster.timeouts)

    workspace.api.delete("Pod", "former", workspace.namespace)
    wait_until_unanswered(pod, address, cluster.timeouts, source_port=REPLACED)

    workspace.run_pod(udp_server("latter"))
    wait_until_flow_reaches(pod, address, REPLACED, "latter", cluster.timeouts)


@check(
    "services.udp-target-port-changed",
    subject=OWN,
    level=EXTENDED,
    control="as long as the targetPort is the server's, and as soon as it is again, the same flow is answered",
    mutants=["of the check: the targetPort stays"],
)
def test_a_udp_flow_follows_the_target_port(backends, cluster, pod):
    """A client that keeps its UDP port is led to another targetPort as soon as the Service has it."""
    service = backends.service("udp-retargeted", {"name": backends.names[-1]}, ports=UDP_ONLY)
    address, server = service.cluster_ip, backends.names[-1]
    wait_until_datagrams_reach(pod, address, [server], cluster.timeouts)
    wait_until_flow_reaches(pod, address, RETARGETED, server, cluster.timeouts)

    retarget(backends, service, NOBODYS_PORT)
    wait_until_unanswered(pod, address, cluster.timeouts, source_port=RETARGETED)

    retarget(backends, service, UDP_PORT)
    wait_until_flow_reaches(pod, address, RETARGETED, server, cluster.timeouts)


def udp_server(name):
    """A pod that answers datagrams with its name, and is ready once it does."""
    pod = agnhost_pod(name, "netexec", f"--http-port={HTTP_PORT}", f"--udp-port={UDP_PORT}", labels=SERVERS)
    pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": HTTP_PORT}, "periodSeconds": 1}
    return pod


def retarget(backends, service, port):
    """Give the one port of a Service this targetPort."""
    ports = [{**UDP_ONLY[0], "targetPort": port}]
    backends.workspace.api.patch("Service", service.name, {"spec": {"ports": ports}}, service.namespace)


def select(backends, service, labels):
    """Have a Service select by exactly these labels."""
    gone = {key: None for key in service.service()["spec"]["selector"] if key not in labels}
    backends.workspace.api.patch("Service", service.name, {"spec": {"selector": gone | labels}}, service.namespace)


def ask(place, address, *, source_port=0):
    """Ask who is there by a datagram."""
    return place.udp(address, 80, "hostname", timeout_seconds=A_MOMENT, source_port=source_port)


def require_flow(place, address, source_port, name):
    """See that the flow from one port is answered by one server."""
    reply = ask(place, address, source_port=source_port)
    require(reply.received == name, f"an answer of {name} to port {source_port}", describe(reply), objects=[address])


def wait_until_flow_reaches(place, address, source_port, name, timeouts):
    """Return once the flow from one port is answered by this server."""
    eventually(
        lambda: require_flow(place, address, source_port, name),
        within_seconds=timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )


def wait_until_datagrams_reach(place, address, names, timeouts):
    """Return once new flows are answered by all of these servers, and by nobody else."""

    def all_answer():
        replies = [ask(place, address) for _ in range(max(IN_A_ROW, requests_needed(len(names))))]
        seen = {describe(reply) for reply in replies}
        require(seen == set(names), f"answers of {', '.join(names)}", ", ".join(sorted(seen)), objects=[address])

    eventually(all_answer, within_seconds=timeouts.rules_programmed)


def wait_until_unanswered(place, address, timeouts, *, source_port=0):
    """Return once the flow from one port, or else a new one, gets no answer, whether it is refused or not."""

    def unanswered():
        reply = ask(place, address, source_port=source_port)
        require(reply.failure, "no answer", describe(reply), objects=[address])

    eventually(unanswered, within_seconds=timeouts.rules_programmed)


def wait_until_refused(place, address, source_port, timeouts):
    """Return once the flow from one port is refused, which one datagram shows: the kernel sends few such words."""

    def refused():
        reply = ask(place, address, source_port=source_port)
        require(reply.failure is Failure.REFUSED, "a refusal", describe(reply), objects=[address])

    eventually(refused, within_seconds=timeouts.rules_programmed)


def describe(reply):
    """Who answered, or why nobody did."""
    return reply.received or str(reply.failure)
