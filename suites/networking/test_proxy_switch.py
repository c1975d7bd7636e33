"""From one proxy mode to another on a living node: what kube-proxy cleans up by itself, and what a person must.

The mechanism: before kube-proxy serves anything, it removes what other modes have left: in nftables mode the chains,
sets and virtual servers of the two others, in these the table of nftables. Between iptables and IPVS it removes
nothing, since both write into the same chains: the chains of Services that iptables mode made stay, though none leads
to them any more, and the other way round virtual servers and kube-ipvs0 stay. Who wants them gone flushes the tables;
what the mode needs of them comes back with its next sync. From the clean-up to the first sync no rule leads to a pod.

The rule: kubernetes/kubernetes, cmd/kube-proxy/app/server_linux.go (``platformCleanup``). What becomes of which rules
in which version is data: netproof.observe.kubeproxy_facts. A switch that a version is known to do wrong is brought to
its end by what helps, and a version that is mended passes with a note.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.kubeproxy_facts import About, fact
from netproof.observe.mode_traces import IPTABLES, IPVS, NFTABLES, ipv6_sets, leftovers, made_by, traces
from netproof.observe.rules_of_node import ip_sets, iptables_rules, virtual_servers
from netproof.observe.switch_timeline import SwitchTimeline
from netproof.running.plugin import run_record
from netproof.services.kube_proxy import KubeProxy

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

SERVER_PORT = 8080
SERVICE_CHAINS, ENDPOINT_CHAINS = "KUBE-SVC-", "KUBE-SEP-"
INTERVAL_SECONDS = 0.1
LOST_AFTER_SECONDS, LOST_FOR_CERTAIN_AFTER_SECONDS = 1.0, 5.0
"""How long a request to the Service may take, and one to its pod: a busy machine, too, is late, and loses nothing."""
ROADS = {IPTABLES: (NFTABLES, IPTABLES), NFTABLES: (IPTABLES, NFTABLES), IPVS: (IPTABLES, NFTABLES, IPVS)}
"""By the mode of the cluster: through which modes a node goes, back to its own."""


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
    proxy = KubeProxy(cluster, node)
    service = served_by_one_pod(workspace, node)
    with proxy.brought_back():
        proxy.switch(IPTABLES)
        proxy.remove_ipvs()
        wait_until_answering(node, service, cluster.timeouts)
        require(chains_of(node, SERVICE_CHAINS), "chains of Services in iptables mode", "none", objects=[node.name])

        proxy.switch(IPVS)
        eventually(lambda: require_virtual_server(node, service), within_seconds=cluster.timeouts.rules_healed)
        eventually(lambda: require_orphans(node), within_seconds=cluster.timeouts.rules_healed)

        proxy.flush()
        eventually(lambda: require_only_rules_of_ipvs(node), within_seconds=cluster.timeouts.rules_healed)
        wait_until_answering(node, service, cluster.timeouts)


@check(
    "proxy.mode-switch",
    subject=OWN,
    level=EXTENDED,
    control="before each switch the former mode's rules are there; the same load on the pod itself loses nothing",
    mutants=none_because("the subject is kube-proxy; the control is the state before the switch, and the load beside"),
    exclusive=True,
)
def test_each_mode_leaves_nothing_to_the_next(workspace, cluster, request):
    """Through the modes and back under load: every Service answers, no other mode's rule is left; losses are drawn."""
    mode, version = cluster.spec.proxy_mode, cluster.spec.kubernetes_version
    node = cluster.nodes()[0]
    proxy = KubeProxy(cluster, node)
    service = served_by_one_pod(workspace, node)
    wait_until_answering(node, service, cluster.timeouts)
    there = {mode}
    with proxy.brought_back():
        for to in ROADS[mode]:
            before = seen(cluster, node)
            for former in there:
                require(made_by(before, former), f"rules of {former} before", "none", objects=[node.name])
            known = fact(About.FORMER_RULES, to, version, " and ".join(sorted(there)))
            under_load(request, cluster, node, service, workspace, to)
            left = leftovers(seen(cluster, node), to)
            if known.answer == "at-second-start":
                news = "" if left else f"news: kube-proxy {version} leaves nothing where it is known to: {known}"
                run_record(request.config).note(news or f"left by kube-proxy {version} until its next start: {left}")
                proxy.switch(to)
                wait_until_answering(node, service, cluster.timeouts)
                left = leftovers(seen(cluster, node), to)
            if known.answer == "kept":
                require(left, f"rules of {there} left, as is known: {known}", "none", objects=[node.name])
                there.add(to)
            else:
                if IPVS in there:
                    left = beyond_forgotten_sets(request, before, left, to, version)
                require(not left, f"no rule of a former mode of {there}", left, objects=[node.name])
                there = {to}


