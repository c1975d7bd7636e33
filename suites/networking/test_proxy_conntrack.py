"""What becomes of UDP flows to a Service that has nobody behind it any more.

The mechanism: conntrack keeps the choice of a pod for as long as a flow goes on, and looks at no rule again. UDP has no
end of a connection, so a client that goes on sending keeps its entry alive, and with it the way to an address that
nobody has any more, or worse, that another pod has got. So kube-proxy removes such entries after each change.

The rule: kubernetes/kubernetes, pkg/proxy/conntrack/cleanup.go (``CleanStaleEntries``). Some versions are known to
leave entries: netproof.observe.kubeproxy_facts. There the check is unsupported where the entry stays, and passes where
it does not, with a line of news in the report: a version that is mended.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.observe.kubeproxy_facts import About, fact
from netproof.observe.protocol import Failure
from netproof.running.collected import check_of
from netproof.running.plugin import run_record
from netproof.services.service import Service
from netproof.verdict import UnmetError, unsupported

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

SERVERS = {"app": "server"}
UDP_PORT = 8081
PORT, OTHER_PORT = 80, 81
SOURCE_PORT = 20139
A_MOMENT = 1.0
NO_MUTANTS = none_because("the subject is kube-proxy; the control is the entry while the Service has a pod")


@check(
    "services.udp-scaled-to-zero",
    subject=OWN,
    level=EXTENDED,
    control="while the Service has its pod the entry of the flow is there",
    mutants=NO_MUTANTS,
)
def test_the_flows_of_a_udp_service_end_with_its_last_pod(workspace, cluster, request):
    """A UDP Service loses its last pod: its flows' conntrack entries go, so that clients are refused, not swallowed."""
    require_choice_in_conntrack(cluster)
    node = cluster.nodes()[0]
    service = udp_service(workspace)
    start_flow(node, service, cluster.timeouts)

    address = service.cluster_ip
    workspace.api.delete("Pod", "server", workspace.namespace)

    def without_endpoints():
        go_on(node, address)
        found = service.ready_endpoints()
        require(not found, "no endpoints", found, objects=[str(service)])

    eventually(without_endpoints, within_seconds=cluster.timeouts.deletion)
    judge(request, workspace, cluster, node, address, About.UDP_WITHOUT_ENDPOINTS)


@check(
    "services.udp-deleted",
    subject=OWN,
    level=EXTENDED,
    control="while the Service is there the entry of the flow is there",
    mutants=NO_MUTANTS,
)
def test_the_flows_of_a_udp_service_end_with_it(workspace, cluster, request):
    """A UDP Service is deleted: its flows' conntrack entries go, so that nobody is led to a pod any more."""
    require_choice_in_conntrack(cluster)
    node = cluster.nodes()[0]
    service = udp_service(workspace)
    address = service.cluster_ip
    start_flow(node, service, cluster.timeouts)

    workspace.api.delete("Service", service.name, workspace.namespace)
    judge(request, workspace, cluster, node, address, About.UDP_OF_DELETED)


@check(
    "services.udp-port-changed",
    subject=OWN,
    level=EXTENDED,
    control="while the Service has the port the entry of the flow is there, and the new port answers",
    mutants=NO_MUTANTS,
)
def test_the_flows_of_a_former_udp_port_end(workspace, cluster, request):
    """A UDP Service gets another port: the conntrack entries of flows to the former one go, and it leads nowhere."""
    require_choice_in_conntrack(cluster)
    node = cluster.nodes()[0]
    service = udp_service(workspace)
    address = service.cluster_ip
    start_flow(node, service, cluster.timeouts)

    ports = [{"protocol": "UDP", "port": OTHER_PORT, "targetPort": UDP_PORT}]
    workspace.api.patch("Service", service.name, {"spec": {"ports": ports}}, workspace.namespace)
    eventually(lambda: require_programmed(node, address, OTHER_PORT), within_seconds=cluster.timeouts.rules_programmed)
    judge(request, workspace, cluster, node, address, About.UDP_OF_FORMER_PORT)


