"""The records of cluster DNS: who gets which, how they follow their pods, and answers too large for a datagram.

A datagram of plain DNS carries 512 bytes (RFC 1035), with EDNS(0) as many as the client says it takes (RFC 6891). What
is larger comes truncated, with the flag TC, and the client asks again by TCP.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.cluster.names import PAUSE_IMAGE
from netproof.fixtures.dns import TRANSPORTS
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.services.service import Service, endpoint_slice_manifest

LABELS = {"app": "named"}
PORT = 80
GATE = "netproof.io/ready"
PLACES = ("node", "pod")
PLAIN_BYTES, ROOMY_BYTES = 512, 4096
MANY = 100
"""Addresses of one name: some 1600 bytes of answer."""

HIGHEST_TTL_SECONDS = 30
"""What CoreDNS gives Services where nothing else is configured is 5, and kubeadm's configuration gives 30."""

NO_MUTANTS = none_because(
    "nothing of a submission is looked at; the control is the same question for what is not there"
)

each_transport = pytest.mark.parametrize("transport", TRANSPORTS)
each_place = pytest.mark.parametrize("place", PLACES)


@pytest.fixture(scope="module")
def gated(module_workspace):
    """Two pods behind a headless Service, each Ready when the condition GATE says so, and a regular Service."""
    workspace = module_workspace
    ports = [{"name": "http", "protocol": "TCP", "port": PORT}]
    headless = workspace.service("headless", LABELS, target_port=PORT, ports=ports, clusterIP="None")
    workspace.service("regular", LABELS, target_port=PORT, ports=ports)
    for name in ("one", "two"):
        workspace.apply(gated_pod(name))
    return headless


@pytest.fixture
def asked_from(request, node):
    """Who asks: a node, or a pod of netproof's own."""
    return {"node": lambda: node, "pod": lambda: request.getfixturevalue("pod")}


@check(
    "dns.headless-records",
    subject=OWN,
    level=EXTENDED,
    control="a pod that is not Ready has none of these records, and a Service that publishes it has",
    mutants=["of the check: the headless Service has publishNotReadyAddresses"],
)
def test_headless_records_follow_readiness(gated, module_workspace, cluster, cluster_dns, node):
    """A headless Service's A, SRV and PTR records are those of its Ready pods, as they become so and cease to be."""
    workspace, timeouts = module_workspace, cluster.timeouts
    ports = [{"name": "http", "protocol": "TCP", "port": PORT}]
    published = workspace.service(
        "published", LABELS, target_port=PORT, ports=ports, clusterIP="None", publishNotReadyAddresses=True
    )
    addresses = {name: wait_for_address(workspace, name) for name in ("one", "two")}
    name = cluster_dns.name(gated.name, gated.namespace)

    def wait_for_records(ready, service=gated):
        asked, wanted = cluster_dns.name(service.name, service.namespace), {addresses[pod] for pod in ready}
        for transport in TRANSPORTS:
            eventually(
                lambda tcp=transport == "tcp": require_records(cluster_dns, node, asked, wanted, tcp),
                within_seconds=timeouts.rules_programmed,
            )

    wait_for_records(["one", "two"], published)
    for ready in (["one"], ["one", "two"], ["two"], []):
        for pod in addresses:
            set_gate(workspace, pod, pod in ready)
        wait_for_records(ready)
    answer = cluster_dns.ask(node, name)
    require(not answer.addresses, f"no address for {name}", answer, objects=[str(gated)])
    wait_for_records(["one", "two"], published)


@each_place
@each_transport
@check(
    "dns.answers",
    subject=OWN,
    level=EXTENDED,
    control="a name that does not exist is NXDOMAIN for every type",
    mutants=NO_MUTANTS,
    dimensions=["place", "transport"],
)
def test_answers_are_told_from_their_absence(cluster, cluster_dns, asked_from, place, transport):
    """A name of IPv4 has an empty AAAA, NOERROR; one that does not exist is NXDOMAIN; answers are authoritative."""
    here, tcp = asked_from[place](), transport == "tcp"
    name, nobody = cluster_dns.name("kubernetes", "default"), cluster_dns.name("no-such-name", "default")
    answer = cluster_dns.ask(here, name, tcp=tcp)
    require(answer.addresses == (cluster.spec.kubernetes_service_address,), f"the A record of {name}", answer)
    require(answer.authoritative, "an authoritative answer", answer.reply.flags, objects=[name])
    (ttl,) = answer.ttls
    require(0 < ttl <= HIGHEST_TTL_SECONDS, f"a time to live of 1 to {HIGHEST_TTL_SECONDS} s", f"{ttl} s")
    empty = cluster_dns.ask(here, name, "AAAA", tcp=tcp)
    require(empty.rcode == "NOERROR" and not empty.reply.answers, "NOERROR without records", empty, objects=[name])
    for record_type in ("A", "AAAA", "SRV"):
        answer = cluster_dns.ask(here, nobody, record_type, tcp=tcp)
        require(answer.rcode == "NXDOMAIN", f"{record_type} of {nobody}: NXDOMAIN", answer, objects=[nobody])


