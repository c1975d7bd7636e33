"""The Service with a ClusterIP: an address that no interface has and that leads to every pod.

The mechanism: a ClusterIP is nobody's. On each node kube-proxy writes rules that give a new connection to
(ClusterIP, port) the address of one of the Service's ready pods before it is routed, and conntrack keeps to that choice
for the rest of the connection and for its replies. In iptables mode those are rules of the table nat for one protocol
and port each, so that anything else, such as a ping, meets no rule and goes where the node's routes send it.
"""

from __future__ import annotations

from functools import partial

import pytest

from netproof.check import SUBMISSION, check
from netproof.observe.announcers import arp_owners
from netproof.observe.eventually import eventually, until_reply
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import judge_spread, requests_needed
from netproof.services.service import endpoint_slice_manifest

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PAGE = "/index.html"
IN_A_ROW = 3
SAMPLE = 300
"""Requests whose spread is judged: enough to see a pod that gets half of its share."""


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
    mutants=["of the state: the loopback interface has the address", "of the state: the ARP table has the address"],
)
def test_the_cluster_ip_is_on_no_interface(web_svc_cip, cluster, node, pod, lan):
    """The ClusterIP is on no interface and in no ARP table, nobody answers ARP for it, and a ping meets silence."""
    address, places = web_svc_cip.cluster_ip, (*cluster.nodes(), pod, lan)
    for place in (*cluster.nodes(), pod):
        ping = place.ping(address, count=2, timeout_seconds=0.5)
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


def wait_until_each_answers(place, service, names, timeouts):
    """Return once as many requests as reach every one of the pods but for a false alarm have reached each."""
    url, needed = service.url(PAGE), requests_needed(len(names))
    until_reply(place, url, within_seconds=timeouts.rules_programmed)
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
