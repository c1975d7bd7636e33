"""From nothing to a cluster that serves: programs, images, processes, nodes, DNS; each phase is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from netproof.cluster import provision, state, virtual
from netproof.cluster.api import ApiRefused, KubernetesApi
from netproof.cluster.local import LocalCluster, OnEvent
from netproof.cluster.names import COREDNS_IMAGE
from netproof.cluster.preflight import require, require_local
from netproof.cluster.spec import NETNS, PROXY_MODES, VM, ClusterSpec
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy, decide
from netproof.images.shortlinks import SHORT_LINK_HOSTS
from netproof.observe.kubeproxy_facts import About, fact
from netproof.own_manifests import own_objects
from netproof.toolchain import Progress, Tools, resolve_kubernetes_version
from netproof.waiting import NotYetError, TimedOutError, Timeouts, Waiter

Phase = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """What a user asks of an embedded cluster.

    Attributes:
        name: the cluster's name.
        log_directory: where its logs go.
        kubernetes_version: such as ``1.36``; None for the newest.
        node_count: how many nodes; None for two, or for one where they are virtual machines.
        proxy_mode: kube-proxy's mode.
        node_kind: what its nodes are: ``netns``, ``vm``, or ``auto``.
        images: the image policy.
        short_link_hosts: further names that cluster DNS sends to the server of short links.
        ranges: other CIDRs than the usual: ``lan_cidr``, ``pod_cidr``, ``service_cidr``.
        addon_images: the digests of images of add-ons by name, which its nodes are to have from the start.
        detach: whether the cluster outlives this process.
        confined: whether what runs in its pods is not trusted.
    """

    name: str
    log_directory: Path
    kubernetes_version: str | None = None
    node_count: int | None = None
    proxy_mode: str = "iptables"
    node_kind: str = virtual.AUTO
    images: ImagePolicy = ImagePolicy.AUTO
    short_link_hosts: tuple[str, ...] = ()
    ranges: dict[str, str] = field(default_factory=dict)
    addon_images: Mapping[str, str] = field(default_factory=dict)
    detach: bool = False
    confined: bool = False


@dataclass(frozen=True, slots=True)
class Booted:
    """A cluster that serves, with what it was made of."""

    cluster: LocalCluster
    spec: ClusterSpec
    tools: Tools
    image_reason: str
    kind_reason: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that this host can fulfil, in full."""

    request: LocalRequest
    spec: ClusterSpec
    image_reason: str
    kind_reason: str


def plan_cluster(request: LocalRequest) -> Planned:
    """Complete a request and make sure that it can be fulfilled; nothing is started.

    Raises:
        NetproofError: a version that does not exist, ranges that overlap, a name in use, a host that lacks something.
    """
    version = resolve_kubernetes_version(request.kubernetes_version)
    decision = decide(request.images)
    require_mode(request.proxy_mode, version)
    spec = ClusterSpec(
        name=request.name,
        kubernetes_version=version,
        node_count=virtual.DEFAULT_NODE_COUNT[NETNS] if request.node_count is None else request.node_count,
        proxy_mode=request.proxy_mode,
        image_policy=decision.policy,
        log_directory=str(request.log_directory.absolute()),
        confined=request.confined,
    ).with_ranges(request.ranges)
    state.require_free(request.name)
    require_local(spec.node_count)
    kind, kind_reason = virtual.choose_kind(request.node_kind, request.proxy_mode)
    spec = spec.of_kind(kind, request.node_count or virtual.DEFAULT_NODE_COUNT[kind])
    if kind == VM:
        require(virtual.lacks_of_virtual_nodes(spec.node_count))
    return Planned(request, spec, decision.reason, kind_reason)


def require_mode(mode: str, version: str) -> None:
    """Make sure that kube-proxy of a Kubernetes version offers a mode.

    Raises:
        NetproofError: it does not; the message has those that it does.
    """
    offered = [one for one in PROXY_MODES if fact(About.SUPPORT, one, version).answer != "none"]
    if mode not in offered:
        raise NetproofError(
            f"kube-proxy of Kubernetes {version} does not offer the proxy mode {mode!r}",
            f"choose one of {', '.join(offered)}, or another --kubernetes-version",
        )


