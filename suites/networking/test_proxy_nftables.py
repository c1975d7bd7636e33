"""What kube-proxy writes into nftables for a ClusterIP, and how that follows the pods.

The mechanism: see netproof.observe.nftables for the layout. In place of one rule for each Service there are maps of
the kernel, so that a packet finds its Service in one step: ``service-ips`` leads from (address, protocol, port) to the
Service's chain, ``no-endpoint-services`` from the same key to a refusal, and the set ``cluster-ips`` has every
ClusterIP, so that what is for none of its ports is rejected (chain ``cluster-ips-check``).

The rule: kubernetes/kubernetes, pkg/proxy/nftables/proxier.go (``syncProxyRules``, ``setupNFTables``).
"""

from __future__ import annotations

from functools import partial

import pytest

from netproof.check import DERIVED, EXTENDED, SUBMISSION, check
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.observe.nftables import ServiceEndpoints, refused
from netproof.observe.protocol import Failure
from netproof.observe.rules_of_node import iptables_rules, nftables_rules
from netproof.services.endpoints import endpoints_of_ready_pods
from netproof.submission.derive import replicas, short_periods
from netproof.workloads.scaling import each_number_of_pods

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PORT = 80
PORT_NOT_OFFERED = 81
TABLE = ("ip", "kube-proxy")
ENTRANCES = {"nat-prerouting": "prerouting", "nat-output": "output"}
"""The chains that lead to the Services, each with the hook that it hangs on."""


@check(
    "nftables.maps",
    subject=SUBMISSION,
    level=EXTENDED,
    needs=["clusterip.spreads"],
    features=["proxy-mode-nftables"],
    control="a port that the Service does not offer is in no map, and is refused",
    mutants=["of the state: the address is not in the set", "of the state: the address is not in the map"],
)
def test_maps_lead_from_the_cluster_ip_to_each_pod(web_svc_cip, web, cluster):
    """On every node the map service-ips leads to the Service's chain, and that by equal chances to each pod."""
    wanted = len(web.wait_available())
    for node in cluster.nodes():
        eventually(
            partial(require_endpoints, node, web_svc_cip, web, wanted),
            within_seconds=cluster.timeouts.rules_programmed,
        )
        rules, address = nftables_rules(node), web_svc_cip.cluster_ip
        require_entrances(rules, node)
        require_in_set(rules, address, web_svc_cip)
        left = iptables_rules(node).mentioning(address)
        require(not left, "the address in no rule of iptables", left[:1], objects=[str(web_svc_cip), node.name])

        found = ServiceEndpoints.of(rules, address, PORT_NOT_OFFERED)
        require(found is None, f"port {PORT_NOT_OFFERED} in no map", found, objects=[str(web_svc_cip)])
        reply = node.connect(address, PORT_NOT_OFFERED, timeout_seconds=1)
        require(reply.failure is Failure.REFUSED, f"port {PORT_NOT_OFFERED} refused", reply, objects=[str(web_svc_cip)])


@check(
    "nftables.maps-follow",
    subject=DERIVED,
    level=EXTENDED,
    needs=["clusterip.reachable"],
    features=["proxy-mode-nftables"],
    control="without pods there is no chain to choose from, and an entry that refuses in its place",
    mutants=["of the state: kube-proxy stands still"],
)
def test_maps_follow_scaling_and_replacement(web_manifest, web_svc_cip_manifest, workspace, cluster):
    """The Service's chain has exactly the ready pods: after scaling up, after a replacement, and when none is left."""
    web = workspace.derived(web_manifest, replicas(1), short_periods())
    service = workspace.derived_service(web_svc_cip_manifest)
    for wanted in each_number_of_pods(web):
        for node in cluster.nodes():
            no_pods = partial(require_refused, node, service)
            followed = partial(require_endpoints, node, service, web, wanted) if wanted else no_pods
            eventually(followed, within_seconds=cluster.timeouts.rules_programmed)


def require_endpoints(node, service, web, wanted):
    """The Service's chain on a node chooses by equal chances among the ready pods, of which there are ``wanted``."""
    objects = [str(service), str(web), f"Node {node.name}"]
    endpoints = endpoints_of_ready_pods(service, web, wanted)
    found = ServiceEndpoints.of(nftables_rules(node), service.cluster_ip, PORT)
    require(found is not None, f"{service.cluster_ip}, tcp, {PORT} in the map service-ips", "no entry", objects=objects)
    require(set(found.targets) == endpoints, f"DNAT to {sorted(endpoints)}", f"to {found.targets}", objects=objects)
    require(found.balanced, f"a choice among {wanted} numbers", f"not so in chain {found.chain}", objects=objects)


def require_entrances(rules, node):
    """What arrives and what starts on a node is led to the Services."""
    chains = rules.tables[TABLE].chains
    for name, hook in ENTRANCES.items():
        chain = chains.get(name)
        leads = chain is not None and chain.hook == hook and any(rule.first("jump") for rule in chain.rules)
        require(
            leads, f"a chain {name} at the hook {hook} that leads on", chain or "no such chain", objects=[node.name]
        )


def require_in_set(rules, address, service):
    """The address is among those whose other ports are rejected."""
    known = rules.tables[TABLE].sets.get("cluster-ips", frozenset())
    require((address,) in known, f"{address} in the set cluster-ips", f"{len(known)} others", objects=[str(service)])


def require_refused(node, service):
    """A Service without pods has nothing to choose from on a node, and an entry that refuses."""
    rules, objects = nftables_rules(node), [str(service), f"Node {node.name}"]
    found = ServiceEndpoints.of(rules, service.cluster_ip, PORT)
    require(found is None, "no endpoints for a Service without pods", found, objects=objects)
    require(refused(rules, service.cluster_ip, PORT), "an entry in no-endpoint-services", "none", objects=objects)
