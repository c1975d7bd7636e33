"""What Services do beyond the homework, with objects of our own: agnhost's ``netexec`` behind a Service.

A Service is judged once kube-proxy knows all of it. Where that cannot be seen by the Service itself, another that was
made later shows it: kube-proxy is told of Services, and of EndpointSlices, in the order in which they changed.
"""

from __future__ import annotations

import pytest

from netproof.check import CORE, EXTENDED, OWN, check
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually, until_reply
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed
from netproof.workloads.workload import is_ready

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

SERVERS = {"app": "server"}
PORT = 8080
HOSTNAME = "/hostname"
CLIENT_ADDRESS = "/clientip"
IN_A_ROW = 3


@check(
    "services.no-endpoints-refused",
    subject=OWN,
    level=EXTENDED,
    control="with one endpoint it answers, and without it refuses again",
    mutants=["of the check: the Service selects a pod that is not deleted"],
)
def test_a_service_without_endpoints_refuses(workspace, cluster, pod):
    """A Service without endpoints refuses connections at once, from a node and from a pod, and not by silence."""
    service, places = workspace.service("served", SERVERS, target_port=PORT), (*cluster.nodes(), pod)
    for place in places:
        wait_until_refusing(place, service, cluster.timeouts)

    run_servers(workspace, server("one"))
    for place in places:
        wait_until_answering(place, service, ["one"], cluster.timeouts)

    workspace.api.delete("Pod", "one", workspace.namespace)
    for place in places:
        wait_until_refusing(place, service, cluster.timeouts)


@check(
    "services.hairpin",
    subject=OWN,
    level=EXTENDED,
    control="another pod is seen by its own address, without masquerading",
    mutants=["of the check: the pod asks at its own address in place of the Service's"],
)
def test_a_pod_reaches_itself_through_its_service(workspace, cluster):
    """A pod gets an answer from itself through its own Service, and sees itself come from another address."""
    (one,) = run_servers(workspace, server("one"))
    itself, another = cluster.pod(one), cluster.pod(workspace.run_pod(agnhost_pod("another", "pause")))
    service = workspace.service("served", SERVERS, target_port=PORT)
    for place in (itself, another):
        wait_until_answering(place, service, ["one"], cluster.timeouts)

    own = one["status"]["podIP"]
    seen = source_of(itself, service)
    require(seen != own, f"a source other than the pod's own {own}", seen, objects=[str(service)])
    own = workspace.pod("another")["status"]["podIP"]
    seen = source_of(another, service)
    require(seen == own, f"the other pod's own address {own}", seen, objects=[str(service)])


@check(
    "services.named-target-port",
    subject=OWN,
    level=EXTENDED,
    control="a Service that gives the port as a number reaches only the pod that listens on it",
    mutants=["of the check: both pods listen on the same port"],
)
def test_a_named_target_port_is_each_pods_own(workspace, cluster, node):
    """A targetPort by name leads to the port that each pod calls so, though their numbers differ."""
    run_servers(workspace, server("one", port=PORT), server("two", port=PORT + 1))
    by_name = workspace.service("by-name", SERVERS, target_port="http")
    by_number = workspace.service("by-number", SERVERS, target_port=PORT)
    wait_until_answering(node, by_name, ["one", "two"], cluster.timeouts)

    until_reply(node, by_number.url(HOSTNAME), within_seconds=cluster.timeouts.rules_programmed)

    def only_one_answers():
        replies = node.get(by_number.url(HOSTNAME), times=requests_needed(2))
        refused = replies.failure_kinds.keys() == {Failure.REFUSED}
        met = refused and replies.served_by().keys() == {"one"}
        require(met, "replies from the pod one, and refusals from the other", replies, objects=[str(by_number)])

    eventually(only_one_answers, within_seconds=cluster.timeouts.rules_programmed)


@check(
    "services.session-affinity",
    subject=OWN,
    level=CORE,
    control="the same pods without affinity all answer the same client",
    mutants=["of the check: the Service has no affinity"],
)
def test_a_client_comes_back_to_its_pod(workspace, cluster, pod):
    """With sessionAffinity ClientIP all requests of a client, from each node and from a pod, go to one pod."""
    names = ["one", "two", "three"]
    run_servers(workspace, *map(server, names))
    with_affinity = workspace.service("with-affinity", SERVERS, target_port=PORT, sessionAffinity="ClientIP")
    wait_for_endpoints(with_affinity, len(names), cluster.timeouts)
    without = workspace.service("without", SERVERS, target_port=PORT)
    for place in (*cluster.nodes(), pod):
        wait_until_answering(place, without, names, cluster.timeouts)
        replies = place.get(with_affinity.url(HOSTNAME), times=requests_needed(len(names)))
        expect(replies, str(with_affinity)).served_only_by(names)
        served_by = replies.served_by()
        require(len(served_by) == 1, f"one pod for {place.name}", dict(served_by), objects=[str(with_affinity)])