@each_place
@check(
    "dns.truncation",
    subject=OWN,
    level=EXTENDED,
    control="a small answer to the same question is whole in a datagram of 512 bytes",
    mutants=["of the check: five addresses in the place of a hundred"],
    dimensions=["place"],
)
def test_a_large_answer_is_cut_and_comes_whole_by_tcp(workspace, cluster, cluster_dns, asked_from, place):
    """A hundred addresses are truncated to 512 bytes by UDP, and whole by TCP or where the client takes 4096."""
    here, service = asked_from[place](), Service(workspace.api, workspace.namespace, "many")
    addresses = [f"198.18.1.{number}" for number in range(1, MANY + 1)]
    workspace.service("few", None, target_port=PORT, clusterIP="None")
    workspace.apply(endpoint_slice_manifest("few", addresses[:5], PORT))
    workspace.service(service.name, None, target_port=PORT, clusterIP="None")
    workspace.apply(endpoint_slice_manifest(service.name, addresses, PORT))
    name, few = (cluster_dns.name(one, workspace.namespace) for one in (service.name, "few"))

    def whole(asked, wanted, **options):
        answer = cluster_dns.ask(here, asked, **options)
        met = answer.addresses == tuple(sorted(wanted)) and not answer.truncated
        require(met, f"{len(wanted)} addresses of {asked}, not truncated", summary(answer), objects=[str(service)])

    for options in ({"tcp": True}, {"edns_payload": ROOMY_BYTES}):
        eventually(lambda how=options: whole(name, addresses, **how), within_seconds=cluster.timeouts.rules_programmed)
    cut = cluster_dns.ask(here, name)
    met = cut.truncated and cut.reply.size_bytes <= PLAIN_BYTES and set(cut.addresses) < set(addresses)
    require(met, f"a truncated answer of at most {PLAIN_BYTES} bytes", summary(cut), objects=[str(service)])
    eventually(lambda: whole(few, addresses[:5]), within_seconds=cluster.timeouts.rules_programmed)


@check(
    "dns.large-from-lan",
    subject=OWN,
    level=EXTENDED,
    needs=["dns.shared-ip"],
    control="by plain UDP the same answer comes truncated",
    mutants=["of the check: five addresses in the place of a hundred"],
)
def test_a_large_answer_reaches_the_lan(published_dns, workspace, cluster, cluster_dns, lan):
    """From the LAN, through the load balancer, a hundred addresses come whole by TCP and by UDP with EDNS."""
    addresses = [f"198.18.2.{number}" for number in range(1, MANY + 1)]
    workspace.service("many", None, target_port=PORT, clusterIP="None")
    workspace.apply(endpoint_slice_manifest("many", addresses, PORT))
    name, server = cluster_dns.name("many", workspace.namespace), published_dns.address()

    def whole(**options):
        answer = lan.resolve(name, server=server, **options)
        met = answer.addresses == tuple(sorted(addresses)) and not answer.truncated
        require(met, f"{MANY} addresses of {name}, not truncated", summary(answer), objects=[name, server])

    for options in ({"tcp": True}, {"edns_payload": ROOMY_BYTES}):
        eventually(lambda how=options: whole(**how), within_seconds=cluster.timeouts.rules_programmed)
    cut = lan.resolve(name, server=server)
    require(cut.truncated, "a truncated answer", summary(cut), objects=[name, server])


def gated_pod(name):
    """A pod that is Ready when, besides its container, the condition GATE says so."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": LABELS},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "readinessGates": [{"conditionType": GATE}],
            "containers": [{"name": "pause", "image": PAUSE_IMAGE}],
        },
    }


def set_gate(workspace, pod, is_open):
    """Say whether a pod may be Ready."""
    conditions = workspace.pod(pod)["status"]["conditions"]
    others = [one for one in conditions if one["type"] != GATE]
    gate = {"type": GATE, "status": "True" if is_open else "False"}
    patch = {"status": {"conditions": [*others, gate]}}
    workspace.api.patch("Pod", pod, patch, workspace.namespace, subresource="status")


def wait_for_address(workspace, pod):
    """The address of a pod, once it has one."""

    def found():
        address = workspace.pod(pod)["status"].get("podIP")
        require(address, "an address", "none yet", objects=[f"Pod {workspace.namespace}/{pod}"])
        return address

    return eventually(found, within_seconds=workspace.timeouts.pod_ready)


def require_records(dns, place, name, addresses, tcp):
    """A headless name has A records, SRV records and PTR records of exactly these addresses."""
    answer = dns.ask(place, name, tcp=tcp)
    require(set(answer.addresses) == addresses, f"A of {name}: {sorted(addresses)}", answer, objects=[name])
    targets = [record.split()[3] for record in dns.ask(place, f"_http._tcp.{name}", "SRV", tcp=tcp).data("SRV")]
    found = {address for target in targets for address in dns.ask(place, target, tcp=tcp).addresses}
    require(found == addresses, f"SRV of {name} to {sorted(addresses)}", sorted(found), objects=[name])
    for target in targets:
        (address,) = dns.ask(place, target, tcp=tcp).addresses
        backwards = ".".join((*reversed(address.split(".")), "in-addr", "arpa"))
        pointers = dns.ask(place, backwards, "PTR", tcp=tcp).data("PTR")
        require(any(one.endswith(f".{name}.") or one == target for one in pointers), f"PTR of {address}", pointers)


def summary(answer):
    """A large answer in few words."""
    if answer.failure:
        return str(answer)
    cut = ", truncated" if answer.truncated else ""
    return f"{answer.rcode}, {len(answer.addresses)} addresses, {answer.reply.size_bytes} bytes{cut}"
