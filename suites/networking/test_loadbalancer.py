"""LoadBalancer Services: MetalLB gives one an address of the LAN, and a node answers for it there.

The mechanism, in layer 2 mode: MetalLB's controller writes an address of a pool into the Service's status. No interface
gets it. Of the nodes' speakers one is chosen to answer ARP requests for it with its node's own MAC address (RFC 826).
So packets for it arrive at that node, where kube-proxy's rules for the Service's external address take them to a pod.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from netproof.addons.metallb import NAMESPACE as METALLB
from netproof.check import OWN, SUBMISSION, check
from netproof.observe.announcers import announcer, arp_owners
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.services.address_pools import pools_of
from netproof.services.load_balancer import ALLOCATED, EVENT_LIFETIME_SECONDS, NODE_ASSIGNED, LoadBalancer, age_seconds
from netproof.workloads.workload import is_ready

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PAGE = "/index.html"
IN_A_ROW = 3
ADDRESS_OF_NO_POOL = "192.0.2.1"
CONTROLLER, SPEAKER = ({"app": "metallb", "component": component} for component in ("controller", "speaker"))


@check(
    "lb.metallb-running",
    subject=OWN,
    control="a DaemonSet that no node may run is found to run on none of them",
    mutants=["of the check: the speakers may not run on the last node"],
)
@pytest.mark.usefixtures("metallb")
def test_metallb_runs(cluster, workspace):
    """MetalLB's controller runs and is Ready, and so does one speaker on each node."""
    nodes = sorted(node.name for node in cluster.spec.nodes)

    def all_run():
        found = nodes_that_run(cluster.api, METALLB, CONTROLLER)
        require(len(found) == 1, "one controller Running and Ready", f"on {found or 'no node'}", objects=[METALLB])
        found = nodes_that_run(cluster.api, METALLB, SPEAKER)
        require(found == nodes, f"a speaker Running and Ready on {nodes}", f"on {found or 'no node'}")

    eventually(all_run, within_seconds=cluster.timeouts.pod_ready)

    nowhere = {"app": "nowhere"}
    workspace.apply(daemon_set_of_no_node(nowhere))
    found = nodes_that_run(cluster.api, workspace.namespace, nowhere)
    require(not found, "no node that runs it", f"on {found}", objects=[workspace.namespace])


@check(
    "lb.pool-address",
    subject=SUBMISSION,
    needs=["lb.metallb-running"],
    control="a Service that asks for an address of no pool stays without one, and an event says why",
    mutants=["lb-pool-outside-lan", "lb-no-pool"],
)
def test_the_service_has_an_address_of_the_pool(metallb, web_svc_lb_manifest, web_svc_lb, cluster, workspace):
    """web-svc-lb has the first address of the pool, which is in the LAN; an event and the controller's log say so."""
    metallb.require(web_svc_lb_manifest)
    objects = [str(web_svc_lb)]
    pools = [pool for pool in pools_of(cluster.api, METALLB) if pool.auto_assign]
    require(pools, "a pool of addresses", f"none in the namespace {METALLB}", objects=objects)
    address = web_svc_lb.wait_address(cluster.timeouts)
    wanted = expected_addresses(web_svc_lb, pools)
    require(address in wanted, f"the first address of the pool: {' or '.join(wanted)}", address, objects=objects)
    lan = cluster.spec.lan_cidr
    require(ip_address(address) in ip_network(lan), f"an address of the LAN {lan}", address, objects=objects)
    if age_seconds(web_svc_lb.service()) < EVENT_LIFETIME_SECONDS:
        said = web_svc_lb.messages(ALLOCATED)
        require(any(quoted(address) in one for one in said), f"{ALLOCATED} of {address}", said, objects=objects)
    require_logged(cluster.api, web_svc_lb, address)

    wish = {"type": "LoadBalancer", "loadBalancerIP": ADDRESS_OF_NO_POOL}
    service = workspace.service("of-no-pool", {"app": "nobody"}, target_port=80, **wish)
    pending = LoadBalancer(cluster.api, workspace.namespace, service.name)
    said = pending.wait_refused(cluster.timeouts)
    require(ADDRESS_OF_NO_POOL in said, f"an event about {ADDRESS_OF_NO_POOL}", said, objects=[str(pending)])


@check(
    "lb.reachable-from-lan",
    subject=SUBMISSION,
    needs=["lb.pool-address", "deploy.replicas"],
    control="a client without a route is told that it has none, and with a static route by a node it is served",
    mutants=["lb-wrong-target-port", "lb-no-advertisement"],
)
def test_the_lan_reaches_the_pods_by_that_address(web_svc_lb, web, cluster, lan, visitor):
    """One node answers ARP for the address, the one that the event nodeAssigned names, and the LAN gets the page."""
    address = web_svc_lb.wait_address(cluster.timeouts)
    objects = [str(web_svc_lb), address]

    def announced():
        node = announcer(lan, address, cluster.nodes())
        if age_seconds(web_svc_lb.service()) < EVENT_LIFETIME_SECONDS:
            said, expected = web_svc_lb.announcing_node(), f"an event {NODE_ASSIGNED} of {node}, which answers ARP"
            require(said == node, expected, said or "none", objects=objects)
        return node

    node = eventually(announced, within_seconds=cluster.timeouts.announced)
    url = f"http://{address}{PAGE}"
    eventually(
        lambda: expect(lan.get(url), str(web_svc_lb)).to_be(200).served_only_by(web.pod_names()),
        within_seconds=cluster.timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )
    (mac,) = arp_owners(lan, address)
    known = {one.mac for one in lan.neighbours() if one.address == address}
    require(known == {mac}, f"{mac} of {node} in the LAN's ARP table", known or "no entry", objects=objects)

    expect(visitor.get(url), str(visitor)).to_fail_by(Failure.UNREACHABLE)
    (gateway,) = (one.address for one in cluster.spec.nodes if one.name == node)
    visitor.add_route(str(ip_network(f"{address}/24", strict=False)), gateway=gateway)
    expect(visitor.get(url), str(visitor)).to_be(200).served_only_by(web.pod_names())


def nodes_that_run(api, namespace, labels):
    """The nodes on which pods with these labels are Running and Ready, one entry a pod."""
    pods = api.list("Pod", namespace, labels=labels)
    return sorted(pod["spec"]["nodeName"] for pod in pods if pod["status"]["phase"] == "Running" and is_ready(pod))


def daemon_set_of_no_node(labels):
    """A DaemonSet whose pods no node may run."""
    container = {"name": "pause", "image": "registry.k8s.io/pause"}
    spec = {"nodeSelector": {"kubernetes.io/hostname": "no-such-node"}, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "nowhere"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def expected_addresses(service, pools):
    """The addresses that a Service may have in a fresh cluster: the one it asks for, else the first of a pool."""
    asked = service.wish()
    return [asked] if asked else [str(pool.first) for pool in pools if pool.first]


def require_logged(api, service, address):
    """The controller has logged that it gave the address, unless it has been started since."""
    for pod in api.list("Pod", METALLB, labels=CONTROLLER):
        if pod["status"]["startTime"] > service.service()["metadata"]["creationTimestamp"]:
            continue
        log = api.logs(pod["metadata"]["name"], METALLB, tail_lines=10_000)
        found = any("ipAllocated" in line and quoted(address) in line for line in log.splitlines())
        require(found, f"ipAllocated of {address} in the controller's log", "no such line", objects=[str(service)])


def quoted(address):
    """An address as MetalLB writes it, in events and in its log."""
    return f'"{address}"'
