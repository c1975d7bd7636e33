"""Services on the nodes' own addresses: NodePort, externalTrafficPolicy, the port for health checks.

A NodePort is a rule for packets to any address of the node (iptables: KUBE-NODEPORTS, the last of KUBE-SERVICES;
nftables: the map service-nodeports). With externalTrafficPolicy Cluster the node may send on to a pod of another node,
so it puts its own address in the place of the client's; with Local it keeps to its own pods and leaves the client's
address. What has no pod to go to is dropped under Local, and refused where no rule is left. An external address
(externalIPs) is no node's own either: whoever is outside must have a route to it by a node.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from netproof.check import CORE, EXTENDED, OWN, check
from netproof.fixtures.backends import HTTP_PORT, UDP_PORT
from netproof.fixtures.workspace import agnhost_pod, refused
from netproof.observe.eventually import eventually, until_failing, until_served_by
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed
from netproof.verdict import unsupported

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

IN_A_ROW = 3
A_MOMENT = 1.0
HEALTHY, UNHEALTHY = 200, 503
HOST_PORT = 54321
EXTERNAL, ANOTHER = "192.0.2.20", "192.0.2.21"  # of a range for documentation, so nobody's


@check(
    "services.nodeport",
    subject=OWN,
    level=CORE,
    control="once its type is ClusterIP the same port is refused on every node, and its ClusterIP answers on",
    mutants=["of the check: the type stays NodePort"],
)
def test_a_nodeport_answers_on_every_node(backends, cluster, lan, pod):
    """A NodePort leads to all pods from each node's address: for the LAN, for the nodes and for a pod."""
    service = backends.service("nodeport", type="NodePort")
    ports = [url_of_node(node, service.node_port) for node in cluster.spec.nodes]
    for place in (lan, *cluster.nodes(), pod):
        for url in ports:
            until_served_by(place, url, backends.names, within_seconds=cluster.timeouts.rules_programmed)

    backends.workspace.service("nodeport", {"app": "backend"}, target_port=8080, type="ClusterIP")
    for place in (lan, pod):
        for url in ports:
            until_failing(place, url, Failure.REFUSED, within_seconds=cluster.timeouts.rules_programmed)
    until_served_by(pod, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed)


@check(
    "services.session-affinity-switched",
    subject=OWN,
    level=CORE,
    control="before it is switched on, and after it is switched off, all servers answer the same client",
    mutants=["of the check: it is not switched on; it is not switched off"],
)
def test_session_affinity_is_switched_on_and_off(backends, cluster, lan, pod):
    """Session affinity holds for a NodePort as for the ClusterIP, and for as long as the Service asks for it."""
    service = backends.service("affinity-switched", type="NodePort")
    ways = [
        (pod, service.url("/hostname")),
        *((lan, url_of_node(node, service.node_port)) for node in cluster.spec.nodes),
    ]
    for place, url in ways:
        until_served_by(place, url, backends.names, within_seconds=cluster.timeouts.rules_programmed)

    for affinity, wait in (("ClientIP", until_served_by_one), ("None", until_served_by)):
        spec = {"sessionAffinity": affinity, "sessionAffinityConfig": None}
        backends.workspace.api.patch("Service", service.name, {"spec": spec}, service.namespace)
        for place, url in ways:
            wait(place, url, backends.names, within_seconds=cluster.timeouts.rules_programmed)


@check(
    "services.host-port",
    subject=OWN,
    level=CORE,
    control="the port at which the server itself listens is refused at the node",
    mutants=["of the check: the second pod has the protocol of the first, and is never scheduled"],
)
def test_pods_share_a_host_port_by_protocol(workspace, cluster, lan):
    """Two pods of a node may have one hostPort, one for TCP and one for UDP, and the LAN reaches each at the node."""
    node = cluster.spec.nodes[0]
    for name, protocol, target in (("by-tcp", "TCP", HTTP_PORT), ("by-udp", "UDP", UDP_PORT)):
        workspace.apply(server_at_host_port(name, protocol, target, node))
    for name in ("by-tcp", "by-udp"):
        workspace.wait_ready(name)
    until_served_by(lan, url_of_node(node, HOST_PORT), ["by-tcp"], within_seconds=cluster.timeouts.rules_programmed)
    eventually(lambda: require_answer_by_udp(lan, node), within_seconds=cluster.timeouts.rules_programmed)
    expect(lan.get(url_of_node(node, HTTP_PORT), timeout_seconds=A_MOMENT)).to_fail_by(Failure.REFUSED)


