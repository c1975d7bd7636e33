"""For how long a Service remembers its clients: sessionAffinityConfig.clientIP.timeoutSeconds.

The mechanism: each port of a Service remembers for itself. In iptables it is a list of addresses for each endpoint
(``-m recent``), and a packet from an address that was there ``--seconds`` ago at most goes to that endpoint; in
nftables a set for each endpoint, whose elements have a timeout. In both a further connection renews the memory. In
IPVS it is a template of connections with a timeout (``ipvsadm -p``) that outlives all connections made by it, closed
ones for two minutes more; so there the check looks at the timeout and not at what becomes of it.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check
from netproof.fixtures.backends import HTTP_PORT
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.rules_of_node import virtual_servers
from netproof.observe.spread import requests_needed
from netproof.verdict import UnmetError
from netproof.waiting import Waiter

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

SHORT_SECONDS, DEFAULT_SECONDS = 2, 10800
SILENCE_SECONDS = 1.5 * SHORT_SECONDS
"""Longer than the memory; each request renews it, so between two looks nobody may ask."""

A_MOMENT = 1.0
PORTS = range(8000, 8020)
"""So many ports, each of which chooses anew for itself, choose all as before once in a million times."""


@check(
    "services.session-affinity-timeout",
    subject=OWN,
    level=EXTENDED,
    features=["second-node"],
    control="a Service with the default, three hours, keeps its client to one server over the same silence",
    mutants=["of the check: the timeout is left at its default"],
)
def test_session_affinity_ends_after_its_timeout(backends, cluster, node):
    """A client that is silent for longer than timeoutSeconds gets a server anew; until then it keeps its own."""
    brief = with_affinity(backends, "affinity-brief", clientIP={"timeoutSeconds": SHORT_SECONDS})
    lasting = with_affinity(backends, "affinity-lasting")
    if cluster.spec.proxy_mode == "ipvs":
        require_timeout_in_ipvs(node, brief, SHORT_SECONDS, cluster.timeouts)
        require_timeout_in_ipvs(node, lasting, DEFAULT_SECONDS, cluster.timeouts)
        return

    address = brief.cluster_ip
    remembered = eventually(
        lambda: only_server(node, lasting.cluster_ip, PORTS[0], backends, times=requests_needed(2)),
        within_seconds=cluster.timeouts.rules_programmed,
    )
    before = eventually(
        lambda: {port: only_server(node, address, port, backends, times=2) for port in PORTS},
        within_seconds=cluster.timeouts.rules_programmed,
    )

    def chosen_anew():
        after = {port: only_server(node, address, port, backends) for port in PORTS}
        require(after != before, "another server at one of the ports", "the same at each", objects=[str(brief)])

    waiter = Waiter(interval_seconds=SILENCE_SECONDS, retry_on=(UnmetError,))
    waiter.until(f"a server is chosen anew after {SHORT_SECONDS} s of silence", chosen_anew, timeout_seconds=20)
    still = only_server(node, lasting.cluster_ip, PORTS[0], backends, times=requests_needed(2))
    require(still == remembered, f"{remembered} still", still, objects=[str(lasting)])


def with_affinity(backends, name, **config):
    """A Service of many ports with session affinity."""
    ports = [{"name": f"p{port}", "protocol": "TCP", "port": port, "targetPort": HTTP_PORT} for port in PORTS]
    asked = {"sessionAffinityConfig": config} if config else {}
    return backends.service(name, ports=ports, sessionAffinity="ClientIP", **asked)


def only_server(place, address, port, backends, *, times=1):
    """Who alone answers so many requests at a port."""
    replies = place.get(f"http://{address}:{port}/hostname", times=times, timeout_seconds=A_MOMENT)
    expect(replies).served_only_by(backends.names)
    servers = replies.served_by()
    require(len(servers) == 1, f"one server at port {port}", dict(servers), objects=[address])
    return next(iter(servers))


def require_timeout_in_ipvs(node, service, seconds, timeouts):
    """See that each virtual server of a Service is persistent for so long."""
    address = service.cluster_ip

    def found():
        seen = {one.persistent_seconds for one in virtual_servers(node).of_address(address)}
        require(seen == {seconds}, f"virtual servers persistent for {seconds} s", seen, objects=[str(service)])

    eventually(found, within_seconds=timeouts.rules_programmed)
