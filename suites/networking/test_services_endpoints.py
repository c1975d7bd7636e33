"""What stands behind a Service: several ports, EndpointSlices, endpoints that end; and what a Service may become."""

from __future__ import annotations

import pytest

from netproof.check import CORE, EXTENDED, OWN, check
from netproof.fixtures.backends import ALL, HTTP_PORT, OTHER_PORT
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually, until_failing, until_served_by
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.services.service import endpoint_slice_manifest

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

A_MOMENT = 1.0
IN_A_ROW = 3
DISCOVERY = "discovery.k8s.io/v1"
SECOND = 81
OUTSIDE = "outside.example."
TWO_PORTS = [
    {"name": "http", "protocol": "TCP", "port": 80, "targetPort": HTTP_PORT},
    {"name": "other", "protocol": "TCP", "port": SECOND, "targetPort": OTHER_PORT},
]
SHORT_LIVED = {"app": "short-lived"}
PATIENCE = 30
"""How many seconds a pod of ours may take to end; it is ended for good long before."""


@check(
    "services.multi-port",
    subject=OWN,
    level=CORE,
    control="a port that is taken from the Service answers nobody, and the one that is left answers on",
    mutants=["of the check: both ports have the same targetPort; the second port stays"],
)
def test_each_port_leads_to_its_own_target(backends, cluster, node, pod):
    """Each port of a Service leads to its own targetPort; ports come and go without the others."""
    service = backends.service("multi-port", ports=TWO_PORTS)
    for place in (node, pod):
        until_served_by(
            place, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )
        wait_for_body(place, service.url("/", SECOND), "other", cluster.timeouts)

    backends.workspace.api.patch("Service", service.name, {"spec": {"ports": TWO_PORTS[:1]}}, service.namespace)
    for place in (node, pod):
        until_failing(place, service.url("/", SECOND), within_seconds=cluster.timeouts.rules_programmed)
        until_served_by(
            place, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )

    backends.workspace.api.patch("Service", service.name, {"spec": {"ports": TWO_PORTS}}, service.namespace)
    for place in (node, pod):
        wait_for_body(place, service.url("/", SECOND), "other", cluster.timeouts)


@check(
    "services.endpoint-slices-by-hand",
    subject=OWN,
    level=CORE,
    control="without an EndpointSlice the Service refuses, before and after",
    mutants=["of the check: the slice names another Service; an endpoint of it is not ready"],
)
def test_endpoint_slices_written_by_hand_are_the_endpoints(backends, cluster, node, pod):
    """A Service without a selector sends to what all of its EndpointSlices say, whoever wrote them."""
    service = backends.service("by-hand", {})
    slices = [
        endpoint_slice_manifest(service.name, [address], HTTP_PORT) | {"metadata": metadata_of_slice(service, number)}
        for number, address in enumerate(backends.addresses)
    ]
    for place in (node, pod):
        until_failing(
            place, service.url("/hostname"), Failure.REFUSED, within_seconds=cluster.timeouts.rules_programmed
        )

    for one in slices:
        backends.apply(one)
    for place in (node, pod):
        until_served_by(
            place, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed
        )

    for left in reversed(range(len(slices))):
        gone = slices[left]["metadata"]["name"]
        backends.workspace.api.delete("EndpointSlice", gone, service.namespace, api_version=DISCOVERY)
        for place in (node, pod):
            if left:
                until_served_by(
                    place,
                    service.url("/hostname"),
                    backends.names[:left],
                    within_seconds=cluster.timeouts.rules_programmed,
                )
            else:
                until_failing(
                    place, service.url("/hostname"), Failure.REFUSED, within_seconds=cluster.timeouts.rules_programmed
                )


@check(
    "services.terminating-fallback",
    subject=OWN,
    level=EXTENDED,
    control="as soon as another pod is ready, the one that ends gets nothing more",
    mutants=["of the check: the pod that ends stops serving at once", "of the check: no other pod becomes ready"],
)
def test_a_pod_that_ends_serves_while_there_is_no_other(workspace, cluster, lan, node):
    """While no endpoint is ready, one that ends and serves on gets all, from inside and outside, by either policy."""
    first, *others = cluster.spec.nodes
    ending = short_lived("ending", first, f"--delay-shutdown={PATIENCE}", terminationGracePeriodSeconds=PATIENCE)
    workspace.run_pod(ending)
    local, anywhere = ways = [
        ways_by_policy(workspace, first, policy, inside=node, outside=lan) for policy in ("Local", "Cluster")
    ]
    for way in ways:
        wait_until_way_leads_to(way, ["ending"], cluster.timeouts)

    workspace.api.delete("Pod", "ending", workspace.namespace)
    eventually(lambda: require_terminating(local[0]), within_seconds=cluster.timeouts.rules_programmed)
    for way in ways:
        wait_until_way_leads_to(way, ["ending"], cluster.timeouts)

    ready = []
    if others:  # Local looks at the node's own endpoints alone, so a ready one elsewhere changes nothing for it
        workspace.run_pod(short_lived("elsewhere", others[0]))
        ready = ["elsewhere"]
        wait_until_way_leads_to(anywhere, ready, cluster.timeouts)
        wait_until_way_leads_to(local, ["ending"], cluster.timeouts)
    workspace.run_pod(short_lived("fresh", first))
    wait_until_way_leads_to(local, ["fresh"], cluster.timeouts)
    wait_until_way_leads_to(anywhere, [*ready, "fresh"], cluster.timeouts)
    require("deletionTimestamp" in workspace.pod("ending")["metadata"], "the pod ending still there", "it is gone")
    workspace.api.delete("Pod", "ending", workspace.namespace, grace_seconds=0)


