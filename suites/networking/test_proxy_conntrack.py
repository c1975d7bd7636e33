"""What becomes of UDP flows to a Service that has nobody behind it any more.

The mechanism: conntrack keeps the choice of a pod for as long as a flow goes on, and looks at no rule again. UDP has no
end of a connection, so a client that goes on sending keeps its entry alive, and with it the way to an address that
nobody has any more, or worse, that another pod has got. So kube-proxy removes such entries after each change.

Who sends is a pod, for what a node sends is masqueraded, and such an entry the kernel itself removes once the server's
interface is gone, if the server is on the same node.

The rule: kubernetes/kubernetes, pkg/proxy/conntrack/cleanup.go (``CleanStaleEntries``). Some versions are known to
leave entries: netproof.observe.kubeproxy_facts. There the check is unsupported where the entry stays, and passes where
it does not, with a line of news in the report: a version that is mended.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.observe.kubeproxy_facts import About, fact
from netproof.observe.protocol import Failure
from netproof.observe.standpoint import Standpoint
from netproof.services.service import Service
from netproof.verdict import UnmetError, unsupported

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

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
def test_the_flows_of_a_udp_service_end_with_its_last_pod(workspace, cluster, news):
    """A UDP Service loses its last pod: its flows' conntrack entries go, so that clients are refused, not swallowed."""
    flow = Flow.started(workspace, cluster)
    workspace.api.delete("Pod", "server", workspace.namespace)

    def without_endpoints():
        flow.go_on()
        found = flow.service.ready_endpoints()
        require(not found, "no endpoints", found, objects=[str(flow.service)])

    eventually(without_endpoints, within_seconds=cluster.timeouts.deletion)
    judge(flow, workspace, cluster, news, About.UDP_WITHOUT_ENDPOINTS)


@check(
    "services.udp-deleted",
    subject=OWN,
    level=EXTENDED,
    control="while the Service is there the entry of the flow is there",
    mutants=NO_MUTANTS,
)
def test_the_flows_of_a_udp_service_end_with_it(workspace, cluster, news):
    """A UDP Service is deleted: its flows' conntrack entries go, so that nobody is led to a pod any more."""
    flow = Flow.started(workspace, cluster)
    workspace.api.delete("Service", flow.service.name, workspace.namespace)
    judge(flow, workspace, cluster, news, About.UDP_OF_DELETED)


@check(
    "services.udp-port-changed",
    subject=OWN,
    level=EXTENDED,
    control="while the Service has the port the entry of the flow is there, and the new port answers",
    mutants=NO_MUTANTS,
)
def test_the_flows_of_a_former_udp_port_end(workspace, cluster, news):
    """A UDP Service gets another port: the conntrack entries of flows to the former one go, and it leads nowhere."""
    flow = Flow.started(workspace, cluster)
    ports = [{"protocol": "UDP", "port": OTHER_PORT, "targetPort": UDP_PORT}]
    workspace.api.patch("Service", flow.service.name, {"spec": {"ports": ports}}, workspace.namespace)
    eventually(lambda: flow.require_answer(port=OTHER_PORT), within_seconds=cluster.timeouts.rules_programmed)
    judge(flow, workspace, cluster, news, About.UDP_OF_FORMER_PORT)


@dataclass(frozen=True)
class Flow:
    """Datagrams from one port of a pod to a UDP Service with one pod, both on one node."""

    client: Standpoint
    node: Standpoint
    service: Service
    address: str

    @classmethod
    def started(cls, workspace, cluster):
        """A flow, once its entry is there."""
        if cluster.spec.proxy_mode == "ipvs":
            said = "IPVS keeps the choice of a pod in a table of its own, whose entries this check does not look at"
            unsupported(said, enable="--proxy-mode iptables or nftables")
        node = cluster.nodes()[0]
        for pod in (agnhost_pod("server", "netexec", f"--udp-port={UDP_PORT}"), agnhost_pod("client", "pause")):
            workspace.apply({**pod, "spec": {**pod["spec"], "nodeName": node.name}})
        workspace.wait_ready("server")
        ports = [{"protocol": "UDP", "port": PORT, "targetPort": UDP_PORT}]
        spec = {"selector": {"app": "server"}, "ports": ports}
        workspace.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "served"}, "spec": spec})
        service = Service(workspace.api, workspace.namespace, "served")
        flow = cls(cluster.pod(workspace.wait_ready("client")), node, service, service.cluster_ip)
        # A datagram that was sent before the rules were there made an entry of its own, which would be kept to.
        eventually(flow.require_answer, within_seconds=cluster.timeouts.rules_programmed)
        eventually(
            lambda: flow.require_answer(source_port=SOURCE_PORT), within_seconds=cluster.timeouts.rules_programmed
        )
        require(flow.entries(), "an entry of the flow", "none", objects=[str(service), f"Node {node.name}"])
        return flow

    def require_answer(self, *, port=PORT, source_port=0):
        """A datagram to a port of the Service from a port of the client, any where that is 0, is answered."""
        reply = self.client.udp(self.address, port, "hostname", timeout_seconds=1, source_port=source_port)
        require(reply.received == "server", "an answer of the pod", reply, objects=[str(self.service)])

    def go_on(self):
        """Send another datagram, so that the entry stays while kube-proxy leaves it: by itself it lasts for 30 s."""
        self.client.udp(self.address, PORT, "hostname", timeout_seconds=0.1, source_port=SOURCE_PORT)

    def entries(self):
        """The lines of the node's conntrack table of this flow, where it is led elsewhere than to the Service."""
        tuple_of_flow = ("--orig-dst", self.address, "--orig-port-src", str(SOURCE_PORT))
        listed = self.node.run(["conntrack", "--dump", "--proto", "udp", *tuple_of_flow])
        assert listed.ok, f"expected conntrack on {self.node.name} to succeed, observed {listed.stderr}"
        return [line for line in listed.stdout.splitlines() if f"src={self.address}" not in line]

    def require_no_entries(self):
        """The flow goes on, and has no entry that leads elsewhere."""
        self.go_on()
        found = self.entries()
        require(not found, f"no entry of a UDP flow to {self.address}", found, objects=[f"Node {self.node.name}"])


def judge(flow, workspace, cluster, news, about):
    """Whether the entries of a flow are gone once kube-proxy has dealt with a later change than theirs."""
    spec = cluster.spec
    known = fact(about, spec.proxy_mode, spec.kubernetes_version)
    later = workspace.service("later", {"app": "nobody"}, target_port=PORT)

    def dealt_with():
        flow.go_on()
        reply = flow.node.connect(later.cluster_ip, PORT, timeout_seconds=1)
        require(reply.failure is Failure.REFUSED, "the later Service refused for want of endpoints", reply)

    eventually(dealt_with, within_seconds=cluster.timeouts.rules_programmed)
    patience = cluster.timeouts.request if known.answer == "removed" else A_MOMENT
    try:
        eventually(flow.require_no_entries, within_seconds=patience)
    except UnmetError:
        if known.answer == "removed":
            raise
        unsupported(
            f"kube-proxy {spec.kubernetes_version} is known to keep such entries: {known.source}",
            enable="a Kubernetes version that is mended",
        )
    if known.answer == "kept":
        news(f"kube-proxy {spec.kubernetes_version} removes what it is known to keep: {known.source}")
