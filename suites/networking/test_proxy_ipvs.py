"""What kube-proxy makes in IPVS mode: virtual servers of the kernel, an interface that has every address, IP sets.

The mechanism: IPVS balances in the kernel's path of packets that are for this host (INPUT), so each address of a
Service must be the node's own. kube-proxy puts them on kube-ipvs0, a dummy interface that is down: its addresses are
local all the same, and nobody outside is told of them. A virtual server for each address and port chooses a pod by
round-robin and rewrites the destination (Masq). What IPVS cannot do, masquerading and refusing, is left to a few rules
of iptables that look into IP sets.

The rule: kubernetes/kubernetes, pkg/proxy/ipvs/README.md and proxier.go (``syncProxyRules``), ipset.go (the sets).
"""

from __future__ import annotations

from functools import partial

import pytest

from netproof.check import DERIVED, EXTENDED, OWN, SUBMISSION, check, none_because
from netproof.observe.eventually import eventually, until_reply
from netproof.observe.expectations import expect, require
from netproof.observe.ipvs import RealServer
from netproof.observe.rules_of_node import IPVS_INTERFACE, ip_sets, virtual_servers
from netproof.running.plugin import run_record
from netproof.services.endpoints import endpoints_of_ready_pods
from netproof.services.service import endpoint_slice_manifest
from netproof.submission.derive import replicas, short_periods
from netproof.workloads.scaling import each_number_of_pods

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

IPVS = ["proxy-mode-ipvs"]
PAGE = "/index.html"
PORT = 80
PORT_NOT_OFFERED = 81
ROUNDS = 4
METRICS = "http://127.0.0.1:10249"
"""Where kube-proxy says by itself how it runs."""
STRICT_ARP = {"arp_ignore": "1", "arp_announce": "2"}
"""What strictARP sets in net.ipv4.conf.all: answer for, and announce, only what the asked interface itself has."""
NO_MUTANTS = none_because("what a manifest can break here fails clusterip.reachable before")


@check(
    "ipvs.configured",
    subject=OWN,
    features=IPVS,
    control="the node's interface on the LAN is up and answers ARP",
    mutants=["of the state: ARP is not strict", "of the state: kube-ipvs0 is up"],
)
def test_kube_proxy_runs_in_ipvs_mode(cluster):
    """On every node ARP is strict, kube-ipvs0 is there, DOWN and NOARP, and kube-proxy says that it uses ipvs."""
    for node in cluster.nodes():
        seen = {name: read(node, f"/proc/sys/net/ipv4/conf/all/{name}") for name in STRICT_ARP}
        require(seen == STRICT_ARP, f"strict ARP: {STRICT_ARP}", seen, objects=[f"Node {node.name}"])
        interface = interface_of(node, IPVS_INTERFACE)
        is_quiet = "UP" not in interface.flags and "NOARP" in interface.flags
        require(is_quiet, f"{IPVS_INTERFACE} not UP, and NOARP", interface.flags, objects=[f"Node {node.name}"])
        require(interface.kind == "dummy", "a dummy interface", interface.kind, objects=[f"Node {node.name}"])

        on_lan = interface_of(node, "eth0")
        is_loud = "UP" in on_lan.flags and "NOARP" not in on_lan.flags
        require(is_loud, "eth0 UP, with ARP", on_lan.flags, objects=[f"Node {node.name}"])

        mode = node.get(f"{METRICS}/proxyMode")[0].body
        require(mode == "ipvs", "kube-proxy in mode ipvs", mode, objects=[f"Node {node.name}"])


@check(
    "ipvs.table",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    features=IPVS,
    control="a port that the Service does not offer has no virtual server",
    mutants=[
        "of the state: a real server is none of the pods",
        "of the state: the scheduler is another",
        "of the state: a port has a virtual server that the Service does not have",
    ],
)
def test_a_virtual_server_leads_to_each_pod(web_svc_cip, web, cluster):
    """On every node ClusterIP:80 is a virtual server by rr with each pod as a real server by Masq, and nothing else."""
    wanted = len(web.wait_available())
    for node in cluster.nodes():
        eventually(
            partial(require_real_servers, node, web_svc_cip, web, wanted),
            within_seconds=cluster.timeouts.rules_programmed,
        )
        address = web_svc_cip.cluster_ip
        found = [one.target for one in virtual_servers(node).of_address(address)]
        require(found == [f"{address}:{PORT}"], f"one virtual server, on {PORT}", found, objects=[str(web_svc_cip)])
        other = virtual_servers(node).find(address, PORT_NOT_OFFERED)
        require(other is None, f"none on {PORT_NOT_OFFERED}", other, objects=[str(web_svc_cip)])


