"""What kube-proxy writes into iptables for a ClusterIP, how that follows the pods, and how it outlives a mishap.

The mechanism: see netproof.observe.kubeproxy_iptables for the layout. kube-proxy writes it anew where Services and
endpoints change, but what else it once wrote it takes for granted. Two things make it write everything: its start, and
its canaries. They are empty chains KUBE-PROXY-CANARY in the tables mangle, nat and filter; every
``iptables.syncPeriod`` (30 s by default) it looks for the one in mangle, and where that is gone it takes the rules for
flushed. So what a firewall does that reloads (``-F`` and ``-X`` in every table) is healed; a table nat that is flushed
alone is not: the canary in mangle is there, and the next full sync is up to an hour away.

The rule: kubernetes/kubernetes, pkg/util/iptables/iptables.go (``Monitor``: only the first of its tables is watched),
pkg/proxy/iptables/proxier.go (the call of ``Monitor`` with mangle first; ``syncProxyRules`` makes the jumps into its
chains only in a full sync), pkg/proxy/util/utils.go (``FullSyncPeriod``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from netproof.check import DERIVED, EXTENDED, OWN, SUBMISSION, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.kubeproxy_iptables import ServiceChains, ServiceNotProgrammedError, rejected
from netproof.observe.packetfilter import Operand
from netproof.observe.protocol import Failure
from netproof.observe.rules_of_node import iptables_rules
from netproof.observe.spread import requests_needed
from netproof.services.endpoints import endpoints_of_ready_pods
from netproof.submission.derive import replicas, short_periods
from netproof.workloads.scaling import each_number_of_pods

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PAGE = "/index.html"
PORT = 80
PORT_NOT_OFFERED = 81
SERVER_PORT = 8080
INTERVAL_SECONDS = 0.06
"""Between the requests of each of two loads, beside which an emulated node has to start its kube-proxy."""
CANARY = "KUBE-PROXY-CANARY"
CANARY_TABLES = ("mangle", "nat", "filter")
WAY_IN_AND_OUT = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "KUBE-MARK-MASQ", "KUBE-POSTROUTING")


@check(
    "clusterip.chains",
    subject=SUBMISSION,
    needs=["clusterip.spreads"],
    features=["proxy-mode-iptables"],
    control="a port that the Service does not offer has no rule",
    mutants=[
        "of the state: one pod has no rule",
        "of the state: one pod has most of the chances",
        "of the state: what comes from pods is masqueraded, too",
    ],
)
def test_rules_lead_from_the_cluster_ip_to_each_pod(web_svc_cip, web, cluster):
    """On every node KUBE-SERVICES leads to KUBE-SVC, that by equal chances to KUBE-SEP, and that by DNAT to a pod."""
    wanted = len(web.wait_available())
    for node in cluster.nodes():
        chains = eventually(
            partial(chains_to, node, web_svc_cip, web, wanted), within_seconds=cluster.timeouts.rules_programmed
        )
        require_entry(node, web_svc_cip)
        require_masquerading(chains, cluster.spec.pod_cidr, web_svc_cip)
        # A full sync, which comes once an hour and when kube-proxy starts, sets the counters back to zero.
        eventually(partial(require_counted, node, web_svc_cip, web), within_seconds=cluster.timeouts.rules_programmed)
        found = rules_or_reason(node, web_svc_cip, PORT_NOT_OFFERED)
        require(isinstance(found, str), f"no rule for port {PORT_NOT_OFFERED}", found, objects=[str(web_svc_cip)])


@check(
    "clusterip.chains-follow",
    subject=DERIVED,
    needs=["clusterip.reachable"],
    features=["proxy-mode-iptables"],
    control="without pods there are no chains, and a rule that refuses in their place",
    mutants=["of the state: kube-proxy stands still"],
)
def test_rules_follow_scaling_and_replacement(web_manifest, web_svc_cip_manifest, workspace, cluster):
    """The chains have exactly the ready pods: after scaling up, after a pod was replaced, and when none is left."""
    web = workspace.derived(web_manifest, replicas(1), short_periods())
    service = workspace.derived_service(web_svc_cip_manifest)
    for wanted in each_number_of_pods(web):
        for node in cluster.nodes():
            no_pods = partial(require_refused, node, service)
            followed = partial(chains_to, node, service, web, wanted) if wanted else no_pods
            eventually(followed, within_seconds=cluster.timeouts.rules_programmed)


@check(
    "clusterip.rules-heal",
    subject=OWN,
    level=EXTENDED,
    features=["proxy-mode-iptables"],
    control="while the canaries are in place a sync for another Service brings nothing back",
    mutants=none_because("the subject is kube-proxy; the control is the check with its canaries left alone"),
    exclusive=True,
)
def test_flushed_rules_come_back(workspace, cluster):
    """The nat table of a node is flushed and kube-proxy's canaries are gone: it writes all of its rules again."""
    node = cluster.nodes()[-1]
    service = served_by_one_pod(workspace)
    wait_until_answering(node, service, cluster.timeouts.rules_programmed)
    before = rules_to_come_back(node, workspace.namespace)
    with healed_at_the_latest_afterwards(cluster, node):
        flush_nat(node)
        expect(node.get(service.url("/hostname"), timeout_seconds=1), str(service)).to_fail_by()

        another = workspace.service("another", {"app": "server"}, target_port=SERVER_PORT)
        eventually(partial(require_rules, node, another), within_seconds=cluster.timeouts.rules_programmed)
        expect(node.get(service.url("/hostname"), timeout_seconds=1), str(service)).to_fail_by()

        delete_canaries(node)
        wait_until_answering(node, service, cluster.timeouts.rules_healed)
        eventually(
            lambda: require_no_loss(before, rules_to_come_back(node, workspace.namespace), node),
            within_seconds=cluster.timeouts.rules_programmed,
        )


