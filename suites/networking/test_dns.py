"""Cluster DNS on the LAN: one address of MetalLB for UDP and TCP, by which a client outside resolves cluster names.

The mechanism: a load balancer's address belongs to one Service, unless Services share it. MetalLB lets them if each
names the same sharing key, if no port and protocol is wanted twice, and if each asks for that very address.
"""

from __future__ import annotations

import pytest

from netproof.check import SUBMISSION, check
from netproof.observe.announcers import announcer
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.services.address_pools import SHARING_ANNOTATION
from netproof.services.load_balancer import LoadBalancer
from netproof.services.published_dns import PORT, sharing_keys
from netproof.verdict import UnmetError, blocked

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

IN_A_ROW = 3
OTHER_PORT = 5353
QUERY_SECONDS = 1.0
NAME_OF_NOTHING = "web.default"
"""The name that the homework tries first; a Service's name has ``svc`` in it."""

SELECTOR_MUTANTS = ["dns-selector-typo", "dns-namespace-default", "lb-no-advertisement"]


@check(
    "dns.shared-ip",
    subject=SUBMISSION,
    needs=["lb.metallb-running"],
    control="a Service of ours that asks for the same address with another key gets none, and an event says why",
    mutants=[
        "dns-keys-differ",
        "dns-key-on-one",
        "dns-udp-missing",
        "dns-wrong-case",
        "lb-pool-outside-lan",
        "lb-no-pool",
    ],
)
def test_udp_and_tcp_share_an_address(published_dns, cluster, workspace):
    """Cluster DNS has one external address for UDP and TCP 53; where two Services share it, their keys are equal."""
    address = published_dns.wait_address(cluster.timeouts)
    services = published_dns.at(address)
    objects = [*map(str, services), address]
    keys = sharing_keys(services)
    met = len(services) == 1 or (len(set(keys.values())) == 1 and all(keys.values()))
    require(met, "equal sharing keys", keys, objects=objects)

    pending = LoadBalancer(cluster.api, workspace.namespace, "another-key")
    workspace.apply(service_asking_for(pending.name, address))
    said = pending.wait_refused(cluster.timeouts)
    require(any(one.name in said for one in services), "an event that names the owner", said, objects=[str(pending)])


@check(
    "dns.udp",
    subject=SUBMISSION,
    needs=["dns.shared-ip"],
    control="a name that lacks the part svc is NXDOMAIN",
    mutants=SELECTOR_MUTANTS,
)
def test_a_name_is_resolved_over_udp(published_dns, web_svc_cip_manifest, web_svc_cip, applied, cluster, lan):
    """By UDP the LAN resolves web-svc-cip.default.svc.cluster.local at the shared address to its ClusterIP."""
    require_resolved(lan, published_dns, address_of(applied, web_svc_cip_manifest, web_svc_cip), cluster, tcp=False)


@check(
    "dns.tcp",
    subject=SUBMISSION,
    needs=["dns.shared-ip"],
    control="a name that lacks the part svc is NXDOMAIN",
    mutants=SELECTOR_MUTANTS,
)
def test_a_name_is_resolved_over_tcp(published_dns, web_svc_cip_manifest, web_svc_cip, applied, cluster, lan):
    """By TCP the LAN resolves web-svc-cip.default.svc.cluster.local at the shared address to its ClusterIP."""
    require_resolved(lan, published_dns, address_of(applied, web_svc_cip_manifest, web_svc_cip), cluster, tcp=True)


def address_of(applied, manifest, service):
    """Name (without the cluster's domain) and ClusterIP of a Service; blocked where it has none."""
    try:
        applied.require(manifest)
        cluster_ip = service.cluster_ip
    except UnmetError as unmet:
        blocked(f"there is no ClusterIP to resolve: {unmet.observed}")
    return f"{service.name}.{service.namespace}.svc", cluster_ip


def require_resolved(lan, published_dns, wanted, cluster, *, tcp):
    """A name is resolved at the shared address, several times in a row, and one that is no name is NXDOMAIN."""
    (name, cluster_ip), domain, timeouts = wanted, cluster.spec.dns_domain, cluster.timeouts
    server = published_dns.address()
    services = published_dns.at(server)
    for service in services:
        eventually(lambda one=service: require_endpoints(one), within_seconds=timeouts.address_patience)
    eventually(lambda: announcer(lan, server, cluster.nodes()), within_seconds=timeouts.announced)
    objects = [*map(str, services), f"{server}:{PORT}/{'TCP' if tcp else 'UDP'}"]

    def ask(asked):
        return lan.resolve(f"{asked}.{domain}", server=server, tcp=tcp, timeout_seconds=QUERY_SECONDS)

    def resolved():
        answer = ask(name)
        require(answer.addresses == (cluster_ip,), f"{name}.{domain} is {cluster_ip}", answer, objects=objects)

    eventually(resolved, within_seconds=timeouts.rules_programmed, in_a_row=IN_A_ROW)
    answer = ask(NAME_OF_NOTHING)
    require(answer.rcode == "NXDOMAIN", f"{NAME_OF_NOTHING}.{domain} is NXDOMAIN", answer, objects=objects)


def require_endpoints(service):
    """A Service has ready pods behind it."""
    selector = service.service()["spec"].get("selector")
    observed = f"no pod in the namespace {service.namespace} that is Ready and has the labels {selector}"
    require(service.ready_endpoints(), "a ready pod behind it", observed, objects=[str(service)])


def service_asking_for(name, address):
    """A Service that asks for an address with a sharing key of its own, for a port that nobody else wants."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": {SHARING_ANNOTATION: f"netproof-{name}"}},
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerIP": address,
            "selector": {"app": "nobody"},
            "ports": [{"protocol": "TCP", "port": OTHER_PORT}],
        },
    }