@check(
    "services.external-traffic-policy-local",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="with the policy Cluster each node answers with the pods of all, which see a node's address",
    mutants=["of the check: the policy is Cluster"],
)
def test_the_external_policy_local_keeps_the_clients_address(backends, cluster, lan):
    """With externalTrafficPolicy Local a node answers the LAN by its own pods, which see the client, or not at all."""
    local = backends.service("external-local", type="NodePort", externalTrafficPolicy="Local")
    first_only = backends.service(
        "external-first", {"name": backends.names[0]}, type="NodePort", externalTrafficPolicy="Local"
    )
    anywhere = backends.service("external-cluster", type="NodePort")
    client = cluster.spec.lan_address
    for node, name in zip(cluster.spec.nodes, backends.names, strict=True):
        until_served_by(
            lan, url_of_node(node, anywhere.node_port), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )
        require_source(lan, node, anywhere, lambda seen: seen != client, f"another address than the client's {client}")
        until_served_by(
            lan, url_of_node(node, local.node_port), [name], within_seconds=cluster.timeouts.rules_programmed
        )
        require_source(lan, node, local, lambda seen: seen == client, f"the client's address {client}")

    first, *others = cluster.spec.nodes
    until_served_by(
        lan,
        url_of_node(first, first_only.node_port),
        backends.names[:1],
        within_seconds=cluster.timeouts.rules_programmed,
    )
    for node in others:
        silent = lan.get(url_of_node(node, first_only.node_port), timeout_seconds=A_MOMENT)
        expect(silent, str(first_only)).to_fail_by(Failure.TIMEOUT)


@check(
    "services.health-check-node-port",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="a node without a pod of the Service answers 503, until it has one",
    mutants=["of the check: the selector stays as it was"],
)
def test_the_health_check_port_says_which_nodes_have_pods(backends, cluster, lan):
    """The healthCheckNodePort of a Service answers 200 on the nodes that have a ready pod of it, and 503 on others."""
    service = backends.service(
        "health-check",
        {"name": backends.names[0]},
        type="LoadBalancer",
        externalTrafficPolicy="Local",
        loadBalancerClass="netproof.example/nobodys",  # so that no load balancer of the cluster takes it
    )
    port = service.service()["spec"]["healthCheckNodePort"]
    for index, name in enumerate(backends.names):
        backends.workspace.api.patch("Service", service.name, {"spec": {"selector": {"name": name}}}, service.namespace)
        for at, node in enumerate(cluster.spec.nodes):
            wanted = HEALTHY if at == index else UNHEALTHY
            wait_for_status(lan, f"http://{node.address}:{port}/", wanted, cluster.timeouts)


@check(
    "services.load-balancer-source-ranges",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="a node whose address is not in the range gets no answer, and answers once it is",
    mutants=["of the check: the range is that of all nodes from the start"],
)
def test_only_the_source_ranges_reach_a_load_balancer(backends, cluster):
    """The addresses in loadBalancerSourceRanges reach a LoadBalancer's address, and all others meet silence."""
    inside, outside = cluster.spec.nodes[:2]
    address = "192.0.2.10"  # of a range for documentation, so nobody's; a packet to it meets kube-proxy's rules first
    service = backends.service(
        "source-ranges",
        type="LoadBalancer",
        loadBalancerClass="netproof.example/nobodys",
        loadBalancerSourceRanges=[f"{inside.address}/32"],
    )
    give_address(backends, service, address)
    url = f"http://{address}/hostname"
    until_served_by(cluster.node(inside.name), url, backends.names, within_seconds=cluster.timeouts.rules_programmed)
    silent = cluster.node(outside.name).get(url, timeout_seconds=A_MOMENT)
    expect(silent, str(service)).to_fail_by(Failure.TIMEOUT)

    ranges = {"loadBalancerSourceRanges": [f"{inside.address}/32", f"{outside.address}/32"]}
    backends.workspace.api.patch("Service", service.name, {"spec": ranges}, service.namespace)
    until_served_by(cluster.node(outside.name), url, backends.names, within_seconds=cluster.timeouts.rules_programmed)


