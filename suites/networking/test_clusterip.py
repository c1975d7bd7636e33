"""The Service with a ClusterIP: an address that no interface has and that leads to every pod.

The mechanism: a ClusterIP is nobody's. On each node kube-proxy writes rules that give a new connection to
(ClusterIP, port) the address of one of the Service's ready pods before it is routed, and conntrack keeps to that choice
for the rest of the connection and for its replies. In iptables mode those are rules of the table nat for one protocol
and port each, so that anything else, such as a ping, meets no rule and goes where the node's routes send it.
"""

from __future__ import annotations

import json
from functools import partial
from ipaddress import ip_address

from netproof.check import DERIVED, EXTENDED, OWN, SUBMISSION, check, none_because
from netproof.fixtures.workspace import agnhost_pod
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.kubeproxy_iptables import ServiceChains, ServiceNotProgrammedError, rejected
from netproof.observe.packetfilter import Operand
from netproof.observe.protocol import Failure
from netproof.observe.rules_of_node import iptables_rules
from netproof.observe.spread import judge_spread, requests_needed
from netproof.service import endpoint_slice_manifest
from netproof.submission import derive
from netproof.submission.derive import replicas, short_periods
from netproof.verdict import UnmetError

PAGE = "/index.html"
PORT = 80
PORT_NOT_OFFERED = 81
IN_A_ROW = 3
SAMPLE = 300
"""Requests whose spread is judged: enough to see a pod that gets half of its share."""
KUBE_PROXY_CANARY = "KUBE-PROXY-CANARY"


@check(
    "clusterip.reachable",
    subject=SUBMISSION,
    needs=["deploy.replicas"],
    control="from the LAN, which has no route to it, the address is unreachable",
    mutants=["clusterip-selector-typo", "clusterip-target-port-80", "clusterip-wrong-port"],
)
def test_the_cluster_ip_answers_inside_the_cluster(applied, web_svc_cip_manifest, web_svc_cip, web, cluster, pod, lan):
    """From every node and from a pod the ClusterIP answers on port 80 with the page of the web pods."""
    applied.require(web_svc_cip_manifest)
    url = web_svc_cip.url(PAGE)
    for place in (*cluster.nodes(), pod):
        eventually(
            lambda here=place: expect(here.get(url), str(web_svc_cip)).to_be(200).served_only_by(web.pod_names()),
            within_seconds=cluster.timeouts.rules_programmed,
            in_a_row=IN_A_ROW,
        )
    expect(lan.get(url), str(web_svc_cip)).to_fail_by(Failure.UNREACHABLE, Failure.TIMEOUT)


@check(
    "clusterip.spreads",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    control="a Service of ours that leaves one of the same pods out is seen to leave it out",
    mutants=["clusterip-sticky"],
)
def test_requests_are_spread_over_all_ready_pods(web_svc_cip, web, cluster, node, workspace):
    """Every ready pod answers, and the shares are those of equal chances but for a false alarm in a million."""
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in web.wait_available()}
    wait_until_each_answers(node, web_svc_cip, pods, cluster.timeouts)
    spread = spread_of(node, web_svc_cip, pods)
    require(spread, "replies from all ready pods, spread by equal chances", spread, objects=[str(web_svc_cip)])

    *others, left_out = pods
    service = workspace.service("all-but-one", None, target_port=8000)
    (port,) = {endpoint.rpartition(":")[2] for endpoint in web_svc_cip.ready_endpoints()}
    workspace.apply(endpoint_slice_manifest(service.name, [pods[name] for name in others], int(port)))
    wait_until_each_answers(node, service, others, cluster.timeouts)
    spread = spread_of(node, service, pods)
    require(spread.missing == (left_out,), f"replies from all pods but {left_out}", spread, objects=[str(service)])


@check(
    "clusterip.no-interface",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    features=["proxy-mode-iptables"],
    control="a node's own address is on its interface, in the ARP table of the LAN, and answers both ARP and ping",
    mutants=none_because("no manifest can give a ClusterIP to an interface while kube-proxy uses iptables"),
)
def test_the_cluster_ip_is_on_no_interface(web_svc_cip, cluster, node, pod, lan):
    """The ClusterIP is on no interface and in no ARP table, nobody answers for it, and a ping to it is met by silence."""
    address, places = web_svc_cip.cluster_ip, (*cluster.nodes(), pod, lan)
    for place in (*cluster.nodes(), pod):
        ping = place.ping(address, count=2)
        require(ping.silent, f"silence to a ping from {place.name}", ping, objects=[str(web_svc_cip), address])
    require_nowhere = partial(require, objects=[str(web_svc_cip), address])
    require_nowhere(not (found := holders(places, address)), "the address on no interface", f"on {found}")
    require_nowhere(not (found := acquainted(places, address)), "the address in no ARP table", f"in that of {found}")
    require_nowhere(not (found := arp_owners(lan, address)), "nobody answers ARP for the address", found)

    of_node = cluster.spec.nodes[0].address
    ping = lan.ping(of_node)
    require(ping.answered, "the node answers a ping from the LAN", ping, objects=[of_node])
    require(node.name in holders(places, of_node), "the node's address on its interface", holders(places, of_node))
    require(lan.name in acquainted(places, of_node), "the node's address in the LAN's ARP table", lan.neighbours())
    require(arp_owners(lan, of_node), "the node answers ARP for its address", "nobody", objects=[of_node])


