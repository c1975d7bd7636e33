"""What pods resolve: Kubernetes' own conformance for DNS, each behaviour over UDP and over TCP.

The mechanism: kubelet writes each pod's /etc/resolv.conf by its dnsPolicy (the name server is cluster DNS, the endings
are those of its namespace and cluster) and its /etc/hosts. Cluster DNS answers from the API's Services and
EndpointSlices (https://github.com/kubernetes/dns/blob/master/docs/specification.md).

Names in part are resolved as a resolver would that goes by the pod's own /etc/resolv.conf.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from netproof.check import CORE, EXTENDED, OWN, check, none_because
from netproof.fixtures.dns import TRANSPORTS, ShownPod, showing_pod, shown
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.services.service import Service

LABELS = {"dns-test": "true"}
PORT = 80
HEADLESS, REGULAR, HOSTNAME = "headless", "regular", "querier"
OF_NOBODY = "no-such-name"
NOT_OF_THE_CLUSTER = ("NXDOMAIN", "REFUSED", "SERVFAIL")
"""What cluster DNS may say of a name outside its domain: whether it knows another server to ask is its own affair."""
NO_MUTANTS = none_because(
    "nothing of a submission is looked at; the control is the same question for what is not there"
)

each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


@dataclass(frozen=True, slots=True)
class Named:
    """Pods and Services with names.

    Attributes:
        querier: a pod with a host name, whose subdomain is the headless Service.
        plain: a pod of the same Service, with a host name and no subdomain.
        headless: the headless Service of both.
        regular: a Service with a ClusterIP for both.
    """

    querier: ShownPod
    plain: ShownPod
    headless: Service
    regular: Service


@pytest.fixture(scope="module")
def named(cluster, module_workspace):
    """Two pods behind a headless Service and a regular one."""
    workspace = module_workspace
    ports = [{"name": "http", "protocol": "TCP", "port": PORT}]
    headless = workspace.service(HEADLESS, LABELS, target_port=PORT, ports=ports, clusterIP="None")
    regular = workspace.service(REGULAR, LABELS, target_port=PORT, ports=ports)
    querier, plain = shown(
        cluster,
        workspace,
        showing_pod("one", LABELS, hostname=HOSTNAME, subdomain=HEADLESS),
        showing_pod("two", LABELS, hostname="plain"),
    )
    return Named(querier, plain, headless, regular)


@each_transport
@check(
    "dns.pods.cluster-names",
    subject=OWN,
    level=CORE,
    control="the same name in a namespace that does not exist is NXDOMAIN",
    mutants=NO_MUTANTS,
    dimensions=["transport"],
)
def test_pods_resolve_names_of_the_cluster(named, cluster, cluster_dns, transport):
    """A pod resolves kubernetes.default.svc.cluster.local to the ClusterIP of the API."""
    resolves(
        named.querier, cluster_dns.name("kubernetes", "default"), [cluster.spec.kubernetes_service_address], transport
    )
    resolves_not(named.querier, cluster_dns.name("kubernetes", OF_NOBODY), transport)


@each_transport
@check(
    "dns.pods.services",
    subject=OWN,
    level=CORE,
    control="a port and an address that no Service has are NXDOMAIN",
    mutants=NO_MUTANTS,
    dimensions=["transport"],
)
def test_pods_resolve_services(named, cluster_dns, transport):
    """A Service's name is its ClusterIP, a headless one's its pods; ports have SRV records, a ClusterIP its PTR."""
    pod, namespace = named.querier, named.headless.namespace
    headless, regular = (cluster_dns.name(name, namespace) for name in (HEADLESS, REGULAR))
    resolves(pod, headless, [pod.address, named.plain.address], transport)
    resolves(pod, regular, [named.regular.cluster_ip], transport)
    for service, addresses in ((headless, {pod.address, named.plain.address}), (regular, {named.regular.cluster_ip})):
        targets = targets_of(pod, f"_http._tcp.{service}", transport)
        found = {address for target in targets for address in pod.look_up(target, tcp=transport == "tcp").addresses}
        require(found == addresses, f"SRV targets that are {sorted(addresses)}", sorted(found), objects=[service])
    resolves(pod, reverse(named.regular.cluster_ip), [f"{regular}."], transport, "PTR")
    resolves_not(pod, f"_https._tcp.{regular}", transport, "SRV")
    resolves_not(pod, reverse("10.255.255.254"), transport, "PTR")


@each_transport
@check(
    "dns.pods.partial-names",
    subject=OWN,
    level=CORE,
    control="the name of a Service alone, as a whole name, is no name",
    mutants=["of the check: a pod with dnsPolicy None and no search list"],
    dimensions=["transport"],
)
def test_pods_resolve_names_in_part(named, transport):
    """A pod resolves a Service of its namespace by name, name.namespace and name.namespace.svc, SRV records too."""
    pod, namespace = named.querier, named.headless.namespace
    endings = ("", f".{namespace}", f".{namespace}.svc")
    for ending in endings:
        resolves(pod, f"{HEADLESS}{ending}", [pod.address, named.plain.address], transport)
        resolves(pod, f"{REGULAR}{ending}", [named.regular.cluster_ip], transport)
    for service in (HEADLESS, REGULAR):
        targets_of(pod, f"_http._tcp.{service}.{namespace}.svc", transport)
    resolves_not(pod, f"{REGULAR}.", transport, rcodes=NOT_OF_THE_CLUSTER)


@each_transport
@check(
    "dns.pods.hostname",
    subject=OWN,
    level=CORE,
    control="a pod of the same Service without a subdomain has no name by its host name",
    mutants=["of the check: the pod has no subdomain"],
    dimensions=["transport"],
)
def test_a_pod_has_a_name_by_its_hostname(named, cluster_dns, transport):
    """A pod with hostname and subdomain has hostname.subdomain.namespace.svc.cluster.local, in /etc/hosts too."""
    pod, name = named.querier, cluster_dns.name(HOSTNAME, HEADLESS, named.headless.namespace)
    resolves(pod, name, [pod.address], transport)
    known = {one: pod.hosts.get(one) for one in (name, HOSTNAME)}
    require(set(known.values()) == {pod.address}, f"{pod.address} in /etc/hosts", known, objects=[str(pod)])
    resolves_not(pod, cluster_dns.name("plain", HEADLESS, named.headless.namespace), transport)


@each_transport
@check(
    "dns.pods.subdomain",
    subject=OWN,
    level=CORE,
    control="a subdomain that no Service is called by does not exist",
    mutants=NO_MUTANTS,
    dimensions=["transport"],
)
def test_a_subdomain_is_the_name_of_its_pods(named, cluster_dns, transport):
    """The subdomain of a pod is the name of its headless Service, and has the pod among its addresses."""
    pod, namespace = named.querier, named.headless.namespace
    resolves(pod, cluster_dns.name(HEADLESS, namespace), [pod.address, named.plain.address], transport)
    resolves(pod, cluster_dns.name(HOSTNAME, HEADLESS, namespace), [pod.address], transport)
    resolves_not(pod, cluster_dns.name(HOSTNAME, OF_NOBODY, namespace), transport)


@check(
    "dns.pods.etc-hosts",
    subject=OWN,
    level=CORE,
    control="the host name of the other pod is not in it",
    mutants=NO_MUTANTS,
)
def test_a_pod_finds_itself_in_etc_hosts(named):
    """Each pod's /etc/hosts has its own host name with its own address, and localhost."""
    for pod, other in ((named.querier, named.plain), (named.plain, named.querier)):
        own, theirs = (one.pod["spec"]["hostname"] for one in (pod, other))
        require(pod.hosts.get(own) == pod.address, f"{own} is {pod.address}", pod.hosts, objects=[str(pod)])
        require(pod.hosts.get("localhost") == "127.0.0.1", "localhost is 127.0.0.1", pod.hosts, objects=[str(pod)])
        require(theirs not in pod.hosts, f"no {theirs} in /etc/hosts", pod.hosts, objects=[str(pod)])


