"""Addresses of LoadBalancer Services: given once, kept, given back, shared on terms, refused with a reason.

All addresses here are of pools of this suite's own, which give nothing to a Service that does not ask for them.
"""

from __future__ import annotations

import pytest

from netproof.addons.addon import require_deployment
from netproof.addons.metallb import NAMESPACE as METALLB
from netproof.check import EXTENDED, OWN, check
from netproof.fixtures.load_balancers import SERVERS
from netproof.observe.announcers import announcer
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.waiting import Waiter

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

NOBODY = {"app": "nobody"}
BEYOND_THE_LAN = "198.18.0.0/24"
"""A network for tests of network devices (RFC 2544): in nobody's LAN."""


@check(
    "lb.ip-released",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    control="while a Service has the pool's only address, the next one gets none",
    mutants=["of the check: the Service is not deleted", "of the check: its type stays LoadBalancer"],
    exclusive=True,
)
def test_an_address_goes_back_to_the_pool(balanced, cluster):
    """A pool's only address is free again once its Service is deleted or changes type, and outlives the controller."""
    pool, other_pool, timeouts = balanced.pool(1), balanced.pool(1), cluster.timeouts
    first = balanced.load_balancer("first", NOBODY, pool=pool)
    address = first.wait_address(timeouts)
    second = balanced.load_balancer("second", NOBODY, pool=pool)
    require_no_address_left(second, timeouts)

    cluster.api.delete("Service", first.name, first.namespace)
    require_given(second, address, timeouts)

    third = balanced.load_balancer("third", NOBODY, pool=pool)
    require_no_address_left(third, timeouts)
    cluster.api.patch("Service", second.name, {"spec": {"type": "ClusterIP"}}, second.namespace)
    require_given(third, address, timeouts)
    require(not second.addresses(), "no external address for a ClusterIP", second.addresses(), objects=[str(second)])

    # Nobody may wait for the address meanwhile: as it starts, MetalLB 0.13 may serve who waits before who has it.
    restart_controller(cluster)
    balanced.load_balancer("fourth", NOBODY, pool=other_pool).wait_address(timeouts)
    require(third.addresses() == (address,), f"{address} kept", third.standing(), objects=[str(third)])


@check(
    "lb.sharing-refused",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    control="a Service with the same key, for another protocol, does share the address",
    mutants=["of the check: the other key is the same key"],
)
def test_an_address_is_shared_only_on_terms(balanced, cluster):
    """Another sharing key, none, the same port, or other pods with policy Local: no address, and an event says why."""
    pool, timeouts = balanced.pool(1), cluster.timeouts
    owner = balanced.load_balancer("owner", NOBODY, pool=pool, sharing_key="one")
    address = owner.wait_address(timeouts)
    udp = [{"protocol": "UDP", "port": 80}]
    sharer = balanced.load_balancer("sharer", NOBODY, pool=pool, address=address, sharing_key="one", ports=udp)
    require_given(sharer, address, timeouts)

    other = [{"protocol": "TCP", "port": 81}]
    wishes = {
        "other-key": ({"sharing_key": "two", "ports": other}, "also in use by"),
        "no-key": ({"ports": other}, "also in use by"),
        "same-port": ({"sharing_key": "one"}, "already in use"),
        "other-pods": ({"sharing_key": "one", "ports": other, "externalTrafficPolicy": "Local"}, "also in use by"),
    }
    pending = {
        name: (balanced.load_balancer(name, SERVERS, pool=pool, address=address, **wish), reason)
        for name, (wish, reason) in wishes.items()
    }
    for service, reason in pending.values():
        said = service.wait_refused(timeouts)
        require(reason in said, f"an event that says {reason!r}", said, objects=[str(service)])
    for service in (owner, sharer):
        require(service.addresses() == (address,), f"{address} kept", service.standing(), objects=[str(service)])


@check(
    "lb.address-taken",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    control="an address of the same pool that nobody has is given to who asks for it",
    mutants=["of the check: the Service asks for the other address"],
)
def test_an_address_that_another_has_is_not_given(balanced, cluster):
    """A Service that asks for an address which another has waits for it, and an event names the owner."""
    pool, timeouts = balanced.pool(2), cluster.timeouts
    taken, free = (str(one) for one in (pool.ranges[0].first, pool.ranges[0].last))
    owner = balanced.load_balancer("owner", NOBODY, pool=pool, address=taken)
    require_given(owner, taken, timeouts)
    late = balanced.load_balancer("late", NOBODY, pool=pool, address=taken)
    said = late.wait_refused(timeouts)
    require(f"{owner.namespace}/{owner.name}" in said, f"an event that names {owner}", said, objects=[str(late)])
    require_given(balanced.load_balancer("modest", NOBODY, pool=pool, address=free), free, timeouts)

    cluster.api.delete("Service", owner.name, owner.namespace)
    require_given(late, taken, timeouts)


@check(
    "lb.pool-beyond-lan",
    subject=OWN,
    level=EXTENDED,
    needs=["lb.metallb-running"],
    control="a client that takes the address for one of the LAN's is served",
    mutants=["of the check: the pool is in the LAN"],
)
def test_an_address_beyond_the_lan_is_announced_and_unreachable(balanced, cluster, lan, visitor):
    """An address that is not of the LAN is given and announced, and a client on the LAN has no route to it."""
    first, *_ = cluster.spec.nodes
    balanced.servers(first.name)
    service = balanced.load_balancer("beyond", SERVERS, pool=balanced.pool(1, network=BEYOND_THE_LAN))
    address = service.wait_address(cluster.timeouts)
    node = eventually(lambda: announcer(lan, address, cluster.nodes()), within_seconds=cluster.timeouts.announced)
    said = service.announcing_node()
    require(said == node, f"an event that {node} announces it", said or "none", objects=[str(service)])

    url = f"http://{address}/hostname"
    for client in (lan, visitor):
        expect(client.get(url), str(service), str(client)).to_fail_by(Failure.UNREACHABLE)
    visitor.add_route(f"{address}/32")
    eventually(
        lambda: expect(visitor.get(url), str(service)).served_by([f"on-{first.name}"]),
        within_seconds=cluster.timeouts.rules_programmed,
    )


def require_no_address_left(service, timeouts):
    """A Service stays without an address, because the pool has none left."""
    said = service.wait_refused(timeouts)
    require("no available IPs" in said, "an event that no address is left", said, objects=[str(service)])


def require_given(service, address, timeouts):
    """A Service gets exactly this address."""

    def given():
        found = service.addresses()
        require(found == (address,), address, service.standing(), objects=[str(service)])

    eventually(given, within_seconds=timeouts.address_assigned)


def restart_controller(cluster):
    """End MetalLB's controller; returns when another one is Ready."""
    labels = {"app": "metallb", "component": "controller"}
    (old,) = cluster.api.list("Pod", METALLB, labels=labels)
    cluster.api.delete("Pod", old["metadata"]["name"], METALLB)

    def replaced():
        left = [pod["metadata"]["uid"] for pod in cluster.api.list("Pod", METALLB, labels=labels)]
        require(old["metadata"]["uid"] not in left, "the old controller gone", "it is there", objects=[METALLB])

    eventually(replaced, within_seconds=cluster.timeouts.deletion)
    Waiter().until(
        "MetalLB's controller is Ready again",
        lambda: require_deployment(cluster.api, METALLB, "controller"),
        timeout_seconds=cluster.timeouts.addon_ready,
    )