@check(
    "ipvs.table-follows",
    subject=DERIVED,
    needs=["clusterip.reachable"],
    features=IPVS,
    control="without pods the virtual server is there and has no real server",
    mutants=["of the state: kube-proxy stands still"],
)
def test_the_real_servers_follow_scaling_and_replacement(web_manifest, web_svc_cip_manifest, workspace, cluster):
    """The real servers are exactly the ready pods: after scaling up, after a replacement, and when none is left."""
    web = workspace.derived(web_manifest, replicas(1), short_periods())
    service = workspace.derived_service(web_svc_cip_manifest)
    for wanted in each_number_of_pods(web):
        for node in cluster.nodes():
            eventually(
                partial(require_real_servers, node, service, web, wanted),
                within_seconds=cluster.timeouts.rules_programmed,
            )


@check(
    "ipvs.addresses",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    features=IPVS,
    control="the address of a Service that is deleted goes, from the interface and from the sets",
    mutants=["of the state: kube-proxy stands still"],
)
def test_every_address_is_on_the_interface_and_in_its_set(web_svc_cip, workspace, cluster, api):
    """Each ClusterIP and load balancer's address is a /32 on kube-ipvs0, and the IP sets have what belongs there."""
    balanced = with_load_balancer(workspace, "balanced", cluster.spec.unused_lan_address)
    temporary = workspace.service("temporary", {"app": "nobody"}, target_port=PORT)
    gone = temporary.cluster_ip
    for node in cluster.nodes():
        eventually(
            partial(require_addresses, node, api, [web_svc_cip.cluster_ip, gone, cluster.spec.unused_lan_address]),
            within_seconds=cluster.timeouts.rules_programmed,
        )
        sets, objects = ip_sets(node), [str(balanced), f"Node {node.name}"]
        entry = f"{cluster.spec.unused_lan_address},tcp:{PORT}"
        require(entry in sets["KUBE-LOAD-BALANCER"], f"{entry} in KUBE-LOAD-BALANCER", sets, objects=objects)
        loops = expected_loops(web_svc_cip, api, node.name)
        require(loops <= sets["KUBE-LOOP-BACK"], f"{loops} in KUBE-LOOP-BACK", sets, objects=[str(web_svc_cip)])

    workspace.api.delete("Service", "temporary", workspace.namespace)
    for node in cluster.nodes():
        eventually(
            partial(require_no_trace, node, gone, str(temporary)), within_seconds=cluster.timeouts.rules_programmed
        )


@check(
    "ipvs.round-robin",
    subject=SUBMISSION,
    needs=["clusterip.reachable"],
    features=IPVS,
    control="with session affinity the same requests all go to one pod",
    mutants=NO_MUTANTS,
)
def test_requests_go_round(web_svc_cip, web, workspace, cluster, node):
    """One after the other, the requests of a client go to the pods in a constant order that repeats."""
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in web.wait_available()}
    (target,) = {int(endpoint.rpartition(":")[2]) for endpoint in web_svc_cip.ready_endpoints()}
    around = to_pods(workspace, "around", pods, target)
    stays = to_pods(workspace, "stays", pods, target, sessionAffinity="ClientIP")
    for service in (around, stays):
        until_reply(node, service.url(PAGE), within_seconds=cluster.timeouts.rules_programmed)
        eventually(
            lambda one=service: require_targets(node, one, pods.values(), target),
            within_seconds=cluster.timeouts.rules_programmed,
        )

    count = len(pods)
    order = servers_in_order(node, around, ROUNDS * count)
    expected = order[:count] * ROUNDS
    met = order == expected and set(order) == set(pods)
    require(met, f"{ROUNDS} rounds over {sorted(pods)} in one order", order, objects=[str(around)])
    order = servers_in_order(node, stays, count)
    require(len(set(order)) == 1, "one pod for all requests", order, objects=[str(stays)])


@check(
    "ipvs.strict-arp",
    subject=OWN,
    level=EXTENDED,
    features=IPVS,
    control="with arp_ignore 0, as without strictARP, the node answers for an address that it does not announce",
    mutants=none_because("the subject is the node; the control is the wrong answer that strictARP prevents"),
    exclusive=True,
)
def test_strict_arp_keeps_a_node_from_answering_for_a_load_balancer(workspace, cluster, lan, request):
    """A node that has a load balancer's address on kube-ipvs0 answers no ARP request for it: that is MetalLB's part."""
    node, address = cluster.nodes()[0], cluster.spec.unused_lan_address
    service = with_load_balancer(workspace, "balanced", address)
    eventually(
        lambda: require(address in node.addresses(), f"{address} on {node.name}", "it is not", objects=[str(service)]),
        within_seconds=cluster.timeouts.rules_programmed,
    )
    (bridge,) = [one.name for one in lan.interfaces() if one.kind == "bridge"]
    owners = lan.arp_owners(address, bridge)
    require(not owners, f"nobody to answer ARP for {address}", owners, objects=[str(service)])

    own = interface_of(node, "eth0").mac
    try:
        node.run(["sysctl", "-w", "net.ipv4.conf.all.arp_ignore=0"])
        owners = [owner.mac for owner in lan.arp_owners(address, bridge)]
        require(owners == [own], f"the wrong answer, of {node.name} ({own})", owners, objects=[str(service)])
        said = (
            f"ARP for {address}, a load balancer's on kube-ipvs0: nobody answers; without strictARP {own}, {node.name}"
        )
        run_record(request.config).note(said)
    finally:
        node.run(["sysctl", "-w", f"net.ipv4.conf.all.arp_ignore={STRICT_ARP['arp_ignore']}"])


