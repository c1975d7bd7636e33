"""What depends on kube-proxy's mode, and on its version: each check asks what is to be expected, and says why.

The mechanism: a ping is no request to any port of a Service, so what becomes of it is decided beside the Services'
rules. In iptables mode nothing matches it and it leaves by the node's routes, to nobody. In nftables mode it is
rejected with all else that is for no port. In IPVS mode the address is the node's own, on the interface kube-ipvs0, so
the kernel would answer, and did until a chain was added that rejects what is for no Service.

A NodePort at 127.0.0.1 answers in iptables mode alone, where kube-proxy has the kernel route such addresses. And each
mode writes chains of its own, beside those of the Services. The facts, with their sources:
netproof.observe.kubeproxy_facts.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, SUBMISSION, check, none_because
from netproof.observe.eventually import until_served_by
from netproof.observe.expectations import require
from netproof.observe.kubeproxy_facts import About, fact, names_of_chains
from netproof.observe.protocol import Failure
from netproof.observe.rules_of_node import iptables_rules, nftables_rules

pytestmark = pytest.mark.usefixtures("rules_as_evidence")


@check(
    "proxy.ping",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    control="a node's own address answers the same ping",
    mutants=[
        "of the state: the loopback interface has the address",
        "of the state: nothing rejects what is for no port",
    ],
)
def test_a_ping_of_the_cluster_ip_gets_what_the_mode_gives(web_svc_cip, cluster, pod):
    """From every node and from a pod a ping of the ClusterIP gets what this proxy mode and version give."""
    address, spec = web_svc_cip.cluster_ip, cluster.spec
    known = fact(About.PING, spec.proxy_mode, spec.kubernetes_version)
    for place in (*cluster.nodes(), pod):
        ping = place.ping(address, count=2, timeout_seconds=0.5)
        seen = "reply" if ping.answered else "rejection" if ping.rejected else "silence" if ping.silent else "a mixture"
        expected = f"{known.answer} to a ping from {place.name}, as of mode {spec.proxy_mode} is known: {known.source}"
        require(seen == known.answer, expected, f"{seen}: {ping}", objects=[str(web_svc_cip), address])

        of_node = spec.nodes[0].address
        ping = place.ping(of_node, count=2)
        require(ping.answered, f"the node answers a ping from {place.name}", ping, objects=[of_node])


@check(
    "proxy.chains",
    subject=OWN,
    level=EXTENDED,
    control="the same reading finds the chains of the mode",
    mutants=["of the state: a chain of another mode is there", "of the state: a chain of the mode is missing"],
)
def test_the_chains_are_those_of_the_mode(cluster):
    """On every node kube-proxy's own chains are those of this mode and version, and none is there of another."""
    spec = cluster.spec
    own, others = names_of_chains(spec.proxy_mode, spec.kubernetes_version)
    source = fact(About.CHAINS, spec.proxy_mode, spec.kubernetes_version).source
    for node in cluster.nodes():
        found, objects = chains_of(node), [f"Node {node.name}"]
        require(own <= found, f"the chains of mode {spec.proxy_mode} ({source})", f"no {own - found}", objects=objects)
        left = sorted(found & others)
        require(not left, "no chain that only other modes or versions have", left, objects=objects)


@check(
    "proxy.node-port-on-loopback",
    subject=OWN,
    level=EXTENDED,
    control="the same NodePort answers at the node's own address",
    mutants=none_because("no manifest decides it; the control is the same request where it is answered"),
)
def test_a_node_port_on_loopback_gets_what_the_mode_gives(backends, cluster):
    """From every node a request to 127.0.0.1 and a NodePort gets what this proxy mode and version give."""
    spec = cluster.spec
    known = fact(About.LOOPBACK_NODE_PORT, spec.proxy_mode, spec.kubernetes_version)
    port = backends.service("on-loopback", type="NodePort").node_port
    for node, place in zip(spec.nodes, cluster.nodes(), strict=True):
        url = f"http://{node.address}:{port}/hostname"
        until_served_by(place, url, backends.names, within_seconds=cluster.timeouts.rules_programmed)
        (reply,) = place.get(f"http://127.0.0.1:{port}/hostname")
        seen = {None: "reply", Failure.REFUSED: "refusal"}.get(reply.failure, str(reply.failure))
        expected = f"{known.answer} at 127.0.0.1, as of mode {spec.proxy_mode} is known: {known.source}"
        require(seen == known.answer, expected, f"{seen}: {reply}", objects=[f"Node {node.name}"])


def chains_of(node):
    """The chains of a node by name: of iptables with their tables, as nat/NAME, and of the table kube-proxy."""
    tables = iptables_rules(node).tables.values()
    table = nftables_rules(node).tables.get(("ip", "kube-proxy"))
    return {f"{one.name}/{chain}" for one in tables for chain in one.chains} | set(table.chains if table else ())
