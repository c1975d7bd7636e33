"""From iptables mode to IPVS mode on a living node: what kube-proxy leaves behind, and what a person must do.

The mechanism: between iptables and IPVS kube-proxy removes nothing, since both write into the same chains: the chains
of Services that iptables mode made stay, though nothing leads to them any more. Who wants them gone flushes the tables;
what IPVS mode needs of them comes back with its next sync. The other way round, virtual servers and kube-ipvs0 stay.

The rule: kubernetes/kubernetes, cmd/kube-proxy/app/server_linux.go (``platformCleanup``).
"""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from netproof.check import OWN, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.rules_of_node import IPVS_INTERFACE, ip_sets, iptables_rules, virtual_servers

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

CONFIGURATION = "/etc/kubernetes/kube-proxy.yaml"
METRICS = "http://127.0.0.1:10249"
SERVER_PORT = 8080
SERVICE_CHAINS, ENDPOINT_CHAINS = "KUBE-SVC-", "KUBE-SEP-"


@check(
    "ipvs.clean-up",
    subject=OWN,
    features=["proxy-mode-ipvs"],
    needs=["ipvs.configured"],
    control="right after the switch the chains of the former mode are still there, though nothing leads to them",
    mutants=none_because("the subject is kube-proxy; the control is the state that the clean-up mends"),
    exclusive=True,
)
def test_the_rules_of_iptables_mode_go_by_hand_and_those_of_ipvs_come_back(workspace, cluster):
    """After the road from iptables to ipvs, with the tables flushed by hand, only the rules of IPVS mode are there."""
    node = cluster.nodes()[0]
    service = served_by_one_pod(workspace)
    with back_to(cluster, node, "ipvs"):
        to_pure_iptables(cluster, node)
        wait_until_answering(node, service, cluster.timeouts)
        require(chains_of(node, SERVICE_CHAINS), "chains of Services in iptables mode", "none", objects=[node.name])

        switch(cluster, node, "ipvs")
        eventually(lambda: require_virtual_server(node, service), within_seconds=cluster.timeouts.rules_healed)
        eventually(lambda: require_orphans(node), within_seconds=cluster.timeouts.rules_healed)

        flush(node)
        eventually(lambda: require_only_rules_of_ipvs(node), within_seconds=cluster.timeouts.rules_healed)
        wait_until_answering(node, service, cluster.timeouts)


@contextmanager
def back_to(cluster, node, mode):
    """Whatever happens in the block, kube-proxy of the node is left in this mode."""
    try:
        yield
    finally:
        if mode_of(node) != mode:
            switch(cluster, node, mode)


def to_pure_iptables(cluster, node):
    """Bring a node into iptables mode as if it had never had another: what IPVS mode leaves is removed by hand."""
    switch(cluster, node, "iptables")
    done(node, "ipvsadm", "--clear")
    if IPVS_INTERFACE in {one.name for one in node.interfaces()}:
        done(node, "ip", "link", "delete", IPVS_INTERFACE)


def switch(cluster, node, mode):
    """Write another mode into kube-proxy's configuration, restart it, and return once it says that it has it."""
    configuration = json.loads(done(node, "cat", CONFIGURATION).stdout)
    configuration["mode"] = mode
    done(node, "tee", CONFIGURATION, stdin=json.dumps(configuration))
    cluster.local.restart(f"kube-proxy-{node.name}")
    eventually(
        lambda: require(mode_of(node) == mode, f"kube-proxy in mode {mode}", mode_of(node), objects=[node.name]),
        within_seconds=cluster.timeouts.rules_healed,
    )


def mode_of(node):
    """What kube-proxy of a node says that its mode is; empty while it says nothing."""
    return node.get(f"{METRICS}/proxyMode", timeout_seconds=2)[0].body


def flush(node):
    """Flush nat, filter and mangle as the homework does; rules that are not kube-proxy's stay."""
    rules = iptables_rules(node)
    lines = []
    for name in ("nat", "filter", "mangle"):
        chains = [one.name for one in rules.table(name).chains.values() if not (one.policy or "KUBE-" in one.name)]
        foreign = [rule.text for rule in rules.table(name).rules() if "KUBE-" not in rule.text]
        lines += [f"*{name}", *(f":{chain} - [0:0]" for chain in chains), *foreign, "COMMIT"]
    done(node, "iptables-restore", stdin="\n".join([*lines, ""]))


def chains_of(node, prefix):
    """The chains of the table nat whose names begin so."""
    return [name for name in iptables_rules(node).table("nat").chains if name.startswith(prefix)]


def require_orphans(node):
    """The chains of iptables mode are still there, and nothing leads to them."""
    nat = iptables_rules(node).table("nat")
    left = chains_of(node, SERVICE_CHAINS)
    referenced = {name: nat.references(name) for name in left if nat.references(name)}
    require(left and not referenced, "the old chains, with 0 references", referenced or left, objects=[node.name])


def require_virtual_server(node, service):
    """A Service has a virtual server with a real server on a node."""
    found = virtual_servers(node).find(service.cluster_ip, 80)
    require(found and found.targets, "a virtual server with a real server", found, objects=[str(service), node.name])


def require_only_rules_of_ipvs(node):
    """A node has the rules of IPVS mode, with their sets, and no chain of iptables mode."""
    nat = iptables_rules(node).table("nat")
    left = [name for name in nat.chains if name.startswith((SERVICE_CHAINS, ENDPOINT_CHAINS))]
    require(not left, "no chain of iptables mode", left, objects=[node.name])
    services = nat.chains.get("KUBE-SERVICES")
    sets = [rule.text for rule in services.rules if "KUBE-CLUSTER-IP" in rule.text] if services else []
    require(sets, "a rule that looks into KUBE-CLUSTER-IP", services, objects=[node.name])
    require(ip_sets(node)["KUBE-CLUSTER-IP"], "members of KUBE-CLUSTER-IP", "none", objects=[node.name])


def served_by_one_pod(workspace):
    """A Service with one pod of agnhost, which answers with its name on ``/hostname``."""
    workspace.run_pod(agnhost_pod("server", "netexec", f"--http-port={SERVER_PORT}"))
    return workspace.service("served", {"app": "server"}, target_port=SERVER_PORT)


def wait_until_answering(place, service, timeouts):
    """Return once the pod of :func:`served_by_one_pod` answers through a Service."""
    eventually(
        lambda: expect(place.get(service.url("/hostname"), timeout_seconds=2), str(service)).served_by(["server"]),
        within_seconds=timeouts.rules_healed,
        in_a_row=3,
    )


def done(node, *argv, stdin=""):
    """Run a command on a node that has to succeed."""
    completed = node.run(argv, stdin=stdin)
    assert completed.ok, f"expected {' '.join(argv)} on {node.name} to succeed, observed {completed.stderr}"
    return completed