def bring_up(
    planned: Planned,
    *,
    phase: Phase,
    progress: Progress,
    timeouts: Timeouts,
    on_event: OnEvent,
) -> Booted:
    """Boot an embedded cluster until its nodes are Ready and its DNS answers.

    Args:
        planned: what is asked for, completed by :func:`plan_cluster`.
        phase: times a phase, by name.
        progress: told of downloads and builds.
        timeouts: how long the cluster may take.
        on_event: told of what is reached inside a phase.

    Raises:
        NetproofError: a program can be had from nowhere, or the cluster does not come up.
    """
    request, spec = planned.request, planned.spec
    with phase("programs and images"):
        tools = provision.get_tools(spec.kubernetes_version, progress)
        images = provision.assemble_images(tools)
        unpacked = provision.unpack(tools, images, request.addon_images, progress)
        spec = spec.with_images(str(unpacked))
        if spec.node_kind == VM:
            spec = spec.with_hardware(virtual.get_hardware(tools, unpacked, progress))
            timeouts = timeouts.scaled(spec.slowness)
    spec = spec.with_tools(
        {name: str(path) for name, path in tools.programs().items()}, provision.readable_directories(tools)
    )
    hosts = tuple(dict.fromkeys((*SHORT_LINK_HOSTS, *request.short_link_hosts)))
    with phase("control plane"):
        cluster = LocalCluster.start(
            spec,
            image_server=lambda: provision.image_server_config(spec, images, hosts),
            node_files=provision.node_files(spec),
            on_event=on_event,
            detach=request.detach,
        )
    try:
        with phase("nodes and cluster DNS"):
            _install_dns(cluster, spec, hosts, timeouts, on_event)
    except TimedOutError as late:
        cluster.stop()
        said = f"the cluster came up only in part: {late}"
        raise NetproofError(said, f"all logs are in {spec.log_directory}") from None
    except BaseException:
        cluster.stop()
        raise
    return Booted(cluster, spec, tools, planned.image_reason, planned.kind_reason)


def _install_dns(
    cluster: LocalCluster, spec: ClusterSpec, hosts: tuple[str, ...], timeouts: Timeouts, on_event: OnEvent
) -> None:
    api = cluster.open_api()
    values = {
        "dns_domain": spec.dns_domain,
        "dns_address": spec.dns_address,
        "coredns_image": COREDNS_IMAGE,
        "lan_hosts": f"{spec.lan_address} {' '.join(hosts)}",
    }
    waiter = Waiter(retry_on=(NotYetError, ApiRefused))
    for obj in own_objects("coredns", values):
        what = f"{obj['kind']} of CoreDNS is applied"
        waiter.until(what, partial(api.apply, obj), timeout_seconds=timeouts.api_ready)
    waiter.until("every node is Ready", lambda: _nodes_ready(cluster, api, spec), timeout_seconds=timeouts.node_ready)
    on_event("nodes Ready")
    node = cluster.standpoint("n1")
    name = f"kubernetes.default.svc.{spec.dns_domain}"

    def answers() -> None:
        _all_components_run(cluster)
        answer = node.resolve(name, "A", server=spec.dns_address, timeout_seconds=0.5)
        if answer.addresses != (spec.kubernetes_service_address,):
            raise NotYetError(f"{answer.rcode} {answer.addresses}")

    waiter.until("cluster DNS answers on a node", answers, timeout_seconds=timeouts.dns_ready)


def _all_components_run(cluster: LocalCluster) -> None:
    if deaths := cluster.deaths():
        said = "\n".join(str(death) for death in deaths)
        raise NetproofError(f"the cluster came up only in part: {said}", f"all logs are in {cluster.logs}")


def _nodes_ready(cluster: LocalCluster, api: KubernetesApi, spec: ClusterSpec) -> None:
    _all_components_run(cluster)
    ready = {
        node["metadata"]["name"]
        for node in api.list("Node")
        for condition in node.get("status", {}).get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
    missing = {node.name for node in spec.nodes} - ready
    if missing:
        raise NotYetError(f"not Ready: {', '.join(sorted(missing))}")
