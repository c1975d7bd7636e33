"""Services on the nodes' own addresses: NodePort, externalTrafficPolicy, the port for health checks.

A NodePort is a rule for packets to any address of the node (iptables: KUBE-NODEPORTS, the last of KUBE-SERVICES;
nftables: the map service-nodeports). With externalTrafficPolicy Cluster the node may send on to a pod of another node,
so it puts its own address in the place of the client's; with Local it keeps to its own pods and leaves the client's
address. What has no pod to go to is dropped under Local, and refused where no rule is left.
"""

from __future__ import annotations

import pytest

from netproof.check import CORE, EXTENDED, OWN, check, none_because
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

IN_A_ROW = 3
A_MOMENT = 1.0
HEALTHY, UNHEALTHY = 200, 503
NO_MUTANTS = none_because("nothing of a submission is looked at; the control is the same probe where it must fail")


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
            wait_until_served_by(place, url, backends.names, cluster.timeouts)

    backends.workspace.service("nodeport", {"app": "backend"}, target_port=8080, type="ClusterIP")
    for place in (lan, pod):
        for url in ports:
            wait_until_failing(place, url, cluster.timeouts, Failure.REFUSED)
    wait_until_served_by(pod, service.url("/hostname"), backends.names, cluster.timeouts)


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
        wait_until_served_by(lan, url_of_node(node, anywhere.node_port), backends.names, cluster.timeouts)
        require_source(lan, node, anywhere, lambda seen: seen != client, f"another address than the client's {client}")
        wait_until_served_by(lan, url_of_node(node, local.node_port), [name], cluster.timeouts)
        require_source(lan, node, local, lambda seen: seen == client, f"the client's address {client}")

    first, *others = cluster.spec.nodes
    wait_until_served_by(lan, url_of_node(first, first_only.node_port), backends.names[:1], cluster.timeouts)
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
    wait_until_served_by(cluster.node(inside.name), url, backends.names, cluster.timeouts)
    silent = cluster.node(outside.name).get(url, timeout_seconds=A_MOMENT)
    expect(silent, str(service)).to_fail_by(Failure.TIMEOUT)

    ranges = {"loadBalancerSourceRanges": [f"{inside.address}/32", f"{outside.address}/32"]}
    backends.workspace.api.patch("Service", service.name, {"spec": ranges}, service.namespace)
    wait_until_served_by(cluster.node(outside.name), url, backends.names, cluster.timeouts)


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


def wait_until_served_by(place, url, names, timeouts):
    """Return once all of these servers answered a place, and nobody else."""
    times = max(IN_A_ROW, requests_needed(len(names)))
    eventually(
        lambda: expect(place.get(url, times=times, timeout_seconds=A_MOMENT)).served_by(names),
        within_seconds=timeouts.rules_programmed,
    )


def wait_until_failing(place, url, timeouts, *kinds):
    """Return once requests fail in one of these ways."""
    eventually(
        lambda: expect(place.get(url, timeout_seconds=A_MOMENT)).to_fail_by(*kinds),
        within_seconds=timeouts.rules_programmed,
    )


def wait_for_status(place, url, status, timeouts):
    """Return once requests get this status code."""
    eventually(
        lambda: expect(place.get(url, timeout_seconds=A_MOMENT)).to_be(status), within_seconds=timeouts.rules_programmed
    )