@check(
    "clusterip.chains",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    features=["proxy-mode-iptables"],
    control="a port that the Service does not offer has no rule",
    mutants=none_because("a Service whose rules are wrong fails clusterip.reachable or clusterip.spreads before"),
)
def test_rules_lead_from_the_cluster_ip_to_each_pod(web_svc_cip, web, cluster):
    """On every node KUBE-SERVICES leads to KUBE-SVC, that with equal chances to KUBE-SEP, and that by DNAT to a pod."""
    addresses = {pod["status"]["podIP"] for pod in web.wait_available()}
    for node in cluster.nodes():
        chains = eventually(
            partial(chains_to, node, web_svc_cip, addresses), within_seconds=cluster.timeouts.rules_programmed
        )
        require_entry(node, web_svc_cip)
        require_masquerading(chains, cluster.spec.pod_cidr, web_svc_cip)
        # A full sync, which comes once an hour and after a restart of kube-proxy, sets counters back to zero.
        eventually(partial(require_counted, node, web_svc_cip, web), within_seconds=cluster.timeouts.rules_programmed)

        not_offered = rule_or_reason(node, web_svc_cip, PORT_NOT_OFFERED)
        require(
            isinstance(not_offered, str),
            f"no rule for port {PORT_NOT_OFFERED}",
            not_offered,
            objects=[str(web_svc_cip)],
        )


@check(
    "clusterip.chains-follow",
    subject=DERIVED,
    needs=["clusterip.chains"],
    features=["proxy-mode-iptables"],
    control="without pods there is no chain any more, and a rule that refuses in its place",
    mutants=["of the check: the number of pods is judged by a scaling that did not happen"],
)
def test_rules_follow_scaling_and_replacement(web_manifest, web_svc_cip_manifest, workspace, cluster):
    """The chains have exactly the pods that there are after scaling up, after the replacement of one, and down."""
    web = workspace.derived(web_manifest, replicas(1), short_periods())
    service = workspace.derived_service(web_svc_cip_manifest)
    require_chains_follow(cluster, service, web, replicas=1)

    web.scale(3)
    require_chains_follow(cluster, service, web, replicas=3)

    replaced = web.pods()[0]
    workspace.api.delete("Pod", replaced["metadata"]["name"], workspace.namespace)
    require_chains_follow(cluster, service, web, replicas=3, without=replaced)

    web.scale(0)
    for node in cluster.nodes():
        eventually(partial(require_refusing, node, service), within_seconds=cluster.timeouts.rules_programmed)


def answer_of(place, service, names):
    """One reply of a Service through its ClusterIP, of one of the pods that are called ``names``."""
    return expect(place.get(service.url(PAGE)), str(service)).served_only_by(names)


def wait_until_each_answers(place, service, names, timeouts):
    """Return once as many requests as reach every one of the pods but for a false alarm have reached each."""
    url, needed = service.url(PAGE), requests_needed(len(names))
    eventually(
        lambda: expect(place.get(url, times=needed), str(service)).served_by(names),
        within_seconds=timeouts.rules_programmed,
    )


def spread_of(place, service, names):
    """How a fresh sample of requests is spread over the pods called ``names``."""
    replies = place.get(service.url(PAGE), times=SAMPLE, concurrency=4)
    expect(replies, str(service)).to_be(200)
    return judge_spread(replies.served_by(), names)


def holders(places, address):
    """The places that have an address on an interface."""
    return [place.name for place in places if address in place.addresses()]


def acquainted(places, address):
    """The places that have an address in their ARP table, even as one that was not found."""
    return [place.name for place in places if address in {one.address for one in place.neighbours()}]


def arp_owners(lan, address):
    """Who answers ARP for an address on the LAN: asked on the LAN's bridge."""
    (bridge,) = [one.name for one in lan.interfaces() if one.kind == "bridge"]
    return [owner.mac for owner in lan.arp_owners(address, bridge)]


def chains_to(node, service, addresses):
    """The chains of a Service on a node; they choose with equal chances among exactly these addresses of pods."""
    found = rule_or_reason(node, service, PORT)
    objects = [str(service), f"Node {node.name}"]
    require(not isinstance(found, str), "rules for the Service", found, objects=objects)
    wanted = service.ready_endpoints()
    pods = {target.rpartition(":")[0] for target in wanted}
    require(pods == addresses, f"ready endpoints {sorted(addresses)}", sorted(wanted), objects=objects)
    require(found.targets == wanted, f"DNAT to {sorted(wanted)}", f"to {sorted(found.targets)}", objects=objects)
    chances = ", ".join(f"1/{left}" for left in range(len(wanted), 0, -1))
    require(found.balanced, f"the probabilities {chances}", found.probabilities, objects=objects)
    names = [found.service_chain.name, *(endpoint.chain for endpoint in found.endpoints)]
    kinds = [name.rpartition("-")[0] for name in names]
    require(
        kinds == ["KUBE-SVC", *["KUBE-SEP"] * len(wanted)],
        "a chain KUBE-SVC and one KUBE-SEP a pod",
        names,
        objects=objects,
    )
    return found


def rule_or_reason(node, service, port):
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
    found = rule_or_reason(node, service, PORT)
    require(not isinstance(found, str), "rules for the Service", found, objects=[str(service)])
    return {endpoint.address: endpoint.jump_counters.packets for endpoint in found.endpoints}
