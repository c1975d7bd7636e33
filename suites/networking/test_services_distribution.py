"""Where a Service prefers to send its traffic: to servers of the client's zone, or of its node.

The mechanism: with ``trafficDistribution`` the controller of EndpointSlices writes a hint for each ready endpoint, its
zone and for PreferSameNode also its node. kube-proxy keeps to the endpoints with a hint for its own node or zone, but
only while there is one; the rule is ``CategorizeEndpoints`` in kubernetes/kubernetes, pkg/proxy/topology.go. So a
preference loses no traffic, unlike internalTrafficPolicy Local.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check
from netproof.observe.eventually import eventually, until_served_by
from netproof.observe.expectations import require
from netproof.observe.kubeproxy_facts import About, fact
from netproof.verdict import unsupported

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

ZONE, NODE = "forZones", "forNodes"
OLD_NAME, SAME_ZONE, SAME_NODE = "PreferClose", "PreferSameZone", "PreferSameNode"


@check(
    "services.traffic-distribution-zone",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="once the preference is taken back the servers of all zones answer on each node",
    mutants=["of the check: the Service is made without a preference"],
)
def test_traffic_stays_in_its_zone(backends, cluster):
    """With PreferSameZone a node's traffic stays in its zone, as with PreferClose, and leaves one without a server."""
    require_zones(cluster)
    names = [OLD_NAME, SAME_ZONE] if knows_same_zone_and_node(cluster) else [OLD_NAME]
    for name in names:
        service = backends.service(f"by-{name.lower()}", trafficDistribution=name)
        wait_for_hints(service, {node.zone for node in cluster.spec.nodes}, ZONE, cluster.timeouts)
        for node in cluster.spec.nodes:
            near = [server for server, at in servers(backends, cluster) if at.zone == node.zone]
            wait_until_served_by(cluster, node, service, near)
    see_it_leave_and_end(backends, cluster, service)


@check(
    "services.traffic-distribution-node",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="once the preference is taken back the servers of all nodes answer on each node",
    mutants=["of the check: the Service is made without a preference"],
)
def test_traffic_stays_on_its_node(backends, cluster):
    """With PreferSameNode a node's traffic stays on it, and leaves a node that has no server of the Service."""
    if not knows_same_zone_and_node(cluster):
        unsupported(f"{SAME_NODE} is not known to this version", enable="Kubernetes 1.34 or newer")
    service = backends.service("by-node", trafficDistribution=SAME_NODE)
    wait_for_hints(service, {node.name for node in cluster.spec.nodes}, NODE, cluster.timeouts)
    for name, node in servers(backends, cluster):
        wait_until_served_by(cluster, node, service, [name])
    see_it_leave_and_end(backends, cluster, service)


def see_it_leave_and_end(backends, cluster, service):
    """A preference gives way on the first node once the last has the only server, and ends when it is taken back."""
    first, far = cluster.spec.nodes[0], backends.names[first_elsewhere(cluster)]
    patch(backends, service, selector={"name": far})
    wait_until_served_by(cluster, first, service, [far])

    patch(backends, service, selector={"name": None}, trafficDistribution=None)
    for node in cluster.spec.nodes:
        wait_until_served_by(cluster, node, service, backends.names)


def first_elsewhere(cluster):
    """The position of the first node that is in another zone than the first, or else of the second."""
    nodes = cluster.spec.nodes
    return next((position for position, node in enumerate(nodes) if node.zone != nodes[0].zone), 1)


def require_zones(cluster):
    """Whether the nodes are in at least two zones, each in one, is what the cluster has or lacks."""
    zones = {node.zone for node in cluster.spec.nodes}
    if "" in zones or len(zones) < 2:
        unsupported("the nodes are not in two zones", enable="nodes with different labels topology.kubernetes.io/zone")


def knows_same_zone_and_node(cluster):
    """Whether the version knows PreferSameZone and PreferSameNode."""
    return fact(About.SAME_ZONE_AND_NODE, cluster.spec.proxy_mode, cluster.spec.kubernetes_version).answer == "known"


def servers(backends, cluster):
    """Each server's name, with the node that it is on."""
    return list(zip(backends.names, cluster.spec.nodes, strict=True))


def patch(backends, service, **spec):
    """Change fields of the spec of a Service."""
    backends.workspace.api.patch("Service", service.name, {"spec": spec}, service.namespace)


def wait_until_served_by(cluster, node, service, names):
    """Return once these servers, and nobody else, answer on a node."""
    url = service.url("/hostname")
    until_served_by(cluster.node(node.name), url, names, within_seconds=cluster.timeouts.rules_programmed)


def wait_for_hints(service, wanted, kind, timeouts):
    """Return once the hints of a Service's endpoints are for these zones or nodes, and each endpoint has one."""

    def found():
        endpoints = service.endpoints()
        hinted = [{one["name"] for one in end.get("hints", {}).get(kind) or ()} for end in endpoints]
        met = hinted and all(hinted) and set().union(*hinted) == wanted
        require(met, f"each endpoint with a hint, {kind} {', '.join(sorted(wanted))}", hinted, objects=[str(service)])

    eventually(found, within_seconds=timeouts.rules_programmed)