def require_choice_in_conntrack(cluster):
    """In IPVS mode the choice of a pod is kept in a table of IPVS's own, whose entries these checks do not look at."""
    if cluster.spec.proxy_mode == "ipvs":
        unsupported("IPVS keeps the choice of a pod in a table of its own", enable="--proxy-mode iptables or nftables")


def udp_service(workspace):
    """A UDP Service with one pod that answers."""
    workspace.run_pod(agnhost_pod("server", "netexec", f"--udp-port={UDP_PORT}", labels=SERVERS))
    ports = [{"protocol": "UDP", "port": PORT, "targetPort": UDP_PORT}]
    spec = {"selector": SERVERS, "ports": ports}
    workspace.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "served"}, "spec": spec})
    return Service(workspace.api, workspace.namespace, "served")


def start_flow(node, service, timeouts):
    """Send datagrams from one port until one is answered; then the flow's entry is there."""
    address = service.cluster_ip

    def answered():
        reply = node.udp(address, PORT, "hostname", timeout_seconds=1, source_port=SOURCE_PORT)
        require(reply.received == "server", "an answer of the pod", reply, objects=[str(service)])

    # A datagram that was sent before the rules were there made an entry of its own, which would be kept to.
    eventually(lambda: require_programmed(node, address), within_seconds=timeouts.rules_programmed)
    eventually(answered, within_seconds=timeouts.rules_programmed)
    require(entries(node, address), "an entry of the flow", "none", objects=[str(service), f"Node {node.name}"])


def require_programmed(node, address, port=PORT):
    """A datagram from any other port is answered."""
    reply = node.udp(address, port, "hostname", timeout_seconds=1)
    require(reply.received == "server", "an answer of the pod", reply)


def go_on(node, address):
    """Send another datagram of the flow, so that its entry stays while kube-proxy leaves it: it lasts for 30 s."""
    node.udp(address, PORT, "hostname", timeout_seconds=0.1, source_port=SOURCE_PORT)


def judge(request, workspace, cluster, node, address, about):
    """Whether the entries to an address are gone once kube-proxy has dealt with a later change than theirs."""
    spec = cluster.spec
    known = fact(about, spec.proxy_mode, spec.kubernetes_version)
    later = workspace.service("later", {"app": "nobody"}, target_port=PORT)

    def dealt_with():
        go_on(node, address)
        reply = node.connect(later.cluster_ip, PORT, timeout_seconds=1)
        require(reply.failure is Failure.REFUSED, "the later Service refused for want of endpoints", reply)

    eventually(dealt_with, within_seconds=cluster.timeouts.rules_programmed)

    def without_entries():
        go_on(node, address)
        found = entries(node, address)
        require(not found, f"no entry of a UDP flow to {address}", found, objects=[f"Node {node.name}"])

    patience = cluster.timeouts.request if known.answer == "removed" else A_MOMENT
    try:
        eventually(without_entries, within_seconds=patience)
    except UnmetError:
        if known.answer == "removed":
            raise
        unsupported(
            f"kube-proxy {spec.kubernetes_version} is known to keep such entries: {known.source}",
            enable="a Kubernetes version that is mended",
        )
    if known.answer == "kept":
        said = f"kube-proxy {spec.kubernetes_version} removes what it is known to keep: {known}"
        run_record(request.config).note(f"{check_of(request.node).facts.id}: {said}", "news")


def entries(node, address):
    """The lines of a node's conntrack table of our flow to an address, where it is led elsewhere."""
    tuple_of_flow = ("--orig-dst", address, "--orig-port-src", str(SOURCE_PORT))
    listed = node.run(["conntrack", "--dump", "--proto", "udp", *tuple_of_flow])
    assert listed.ok, f"expected conntrack on {node.name} to succeed, observed {listed.stderr}"
    return [line for line in listed.stdout.splitlines() if f"src={address}" not in line]
