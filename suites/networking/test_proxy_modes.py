"""What depends on kube-proxy's mode, and on its version: each check asks what is to be expected, and says why.

The mechanism: a ping is no request to any port of a Service, so what becomes of it is decided beside the Services'
rules. In iptables mode nothing matches it and it leaves by the node's routes, to nobody. In nftables mode it is
rejected with all else that is for no port. In IPVS mode the address is the node's own, on the interface kube-ipvs0, so
the kernel would answer, and did until a chain was added that rejects what is for no Service. The facts, with their
sources: netproof.observe.kubeproxy_facts.
"""

from __future__ import annotations

import pytest

from netproof.check import SUBMISSION, check, none_because
from netproof.observe.expectations import require
from netproof.observe.kubeproxy_facts import About, fact

pytestmark = pytest.mark.usefixtures("rules_as_evidence")


@check(
    "proxy.ping",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    control="a node's own address answers the same ping",
    mutants=none_because(
        "no manifest decides what becomes of a ping; the control is the same probe where it is answered"
    ),
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
