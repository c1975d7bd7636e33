"""Traffic of LoadBalancer Services: which node takes it, what a pod sees of the client, what happens if a node dies.

The mechanism: with externalTrafficPolicy Cluster every node may take the traffic, and kube-proxy masquerades it
(KUBE-MARK-MASQ), so that replies come back the same way although the pod may be on another node; the pod sees a node's
address. With Local a node serves only its own pods, drops what it has none for, and masquerades nothing. So MetalLB has
only nodes with ready pods announce the address. The speakers watch one another by memberlist: when one falls silent,
the next by a hash of node and address announces, with gratuitous ARP, so that the LAN's tables follow.
"""

from __future__ import annotations

import time

import pytest

from netproof.check import EXTENDED, OWN, check
from netproof.cluster.unplugging import unplugged
from netproof.fixtures.load_balancers import SERVERS
from netproof.observe.announcers import announcer
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.workloads.workload import condition

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

IN_A_ROW = 3
LOAD_INTERVAL_SECONDS = 0.1
TRY_SECONDS = 1.0


@check(
    "lb.source-ip",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    features=["second-node"],
    control="with externalTrafficPolicy Cluster the pod sees another address, and a node without a pod serves too",
    mutants=["of the check: the policy of the Service is Cluster"],
)
def test_policy_local_keeps_the_clients_address(balanced, cluster, lan, visitor):
    """With policy Local the pod sees the client's own address, and only a node that has a pod announces and serves."""
    first, second, *_ = cluster.nodes()
    balanced.servers(first.name, second.name)
    pool = balanced.pool(2)
    local = balanced.load_balancer("local", on(first), pool=pool, externalTrafficPolicy="Local")
    address = local.wait_address(cluster.timeouts)
    for node in (first, second):
        cluster.api.patch("Service", local.name, {"spec": {"selector": on(node)}}, local.namespace)
        wait_for_announcer(lan, local, address, node, cluster)
        wait_until_served_by(lan, local, address, node, cluster.timeouts)
        require_source(lan, local, address, {cluster.spec.lan_address})

    url = f"http://{address}/clientip"
    visitor.add_route(f"{address}/32", gateway=cluster.spec.nodes[1].address)
    expect(visitor.get(url), str(local)).to_be(200)
    require_source(visitor, local, address, {visitor.address})
    visitor.add_route(f"{address}/32", gateway=cluster.spec.nodes[0].address)
    expect(visitor.get(url, timeout_seconds=TRY_SECONDS), str(local), first.name).to_fail_by(Failure.TIMEOUT)

    anywhere = balanced.load_balancer("anywhere", on(second), pool=pool)
    address = anywhere.wait_address(cluster.timeouts)
    visitor.add_route(f"{address}/32", gateway=cluster.spec.nodes[0].address)
    wait_until_served_by(visitor, anywhere, address, second, cluster.timeouts)
    seen = source_of(visitor, anywhere, address)
    require(seen != visitor.address, f"an address other than {visitor.address}", seen, objects=[str(anywhere)])


@check(
    "lb.failover",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    features=["second-node"],
    control="before and after it is that node which answers ARP, and requests are lost until another does",
    mutants=["of the check: the cable of the other node is pulled"],
    exclusive=True,
)
def test_another_node_takes_over(balanced, cluster, lan, measured):
    """The node that announces an address loses its network: another announces it, and the LAN is served again."""
    nodes = {node.name: node for node in cluster.nodes()}
    balanced.servers(*nodes)
    service = balanced.load_balancer("served", SERVERS, pool=balanced.pool(1))
    address = service.wait_address(cluster.timeouts)
    doomed = eventually(lambda: announcer(lan, address, nodes.values()), within_seconds=cluster.timeouts.announced)
    # Pods of the dead node would get their share of requests until it is found to be NotReady.
    survivor = next(node for name, node in nodes.items() if name != doomed)
    cluster.api.patch("Service", service.name, {"spec": {"selector": on(survivor)}}, service.namespace)
    wait_until_served_by(lan, service, address, survivor, cluster.timeouts)

    url, objects = f"http://{address}/hostname", [str(service), address]
    with unplugged(cluster, doomed):
        pulled = time.monotonic()
        with lan.load(url, interval_seconds=LOAD_INTERVAL_SECONDS, timeout_seconds=TRY_SECONDS) as load:
            heir = eventually(
                lambda: announcer(lan, address, nodes.values(), anew=False), within_seconds=cluster.timeouts.failover
            )
            measured("announced_after_seconds", time.monotonic() - pulled)
            wait_until_served_by(lan, service, address, survivor, cluster.timeouts)
        require(heir != doomed, f"a node other than {doomed} that answers ARP", heir, objects=objects)
        require(load.replies.lost, "requests lost while nobody answered", load.replies, objects=objects)
        served_again = min(reply.start for reply in load.replies if reply.start > last_loss(load.replies))
        measured("served_after_seconds", served_again - pulled)
        measured("requests_lost", len(load.replies.lost))

    eventually(lambda: require_back(lan, address, nodes.values(), doomed), within_seconds=cluster.timeouts.failover)
    wait_until_whole(balanced, cluster, nodes[doomed])


def on(node):
    """The labels of the server on a node."""
    return {"name": f"on-{node.name}"}


def source_of(client, service, address):
    """The address from which a pod sees a client come."""
    replies = client.get(f"http://{address}/clientip")
    expect(replies, str(service)).to_be(200)
    return replies[0].body.rpartition(":")[0]


def require_source(client, service, address, wanted):
    """A pod sees a client come from one of these addresses."""
    seen = source_of(client, service, address)
    require(seen in wanted, f"the client's own address {' or '.join(wanted)}", seen, objects=[str(service)])


def wait_for_announcer(lan, service, address, node, cluster):
    """Return once this node, and no other, answers ARP for an address."""

    def announced():
        found = announcer(lan, address, cluster.nodes())
        require(found == node.name, f"{node.name} answers ARP", found, objects=[str(service), address])

    eventually(announced, within_seconds=cluster.timeouts.announced)


def wait_until_served_by(client, service, address, node, timeouts):
    """Return once requests are served by the pod on a node, several times in a row."""
    url = f"http://{address}/hostname"
    eventually(
        lambda: expect(client.get(url, timeout_seconds=TRY_SECONDS), str(service)).served_by([f"on-{node.name}"]),
        within_seconds=timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )


def last_loss(replies):
    """When the last request that was lost had started."""
    return max(reply.start for reply in replies.lost)


def require_back(lan, address, nodes, node):
    """The node that is back answers ARP again, alone."""
    found = announcer(lan, address, nodes)
    require(found == node, f"{node} answers ARP again", found, objects=[address])


def wait_until_whole(balanced, cluster, node):
    """Return once a node that was cut off is Ready, and knows of a Service that was made since."""

    def ready():
        found = condition(cluster.api.get("Node", node.name), "Ready")
        require(found and found["status"] == "True", f"{node.name} Ready", found, objects=[f"Node {node.name}"])

    eventually(ready, within_seconds=cluster.timeouts.node_ready)
    service = balanced.workspace.service("afterwards", SERVERS, target_port=8080)
    eventually(
        lambda: expect(node.get(service.url("/hostname"), timeout_seconds=TRY_SECONDS), str(service)).to_be(200),
        within_seconds=cluster.timeouts.rules_programmed,
        in_a_row=IN_A_ROW,
    )