@each_transport
@check(
    "dns.pods.external-name",
    subject=OWN,
    level=CORE,
    control="a Service of the type ClusterIP has no CNAME",
    mutants=NO_MUTANTS,
    dimensions=["transport"],
)
def test_an_external_name_is_a_cname(named, workspace, cluster_dns, transport):
    """An ExternalName Service is a CNAME that follows its changes, and an A record once it has a ClusterIP."""
    pod, name = named.querier, cluster_dns.name("elsewhere", workspace.namespace)
    service = Service(workspace.api, workspace.namespace, "elsewhere")
    for target in ("foo.example.com", "bar.example.com"):
        workspace.apply(external_name(service.name, target))
        resolves(pod, name, [f"{target}."], transport, "CNAME")
    workspace.api.patch(
        "Service",
        service.name,
        {"spec": {"type": "ClusterIP", "externalName": None, "ports": [{"name": "http", "port": PORT}]}},
        workspace.namespace,
    )
    resolves(pod, name, [service.cluster_ip], transport)
    answer = pod.look_up(name, "CNAME", tcp=transport == "tcp")
    require(not answer.data("CNAME"), f"no CNAME for {name}", answer, objects=[str(service)])


@check(
    "dns.pods.nameservers",
    subject=OWN,
    level=CORE,
    control="the name in part that its search list completes is nobody's for a pod without that list",
    mutants=["of the check: dnsPolicy ClusterFirst, so that the pod's own endings come first"],
)
def test_a_pod_brings_its_own_name_servers(named, workspace, cluster, cluster_dns):
    """With dnsPolicy None a pod's resolver goes by its dnsConfig alone: name servers, search list and options."""
    search, name = [cluster_dns.name("default"), "resolv.conf.local"], "kubernetes"
    config = {
        "nameservers": [cluster_dns.server, "192.0.2.53"],
        "searches": search,
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }
    (pod,) = shown(cluster, workspace, showing_pod("own", dnsPolicy="None", dnsConfig=config))
    found = pod.resolv_conf
    met = found.nameservers == tuple(config["nameservers"]) and found.search == tuple(search)
    require(met, "the name servers and endings of its dnsConfig", found, objects=[str(pod)])
    options = {"ndots": "2", "rotate": ""}
    require(dict(found.options) == options, "the options of its dnsConfig, in any order", found, objects=[str(pod)])
    resolves(pod, name, [cluster.spec.kubernetes_service_address], "udp")
    resolves_not(named.querier, name, "udp", rcodes=NOT_OF_THE_CLUSTER)