@check(
    "services.publish-not-ready",
    subject=OWN,
    level=EXTENDED,
    control="without publishNotReadyAddresses the same pod gets nothing",
    mutants=["of the check: publishNotReadyAddresses is false"],
)
def test_a_service_may_publish_pods_that_are_not_ready(workspace, cluster, node):
    """With publishNotReadyAddresses a pod that is not ready gets the Service's requests."""
    unready = server("unready")
    unready["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": PORT + 1}}
    workspace.apply(unready)
    ready_only = workspace.service("ready-only", SERVERS, target_port=PORT)
    published = workspace.service("published", SERVERS, target_port=PORT, publishNotReadyAddresses=True)
    until_reply(node, published.url(HOSTNAME), within_seconds=cluster.timeouts.pod_ready)
    eventually(
        lambda: expect(node.get(published.url(HOSTNAME)), str(published)).served_by(["unready"]),
        within_seconds=cluster.timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )
    expect(node.get(ready_only.url(HOSTNAME)), str(ready_only)).to_fail_by(Failure.REFUSED)
    require(not is_ready(workspace.pod("unready")), "a pod that is not Ready", "it is", objects=["Pod unready"])


@check(
    "services.internal-traffic-policy-local",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="with the policy Cluster the pods of all nodes answer on each node",
    mutants=["of the check: the policy is Cluster"],
)
def test_the_policy_local_keeps_traffic_on_the_node(workspace, cluster):
    """With internalTrafficPolicy Local each node's own pod answers there, and nobody on a node that has none."""
    nodes = cluster.nodes()
    names = [f"on-{node.name}" for node in nodes]
    run_servers(workspace, *(server(f"on-{node.name}", nodeName=node.name) for node in nodes))
    local = workspace.service("local", SERVERS, target_port=PORT, internalTrafficPolicy="Local")
    only_first = workspace.service("only-first", {"name": names[0]}, target_port=PORT, internalTrafficPolicy="Local")
    wait_for_endpoints(local, len(nodes), cluster.timeouts)
    wait_for_endpoints(only_first, 1, cluster.timeouts)
    anywhere = workspace.service("anywhere", SERVERS, target_port=PORT)
    for node, name in zip(nodes, names, strict=True):
        wait_until_answering(node, anywhere, names, cluster.timeouts)
        replies = node.get(local.url(HOSTNAME), times=requests_needed(len(nodes)))
        expect(replies, str(local)).served_by([name])
    first, *others = nodes
    expect(first.get(only_first.url(HOSTNAME)), str(only_first)).served_by(names[:1])
    for node in others:
        expect(node.get(only_first.url(HOSTNAME), timeout_seconds=1), str(only_first)).to_fail_by()


@check(
    "services.recreated-same-address",
    subject=OWN,
    level=EXTENDED,
    control="between the two the address answers nobody",
    mutants=["of the check: the Service is not deleted"],
)
def test_a_service_comes_back_with_its_address(workspace, cluster, node, pod):
    """A Service that is deleted and made again with the same ClusterIP answers there again."""
    run_servers(workspace, server("one"))
    service = workspace.service("served", SERVERS, target_port=PORT)
    address, url = service.cluster_ip, service.url(HOSTNAME)
    for place in (node, pod):
        wait_until_answering(place, service, ["one"], cluster.timeouts)

    workspace.api.delete("Service", service.name, workspace.namespace)
    for place in (node, pod):
        eventually(
            lambda here=place: expect(here.get(url, timeout_seconds=1), address).to_fail_by(),
            within_seconds=cluster.timeouts.rules_programmed,
        )

    again = workspace.service("served", SERVERS, target_port=PORT, clusterIP=address)
    require(again.cluster_ip == address, f"the address {address} again", again.cluster_ip, objects=[str(again)])
    for place in (node, pod):
        wait_until_answering(place, again, ["one"], cluster.timeouts)


def server(name, *, port=PORT, **spec):
    """A pod that answers with its name on ``/hostname``, on a port that it calls ``http``."""
    pod = agnhost_pod(name, "netexec", f"--http-port={port}", labels={**SERVERS, "name": name}, **spec)
    pod["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": port}]
    return pod


def run_servers(workspace, *pods):
    """Apply pods together; they are returned once all are Ready."""
    for one in pods:
        workspace.apply(one)
    return [workspace.wait_ready(one["metadata"]["name"]) for one in pods]


def wait_until_answering(place, service, names, timeouts):
    """Return once as many requests as reach every pod but for a false alarm were answered by each, and nobody else."""
    url, times = service.url(HOSTNAME), max(IN_A_ROW, requests_needed(len(names)))
    until_reply(place, url, within_seconds=timeouts.rules_programmed)
    eventually(
        lambda: expect(place.get(url, times=times), str(service)).served_by(names),
        within_seconds=timeouts.rules_programmed,
    )


def wait_until_refusing(place, service, timeouts):
    """Return once a connection to a Service is refused, also where a pod of it has still to end."""
    url = service.url(HOSTNAME)
    eventually(
        lambda: expect(place.get(url, timeout_seconds=1), str(service)).to_fail_by(Failure.REFUSED),
        within_seconds=timeouts.deletion + timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )


def wait_for_endpoints(service, count, timeouts):
    """Return once the API gives a Service so many ready endpoints."""

    def found():
        endpoints = service.ready_endpoints()
        require(len(endpoints) == count, f"{count} ready endpoints", sorted(endpoints), objects=[str(service)])

    eventually(found, within_seconds=timeouts.rules_programmed)


def source_of(client, service):
    """The address from which a server sees a client come."""
    replies = client.get(service.url(CLIENT_ADDRESS))
    expect(replies, str(service)).to_be(200)
    return replies[0].body.rpartition(":")[0]