def read(node, path):
    """What a file on a node says."""
    return node.run(["cat", path]).stdout.strip()


def interface_of(node, name):
    """An interface of a node."""
    found = {one.name: one for one in node.interfaces()}
    require(name in found, f"an interface {name}", sorted(found), objects=[f"Node {node.name}"])
    return found[name]


def require_real_servers(node, service, web, wanted):
    """The Service's virtual server on a node has the ready pods, of which there are ``wanted``, and no others."""
    objects = [str(service), str(web), f"Node {node.name}"]
    endpoints = endpoints_of_ready_pods(service, web, wanted)
    found = virtual_servers(node).find(service.cluster_ip, PORT)
    require(found is not None, f"a virtual server {service.cluster_ip}:{PORT}", "none", objects=objects)
    require(found.scheduler == "rr", "the scheduler rr", found.scheduler, objects=objects)
    expected = {RealServer(endpoint, "Masq", 1) for endpoint in endpoints}
    require(set(found.real_servers) == expected, sorted(map(str, expected)), found.real_servers, objects=objects)


def require_targets(node, service, addresses, port):
    """A Service's virtual server on a node has these addresses as real servers."""
    found = virtual_servers(node).find(service.cluster_ip, PORT)
    expected = {f"{address}:{port}" for address in addresses}
    require(found and found.targets == expected, f"real servers {sorted(expected)}", found, objects=[str(service)])


def to_pods(workspace, name, pods, port, **spec):
    """A Service of ours that leads to pods of another namespace."""
    service = workspace.service(name, None, target_port=port, **spec)
    workspace.apply(endpoint_slice_manifest(name, list(pods.values()), port))
    return service


def servers_in_order(node, service, times):
    """Who answered each of so many requests, one after the other."""
    names = []
    for _ in range(times):
        replies = node.get(service.url(PAGE))
        expect(replies, str(service)).to_be(200)
        names.extend(replies.served_by())
    return names


def with_load_balancer(workspace, name, address):
    """A Service of a class that nobody looks after, with a load balancer's address written by us."""
    spec = {"type": "LoadBalancer", "loadBalancerClass": "netproof.io/by-hand"}
    service = workspace.service(name, {"app": "nobody"}, target_port=PORT, **spec)
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    workspace.api.patch("Service", name, status, workspace.namespace, subresource="status")
    return service


def require_addresses(node, api, wanted):
    """The interface of a node has every address of every Service, each as /32; so have the sets."""
    services = [one for one in api.list("Service") if one["spec"].get("clusterIP") not in {None, "", "None"}]
    cluster_ips = {one["spec"]["clusterIP"] for one in services}
    ingress = [point.get("ip") for one in services for point in one["status"]["loadBalancer"].get("ingress", [])]
    expected = {f"{address}/32" for address in (*cluster_ips, *filter(None, ingress))}
    objects = [f"Node {node.name}"]
    require({f"{one}/32" for one in wanted} <= expected, f"{wanted} among the Services' addresses", expected)
    found = set(interface_of(node, IPVS_INTERFACE).addresses)
    observed = f"missing {sorted(expected - found)}, too many {sorted(found - expected)}"
    require(found == expected, f"{IPVS_INTERFACE} to have each address of a Service as /32", observed, objects=objects)
    sets = ip_sets(node)
    ports = {
        f"{one['spec']['clusterIP']},{port['protocol'].lower()}:{port['port']}"
        for one in services
        for port in one["spec"]["ports"]
    }
    observed = sorted(ports ^ sets["KUBE-CLUSTER-IP"])
    require(sets["KUBE-CLUSTER-IP"] == ports, "KUBE-CLUSTER-IP to have each ClusterIP with its ports", observed)
    observed = sets["KUBE-IPVS-IPS"]
    require({f"{one}/32" for one in observed} == expected, "KUBE-IPVS-IPS to have the same", observed, objects=objects)


def expected_loops(service, api, node):
    """What KUBE-LOOP-BACK must have for the pods of a Service on a node: traffic of a pod to itself."""
    on_node = {pod["status"].get("podIP") for pod in api.list("Pod") if pod["spec"].get("nodeName") == node}
    pairs = [endpoint.rpartition(":") for endpoint in service.ready_endpoints()]
    return {f"{address},tcp:{port},{address}" for address, _, port in pairs if address in on_node}


def require_no_trace(node, address, service):
    """An address is neither on the interface nor in a set of a node, and has no virtual server."""
    objects = [service, f"Node {node.name}"]
    require(address not in node.addresses(), f"{address} on no interface", "it still is", objects=objects)
    found = [name for name, members in ip_sets(node).items() if any(one.startswith(address) for one in members)]
    require(not found, f"{address} in no set", found, objects=objects)
    servers = virtual_servers(node).of_address(address)
    require(not servers, "no virtual server", servers, objects=objects)