def beyond_forgotten_sets(request, before, left, mode, version):
    """What is left but for IP sets of IPv6 where kube-proxy is known to forget them; that it no longer does is news."""
    known, forgotten = fact(About.FORMER_IPV6_SETS, mode, version), ipv6_sets(left)
    if known.answer != "kept" or not ipv6_sets(before):
        return left
    news = f"news: kube-proxy {version} removes what it is known to forget: {known}"
    run_record(request.config).note(f"forgotten by kube-proxy {version}: {forgotten}" if forgotten else news)
    return [one for one in left if one not in forgotten]


def seen(cluster, node):
    """What the proxy modes have on a node of a cluster; of IPVS, where the cluster was made for it."""
    return traces(node, with_ipvs=cluster.spec.proxy_mode == IPVS)


def under_load(request, cluster, node, service, workspace, mode):
    """Switch a node to a mode while steady loads ask a Service and its pod; what was lost is drawn as evidence."""
    proxy = KubeProxy(cluster, node)
    timeline = SwitchTimeline(f"{proxy.says().body} to {mode}")
    slowness = cluster.spec.slowness
    interval, patience = INTERVAL_SECONDS * slowness, LOST_FOR_CERTAIN_AFTER_SECONDS * slowness
    pod = f"http://{workspace.pod('server')['status']['podIP']}:{SERVER_PORT}/hostname"
    with ExitStack() as loads:
        of_pod = loads.enter_context(node.load(pod, interval_seconds=interval, timeout_seconds=patience))
        of_service = loads.enter_context(
            node.load(
                service.url("/hostname"), interval_seconds=interval, timeout_seconds=LOST_AFTER_SECONDS * slowness
            )
        )
        wait_until_answering(node, service, cluster.timeouts)
        timeline.mark(proxy.says(), "kube-proxy is ended and started anew")
        timeline.mark(proxy.switch(mode), f"kube-proxy says that its mode is {mode}")
        later = workspace.service(f"made-in-{mode}", {"app": "server"}, target_port=SERVER_PORT)
        timeline.mark(wait_until_answering(node, later, cluster.timeouts), "a Service made since answers")
        timeline.mark(wait_until_answering(node, service, cluster.timeouts), "the Service from before answers")
    timeline.service, timeline.pod = of_service.replies, of_pod.replies
    record = run_record(request.config)
    record.note(f"proxy.mode-switch, {timeline.summary()}")
    path = record.evidence_directory("proxy.mode-switch") / f"{timeline.title.replace(' ', '-')}.txt"
    path.write_text(timeline.render(), encoding="utf-8")
    record.attach("proxy.mode-switch", path)
    expect(timeline.pod, "the pod itself").to_lose_nothing()


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


def served_by_one_pod(workspace, node):
    """A Service with one pod of agnhost on a node, which answers with its name on ``/hostname``."""
    workspace.run_pod(agnhost_pod("server", "netexec", f"--http-port={SERVER_PORT}", nodeName=node.name))
    return workspace.service("served", {"app": "server"}, target_port=SERVER_PORT)


def wait_until_answering(place, service, timeouts):
    """The reply of the pod of :func:`served_by_one_pod` through a Service, once there were three in a row."""

    def answered():
        return expect(place.get(service.url("/hostname"), timeout_seconds=1), str(service)).served_by(["server"])

    return eventually(answered, within_seconds=timeouts.rules_healed, in_a_row=3).replies[-1]