@check(
    "dns.pods.policies",
    subject=OWN,
    level=EXTENDED,
    control="with ClusterFirst a pod in the node's network has the node's own resolv.conf",
    mutants=["of the check: ClusterFirst in the place of ClusterFirstWithHostNet"],
)
def test_policies_choose_the_resolver(workspace, cluster, cluster_dns):
    """ClusterFirstWithHostNet gives a pod in the node's network cluster DNS, and dnsConfig adds to ClusterFirst."""
    extra = [f"{number:038}.example.com" for number in range(6)]
    in_the_network_of = {"hostNetwork": True, "nodeName": cluster.spec.nodes[0].name}
    with_host_net, of_node, long_list = shown(
        cluster,
        workspace,
        showing_pod("with-host-net", dnsPolicy="ClusterFirstWithHostNet", **in_the_network_of),
        showing_pod("of-node", dnsPolicy="ClusterFirst", **in_the_network_of),
        showing_pod("long-list", dnsConfig={"searches": extra}),
    )
    for pod in (with_host_net, long_list):
        resolves(pod, "kubernetes.default", [cluster.spec.kubernetes_service_address], "udp")
    require(
        cluster_dns.server not in of_node.resolv_conf.nameservers,
        "the node's own name servers",
        of_node.resolv_conf,
        objects=[str(of_node)],
    )
    endings = (
        *(f"{workspace.namespace}.svc.{cluster_dns.domain}", f"svc.{cluster_dns.domain}", cluster_dns.domain),
        *extra,
    )
    require(long_list.resolv_conf.search == endings, f"{len(endings)} endings", long_list.resolv_conf)


def resolves(pod, name, wanted, transport, record_type="A"):
    """In a pod a name has exactly these records, once cluster DNS knows of it."""

    def resolved():
        answer = pod.look_up(name, record_type, tcp=transport == "tcp")
        found = answer.data(record_type)
        require(found == tuple(sorted(wanted)), f"{record_type} of {name}: {wanted}", answer, objects=[str(pod), name])

    eventually(resolved, within_seconds=pod.timeouts.rules_programmed)


def resolves_not(pod, name, transport, record_type="A", *, rcodes=("NXDOMAIN",)):
    """In a pod a name does not exist."""
    answer = pod.look_up(name, record_type, tcp=transport == "tcp")
    require(answer.rcode in rcodes, f"{name} is {' or '.join(rcodes)}", answer, objects=[str(pod), name])


def targets_of(pod, name, transport):
    """The targets of the SRV records of a port, all of which have the right port."""
    records = []

    def found():
        answer = pod.look_up(name, "SRV", tcp=transport == "tcp")
        records[:] = [record.split() for record in answer.data("SRV")]
        ports = {port for _, _, port, _ in records}
        require(ports == {str(PORT)}, f"SRV records of {name} with the port {PORT}", answer, objects=[str(pod), name])

    eventually(found, within_seconds=pod.timeouts.rules_programmed)
    return [target for _, _, _, target in records]


def reverse(address):
    """The name of an IPv4 address in the tree of addresses (RFC 1035, 3.5)."""
    return ".".join((*reversed(address.split(".")), "in-addr", "arpa"))


def external_name(name, target):
    """A Service that is another name for something outside."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"type": "ExternalName", "externalName": target},
    }