@check(
    "services.type-changes",
    subject=OWN,
    level=CORE,
    control="as a name for something outside the Service has no address, and its former address answers nobody",
    mutants=["of the check: the type is not changed"],
)
def test_a_service_changes_its_type(backends, cluster, lan, pod):
    """From ExternalName to ClusterIP, to NodePort and back: its name resolves, and it serves, as each type says."""
    service = backends.service("changing", {}, type="ExternalName", externalName=OUTSIDE, ports=None)
    name = f"{service.name}.{service.namespace}.svc.{cluster.spec.dns_domain}"
    wait_for_records(cluster, pod, name, "CNAME", (OUTSIDE,))

    change(backends, service, type="ClusterIP", externalName=None)
    address = service.cluster_ip
    wait_for_records(cluster, pod, name, "A", (address,))
    until_served_by(pod, service.url("/hostname"), backends.names, within_seconds=cluster.timeouts.rules_programmed)

    change(backends, service, type="NodePort")
    on_a_node = f"http://{cluster.spec.nodes[0].address}:{service.node_port}/hostname"
    until_served_by(lan, on_a_node, backends.names, within_seconds=cluster.timeouts.rules_programmed)
    require(service.cluster_ip == address, f"the address {address} still", service.cluster_ip, objects=[str(service)])

    change(backends, service, type="ExternalName", externalName=OUTSIDE, clusterIP=None, clusterIPs=None)
    wait_for_records(cluster, pod, name, "CNAME", (OUTSIDE,))
    until_failing(lan, on_a_node, Failure.REFUSED, within_seconds=cluster.timeouts.rules_programmed)
    until_failing(pod, f"http://{address}/hostname", within_seconds=cluster.timeouts.rules_programmed)


def change(backends, service, **spec):
    """Change the spec of a Service, with its selector and port wherever it may have them."""
    external = spec["type"] == "ExternalName"
    served = {"selector": ALL, "ports": [{"protocol": "TCP", "port": 80, "targetPort": HTTP_PORT}]}
    patch = {"spec": (dict.fromkeys(served) if external else served) | spec}
    backends.workspace.api.patch("Service", service.name, patch, service.namespace)


def metadata_of_slice(service, number):
    """Name and owner of one of a Service's slices."""
    return {"name": f"{service.name}-{number}", "labels": {"kubernetes.io/service-name": service.name}}


def short_lived(name, node, *arguments, **spec):
    """A pod on a node that answers with its name."""
    arguments = ("netexec", f"--http-port={HTTP_PORT}", *arguments)
    return agnhost_pod(name, *arguments, labels=SHORT_LIVED, nodeName=node.name, **spec)


def ways_by_policy(workspace, node, policy, *, inside, outside):
    """A Service with one policy for traffic from inside and outside, and where each goes to."""
    name = f"policy-{policy.lower()}"
    policies = {"internalTrafficPolicy": policy, "externalTrafficPolicy": policy}
    service = workspace.service(name, SHORT_LIVED, target_port=HTTP_PORT, type="NodePort", **policies)
    at_node = f"http://{node.address}:{service.node_port}/hostname"
    return service, ((inside, service.url("/hostname")), (outside, at_node))


def wait_until_way_leads_to(way, names, timeouts):
    """Return once these pods, and nobody else, answer by a Service, from inside and from outside."""
    _, places = way
    for place, url in places:
        until_served_by(place, url, names, within_seconds=timeouts.rules_programmed)


def require_terminating(service):
    """See that the API calls the one endpoint of a Service terminating, serving and not ready."""
    seen = [endpoint["conditions"] for endpoint in service.endpoints()]
    wanted = {"ready": False, "serving": True, "terminating": True}
    require(seen == [wanted], f"one endpoint, {wanted}", seen, objects=[str(service)])


def wait_for_records(cluster, place, name, record_type, wanted):
    """Return once cluster DNS gives a name exactly these records of this type."""

    def found():
        answer = place.resolve(name, record_type, server=cluster.spec.dns_address)
        records = answer.data(record_type)
        require(records == wanted, f"{record_type} {', '.join(wanted)}", answer, objects=[name])

    eventually(found, within_seconds=cluster.timeouts.rules_programmed)


def wait_for_body(place, url, body, timeouts):
    """Return once an address answers with this body."""

    def answered():
        replies = place.get(url, timeout_seconds=A_MOMENT)
        expect(replies).to_be(200)
        require(replies[0].body.strip() == body, f"the body {body!r}", replies[0].body, objects=[url])

    eventually(answered, within_seconds=timeouts.rules_programmed)