@check(
    "clusterip.proxy-restart",
    subject=OWN,
    level=EXTENDED,
    control="the same load loses requests where the Service's only pod has gone",
    mutants=none_because("the subject is kube-proxy; the control is the load with something to lose"),
    exclusive=True,
)
def test_a_restart_of_kube_proxy_goes_unnoticed(workspace, cluster):
    """A steady load from a node and from a pod on it loses nothing while the node's kube-proxy restarts."""
    node = cluster.nodes()[-1]
    service = served_by_one_pod(workspace)
    client = cluster.pod(workspace.run_pod(agnhost_pod("client", "pause", nodeName=node.name)))
    url = service.url("/hostname")
    for place in (node, client):
        wait_until_answering(place, service, cluster.timeouts.rules_programmed)

    with (
        node.load(url, interval_seconds=INTERVAL_SECONDS) as of_node,
        client.load(url, interval_seconds=INTERVAL_SECONDS) as of_pod,
    ):
        cluster.local.restart(f"kube-proxy-{node.name}")
        after_restart = workspace.service("after-restart", {"app": "server"}, target_port=SERVER_PORT)
        wait_until_answering(node, after_restart, cluster.timeouts.rules_programmed)
    for load in (of_node, of_pod):
        expect(load.replies, str(service)).to_lose_nothing()

    with node.load(url) as of_node:
        workspace.api.delete("Pod", "server", workspace.namespace)
        wait_until_refusing(node, service, cluster.timeouts)
    require(of_node.replies.lost, "requests lost without the pod", of_node.replies, objects=[str(service)])


def served_by_one_pod(workspace):
    """A Service with one pod of agnhost, which answers with its name on ``/hostname``."""
    workspace.run_pod(agnhost_pod("server", "netexec", f"--http-port={SERVER_PORT}"))
    return workspace.service("served", {"app": "server"}, target_port=SERVER_PORT)


def wait_until_answering(place, service, seconds):
    """Return once the pod of :func:`served_by_one_pod` answers through a Service."""
    url = service.url("/hostname")
    eventually(
        lambda: expect(place.get(url, timeout_seconds=1), str(service)).served_by(["server"]),
        within_seconds=seconds,
        in_a_row=3,
    )


def wait_until_refusing(place, service, timeouts):
    """Return once a Service whose pod ends is refused for want of endpoints."""
    url = service.url("/hostname")
    eventually(
        lambda: expect(place.get(url, timeout_seconds=1), str(service)).to_fail_by(Failure.REFUSED),
        within_seconds=timeouts.deletion + timeouts.rules_programmed,
    )


def chains_to(node, service, web, wanted):
    """The chains of a Service on a node, which choose by equal chances among ``wanted`` pods: all that are ready."""
    objects = [str(service), str(web), f"Node {node.name}"]
    endpoints = endpoints_of_ready_pods(service, web, wanted)
    found = require_rules(node, service)
    require(found.targets == endpoints, f"DNAT to {sorted(endpoints)}", f"to {sorted(found.targets)}", objects=objects)
    chances = ", ".join(f"1/{left}" for left in range(wanted, 0, -1))
    require(found.balanced, f"the probabilities {chances}", found.probabilities, objects=objects)
    names = [found.service_chain.name, *(endpoint.chain for endpoint in found.endpoints)]
    kinds = [name.rpartition("-")[0] for name in names]
    expected = ["KUBE-SVC", *["KUBE-SEP"] * wanted]
    require(kinds == expected, "a chain KUBE-SVC and one KUBE-SEP a pod", names, objects=objects)
    return found


def require_rules(node, service):
    """The chains of a Service on a node."""
    found = rules_or_reason(node, service, PORT)
    require(not isinstance(found, str), "rules for the Service", found, objects=[str(service), f"Node {node.name}"])
    return found


def rules_or_reason(node, service, port):
    """The chains of one port of a Service on a node, or why there are none."""
    try:
        return ServiceChains.of(iptables_rules(node), service.cluster_ip, port)
    except ServiceNotProgrammedError as missing:
        return str(missing)