@check(
    "services.external-ips",
    subject=OWN,
    level=EXTENDED,
    control="another address with the same route answers nobody, and so does the Service's once it is taken from it",
    mutants=["of the check: the Service has the other address; it keeps its own"],
)
def test_an_external_address_leads_to_the_service(backends, cluster, lan, pod):
    """What comes to a node for one of a Service's externalIPs is led to its servers: from the LAN, a node and a pod."""
    refusal = refused(lambda: backends.service("external-ips", externalIPs=[EXTERNAL]))
    if refusal:
        unsupported(f"externalIPs are refused: {refusal}", enable="no admission plugin DenyServiceExternalIPs")
    places = (lan, *cluster.nodes(), pod)
    with route(lan, f"{EXTERNAL}/31", cluster.spec.nodes[0].address):
        for place in places:
            until_served_by(
                place, external_url(EXTERNAL), backends.names, within_seconds=cluster.timeouts.rules_programmed
            )
            expect(place.get(external_url(ANOTHER), timeout_seconds=A_MOMENT)).to_fail_by()

        backends.workspace.api.patch(
            "Service", "external-ips", {"spec": {"externalIPs": None}}, backends.workspace.namespace
        )
        for place in places:
            until_failing(place, external_url(EXTERNAL), within_seconds=cluster.timeouts.rules_programmed)


@contextmanager
def route(place, destination, gateway):
    """Have a place send to a destination by a gateway, until the end of the block."""
    way = (destination, "via", gateway)
    made = place.run(["ip", "route", "replace", *way])
    assert made.ok, f"expected a route by {gateway} on {place.name}, observed {made.stderr}"
    try:
        yield
    finally:
        place.run(["ip", "route", "del", *way])


def external_url(address):
    """The address of the servers' name at an external address."""
    return f"http://{address}/hostname"


def server_at_host_port(name, protocol, target, node):
    """A pod that answers with its name at a port of its node."""
    arguments = (f"--http-port={HTTP_PORT}", f"--udp-port={UDP_PORT}")
    pod = agnhost_pod(name, "netexec", *arguments, nodeSelector={"kubernetes.io/hostname": node.name})
    ports = [{"protocol": protocol, "containerPort": target, "hostPort": HOST_PORT}]
    pod["spec"]["containers"][0]["ports"] = ports
    return pod


def require_answer_by_udp(client, node):
    """Ask by UDP at the node's port for the name of who answers; a pod counts as Ready before its server listens."""
    reply = client.udp(node.address, HOST_PORT, "hostname", timeout_seconds=A_MOMENT)
    require(reply.received == "by-udp", "an answer of by-udp", reply.received or reply.failure, objects=["Pod by-udp"])


def url_of_node(node, port, path="/hostname"):
    """The address of a path at a node's own address."""
    return f"http://{node.address}:{port}{path}"


def give_address(backends, service, address):
    """Do the part of a load balancer: say at which address the Service is to be had."""
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    backends.workspace.api.patch("Service", service.name, status, service.namespace, subresource="status")


def require_source(client, node, service, met, expected):
    """See from which address a server thinks that a client comes, through a node's port."""
    replies = client.get(url_of_node(node, service.node_port, "/clientip"))
    expect(replies, str(service)).to_be(200)
    seen = replies[0].body.rpartition(":")[0]
    require(met(seen), expected, seen, objects=[str(service)])


def until_served_by_one(place, url, names, *, within_seconds):
    """Return once one of these servers alone answers a place."""

    def one_answers():
        replies = place.get(url, times=max(IN_A_ROW, requests_needed(len(names))), timeout_seconds=A_MOMENT)
        expect(replies).served_only_by(names)
        seen = replies.served_by()
        require(len(seen) == 1, f"one server for {place.name}", dict(seen), objects=[url])

    eventually(one_answers, within_seconds=within_seconds)


def wait_for_status(place, url, status, timeouts):
    """Return once requests get this status code."""
    eventually(
        lambda: expect(place.get(url, timeout_seconds=A_MOMENT)).to_be(status), within_seconds=timeouts.rules_programmed
    )