def require_entry(node, service):
    """Both ways into the table nat lead to KUBE-SERVICES, and the ClusterIP is written nowhere but in that table."""
    rules = iptables_rules(node)
    nat = rules.table("nat")
    without = [name for name in ("PREROUTING", "OUTPUT") if not nat.chains[name].jumping_to("KUBE-SERVICES")]
    require(not without, "PREROUTING and OUTPUT jump to KUBE-SERVICES", f"not so {without}", objects=[node.name])
    written = {rule.chain for rule in rules.mentioning(service.cluster_ip)}
    expected = {"KUBE-SERVICES", ServiceChains.of(rules, service.cluster_ip, PORT).service_chain.name}
    require(written == expected, f"the address in {sorted(expected)}", f"in {sorted(written)}", objects=[str(service)])


def require_masquerading(chains, pod_cidr, service):
    """What comes from outside the pods, and what a pod sends to itself, is marked for masquerading."""
    condition = chains.masquerade_condition
    require(
        condition == Operand(pod_cidr, negated=True),
        f"KUBE-MARK-MASQ for ! -s {pod_cidr}",
        condition or "no such rule",
        objects=[str(service)],
    )
    unmarked = [endpoint.target for endpoint in chains.endpoints if not endpoint.hairpin_marked]
    require(not unmarked, "KUBE-MARK-MASQ for each pod's own address", f"not for {unmarked}", objects=[str(service)])


def require_counted(node, service, web):
    """Each of the requests made here is counted by the rule of the pod that answered it."""
    before = counts(node, service)
    replies = node.get(service.url(PAGE), times=requests_needed(len(before)))
    expect(replies, str(service)).to_be(200)
    after = counts(node, service)
    answered = replies.served_by()
    targets = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in web.pods()}
    for name, times in answered.items():
        grown = after.get(targets[name], 0) - before.get(targets[name], 0)
        require(
            grown >= times,
            f"the rule of {name} to count its {times} connections or more",
            f"{grown} more",
            attempts=len(replies),
            objects=[str(service), f"Node {node.name}"],
        )


def counts(node, service):
    """How many connections each pod's rule has seen on a node, by the pod's address."""
    found = require_rules(node, service)
    return {endpoint.address: endpoint.jump_counters.packets for endpoint in found.endpoints}


def require_refused(node, service):
    """A Service without pods has no chains on a node, and a rule that refuses."""
    rules = iptables_rules(node)
    found = rules_or_reason(node, service, PORT)
    objects = [str(service), f"Node {node.name}"]
    require(isinstance(found, str), "no chains for a Service without pods", found, objects=objects)
    require(rejected(rules, service.cluster_ip, PORT), "a rule that refuses the Service", found, objects=objects)


def flush_nat(node):
    """Flush the table nat; what is not kube-proxy's in it, such as a CNI plugin's host ports, is put back at once."""
    foreign = [rule.text for rule in iptables_rules(node).table("nat").rules() if "KUBE-" not in rule.text]
    done(node, "iptables", "-t", "nat", "-F")
    done(node, "iptables-restore", "--noflush", stdin="\n".join(["*nat", *foreign, "COMMIT", ""]))


def delete_canaries(node):
    """Delete kube-proxy's canaries, that in mangle last, since that one it looks for."""
    for table in reversed(CANARY_TABLES):
        done(node, "iptables", "-t", table, "-X", CANARY)


def done(node, *argv, stdin=""):
    """Run a command on a node that has to succeed."""
    completed = node.run(argv, stdin=stdin)
    assert completed.ok, f"expected {' '.join(argv)} on {node.name} to succeed, observed {completed.stderr}"


def rules_to_come_back(node, namespace):
    """Kube-proxy's rules of the table nat that others cannot change meanwhile, and its canaries, as texts.

    They are the way in and out, and those of the Services of one namespace and of the cluster itself.
    """
    rules = iptables_rules(node)
    services = (f'"{namespace}/', '"default/kubernetes:', '"kube-system/kube-dns:')
    found = {
        rule.text
        for rule in rules.table("nat").rules()
        if rule.chain in WAY_IN_AND_OUT or any(name in rule.text for name in services)
    }
    canaries = {f"{table} {CANARY}" for table in CANARY_TABLES if CANARY in rules.table(table).chains}
    return found | canaries


def require_no_loss(before, after, node):
    """All that was there is there again."""
    lost = sorted(before - after)
    require(
        not lost, "all rules to be back", f"{len(lost)} are missing, such as {lost[:1]}", objects=[f"Node {node.name}"]
    )


@contextmanager
def healed_at_the_latest_afterwards(cluster, node) -> Iterator[None]:
    """Leave no node without rules, whatever the check finds: the start of kube-proxy writes them all."""
    try:
        yield
    except BaseException:
        cluster.local.restart(f"kube-proxy-{node.name}")
        raise
