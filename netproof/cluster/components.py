"""The command lines and configuration files of an embedded cluster's components.

Flags that are not explained here are what kubeadm would set. Where a value differs from the usual it says why.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netproof.cluster.confinement import KUBELET
from netproof.cluster.names import PAUSE_IMAGE
from netproof.cluster.spec import ClusterSpec, NodeSpec
from netproof.cluster.state import StateDirectory
from netproof.images.policy import ImagePolicy
from netproof.node.links import UPLINK, tap_of
from netproof.node.vm import qemu
from netproof.node.vm.machine import VirtualMachine
from netproof.node.vm.qemu import VirtualHardware

CONTROL_PLANE = "control-plane"
LAN = "lan"
REGISTRY_PORT = 5000
_UPLINK_PORT = 3128
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
_STATISTICS_PERIOD = "10m"
"""How often containerd and kubelet's cAdvisor read how much each container uses, which nobody here asks them for."""
_APPARMOR = Path("/sys/kernel/security/apparmor")
_AGENTS_INSIDE = Path("/run/netproof")
"""Where the agents of a virtual machine listen, inside."""
_RUNTIME_REQUEST_SECONDS = 120
"""The kubelet's own default."""
BOOT_SECONDS, SILENCE_SECONDS = 180.0, 60.0
"""How long a virtual machine may take to come up, and be silent, before it is given up."""


@dataclass(frozen=True, slots=True)
class Component:
    """One process of a cluster.

    Attributes:
        name: what it is called in messages and logs.
        machine: where it runs: ``lan``, ``control-plane`` or a node's name; "" for the host's network.
        argv: its command line.
        environment: what is added to its environment.
        after: a unix socket on a virtual machine that must be listened on before; elsewhere the order of starts does.
    """

    name: str
    machine: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    after: str = ""


def etcd(spec: ClusterSpec, state: StateDirectory) -> Component:
    """The cluster's store. Its data need not outlive the run, so it does not wait for the disk."""
    return Component(
        "etcd",
        CONTROL_PLANE,
        (
            spec.tools["etcd"],
            f"--data-dir={state.volatile / 'etcd'}",
            "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--log-level=warn",
        ),
    )


def kube_apiserver(spec: ClusterSpec, state: StateDirectory) -> Component:
    """The API server.

    It stands on a host that has no Service rules, so it sends what is for a Service (webhooks, aggregated APIs) to the
    Service's endpoints itself (``--enable-aggregator-routing``).
    """
    pki = state.pki
    return Component(
        "kube-apiserver",
        CONTROL_PLANE,
        (
            spec.tools["kube-apiserver"],
            "--etcd-servers=http://127.0.0.1:2379",
            f"--service-cluster-ip-range={spec.service_cidr}",
            "--secure-port=6443",
            f"--advertise-address={spec.control_plane_address}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'admin.crt'}",
            f"--kubelet-client-key={pki / 'admin.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer=https://kubernetes.default.svc.{spec.dns_domain}",
            f"--service-account-key-file={pki / 'service-account.pub'}",
            f"--service-account-signing-key-file={pki / 'service-account.key'}",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            "--enable-aggregator-routing=true",
            "--enable-admission-plugins=NodeRestriction",
            f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
        ),
    )


def kube_controller_manager(spec: ClusterSpec, state: StateDirectory) -> Component:
    """The controllers; alone, so without leader election.

    They make some hundred requests for their accounts before they start; at the usual 20 a second that takes 6 s.
    """
    kubeconfig = state.pki / "kube-controller-manager.kubeconfig"
    return Component(
        "kube-controller-manager",
        CONTROL_PLANE,
        (
            spec.tools["kube-controller-manager"],
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={state.pki / 'service-account.key'}",
            f"--root-ca-file={state.pki / 'ca.crt'}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--cluster-cidr={spec.pod_cidr}",
            f"--service-cluster-ip-range={spec.service_cidr}",
            "--allocate-node-cidrs=true",
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ),
    )


def kube_scheduler(spec: ClusterSpec, state: StateDirectory) -> Component:
    """The scheduler; alone, so without leader election."""
    kubeconfig = state.pki / "kube-scheduler.kubeconfig"
    return Component(
        "kube-scheduler",
        CONTROL_PLANE,
        (
            spec.tools["kube-scheduler"],
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--leader-elect=false",
        ),
    )


def containerd(spec: ClusterSpec, node: NodeSpec) -> Component:
    """A node's container runtime."""
    directories = {
        str(Path(spec.tools[program]).parent) for program in ("containerd", "containerd-shim-runc-v2", "runc")
    }
    path = ":".join([*sorted(directories), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
    return Component(
        f"containerd-{node.name}",
        node.name,
        (spec.tools["containerd"], "--config=/etc/containerd/config.toml", "--log-level=warn"),
        {"PATH": path} | (_proxy(spec) if pulls_images(spec) else {}),
    )


def kubelet(spec: ClusterSpec, state: StateDirectory, node: NodeSpec) -> Component:
    """A node's kubelet."""
    return Component(
        f"kubelet-{node.name}",
        node.name,
        (
            spec.tools["kubelet"],
            "--config=/etc/kubernetes/kubelet.yaml",
            f"--kubeconfig={state.pki / f'kubelet-{node.name}.kubeconfig'}",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
            f"--housekeeping-interval={_STATISTICS_PERIOD}",
        ),
        after=CONTAINERD_SOCKET,
    )


def kube_proxy(spec: ClusterSpec, node: NodeSpec) -> Component:
    """A node's kube-proxy."""
    return Component(
        f"kube-proxy-{node.name}", node.name, (spec.tools["kube-proxy"], "--config=/etc/kubernetes/kube-proxy.yaml")
    )


def image_server(config: Path) -> Component:
    """The registry that the nodes mirror from, and the server of short links, on the LAN."""
    return Component("image-server", LAN, (sys.executable, "-m", "netproof.images.server", "--config", str(config)))


def pulls_images(spec: ClusterSpec) -> bool:
    """Whether the nodes get images from registries outside."""
    return spec.image_policy == ImagePolicy.PULL


def uplink(spec: ClusterSpec, network: str) -> Component:
    """The nodes' way to registries outside; ``network`` is that of the LAN."""
    where = (f"--network={network}", f"--address={spec.lan_address}", f"--port={_UPLINK_PORT}")
    return Component("uplink", "", (sys.executable, "-m", "netproof.cluster.uplink", *where))


def _proxy(spec: ClusterSpec) -> dict[str, str]:
    address = f"http://{spec.lan_address}:{_UPLINK_PORT}"
    return {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": f"{spec.lan_address},127.0.0.1,localhost"}


def forwarder(spec: ClusterSpec, descriptor: int, network: str) -> Component:
    """What leads from the host's loopback to the API server."""
    return Component(
        "forwarder",
        "",
        (
            sys.executable,
            "-m",
            "netproof.cluster.forwarder",
            f"--listener={descriptor}",
            f"--network={network}",
            f"--to={spec.control_plane_address}:6443",
        ),
    )


def agent(name: str, machine: str, socket_path: Path, network: str = "") -> Component:
    """Who acts for the test process on ``machine``, or in the network namespace at the path ``network``."""
    argv = (sys.executable, "-m", "netproof.observe.agent", "--socket", str(socket_path), "--name", name)
    if network:
        return Component(f"agent-{name}", "", ("nsenter", f"--net={network}", "--", *argv))
    return Component(f"agent-{name}", machine, argv)


def virtual_machine(hardware: VirtualHardware, state: StateDirectory, node: NodeSpec) -> Component:
    """The machine of a node that has a kernel of its own; its log is the machine's console."""
    octets = "".join(f":{int(part):02x}" for part in node.address.split("."))
    argv = qemu.command_line(
        hardware,
        initrd=state.initrd(node.name),
        tap=tap_of(node.name),
        mac=f"52:54{octets}",
        port=state.port_socket(node.name),
    )
    return Component(f"vm-{node.name}", LAN, tuple(argv))


def link(spec: ClusterSpec, state: StateDirectory, node: NodeSpec) -> Component:
    """What leads to a virtual machine."""
    argv = (
        *(sys.executable, "-m", "netproof.node.vm.link"),
        f"--machine={state.port_socket(node.name)}",
        f"--listen={state.link_socket(node.name)}",
        f"--console={Path(spec.log_directory) / f'vm-{node.name}.log'}",
        f"--boot-seconds={BOOT_SECONDS}",
        f"--silence-seconds={SILENCE_SECONDS}",
    )
    return Component(f"link-{node.name}", "", argv)


def agent_in(machine: VirtualMachine, name: str, socket_path: Path, network: str = "") -> Component:
    """Who acts on a virtual machine, or in the network namespace at the path ``network`` of it."""
    inside = _AGENTS_INSIDE / f"{name}.sock"
    argv = [sys.executable, "-m", "netproof.observe.agent", "--socket", str(inside), "--name", name, "--load"]
    if network:
        argv = ["nsenter", f"--net={network}", "--", *argv]
    return Component(f"agent-{name}", "", tuple(machine.enter(argv, forward=(socket_path, inside))))


def node_files(spec: ClusterSpec, state: StateDirectory, node: NodeSpec) -> dict[str, str]:
    """The configuration files of a node, by path inside it."""
    return {
        "/etc/containerd/config.toml": _containerd_config(spec, node),
        "/etc/cni/net.d/10-netproof.conflist": json.dumps(_cni_config(node), indent=2),
        "/etc/kubernetes/kubelet.yaml": json.dumps(_kubelet_config(spec, state, node), indent=2),
        "/etc/kubernetes/kube-proxy.yaml": json.dumps(_kube_proxy_config(spec, state, node), indent=2),
        "/etc/kubernetes/masquerade.nft": _masquerade(spec),
        "/etc/resolv.conf": f"nameserver {spec.lan_address}\n",
        "/etc/hostname": f"{node.name}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n{node.address} {node.name}\n",
    }


def pki_files(state: StateDirectory, node: NodeSpec) -> dict[str, str]:
    """Keys, certificates and kubeconfigs of a node's components, for a node that does not see the host's files."""
    kubelet = f"kubelet-{node.name}"
    names = ("ca.crt", f"{kubelet}.crt", f"{kubelet}.key", f"{kubelet}.kubeconfig", "kube-proxy.kubeconfig")
    return {str(state.pki / name): (state.pki / name).read_text(encoding="utf-8") for name in names}


def _containerd_config(spec: ClusterSpec, node: NodeSpec) -> str:
    """Containerd's configuration, version 3. A virtual machine has AppArmor in its kernel, and not its programs.

    ``restrict_oom_score_adj``: the host may lack CAP_SYS_RESOURCE. ``discard_unpacked_layers``: an image's archive is
    not wanted once it is unpacked, and it lies in memory. ``stats_collect_period``: it is a second by default.
    """
    return f"""\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  discard_unpacked_layers = true
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{PAUSE_IMAGE}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "/etc/containerd/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = false
  disable_apparmor = {"true" if node.is_virtual or not _APPARMOR.is_dir() else "false"}
  restrict_oom_score_adj = true
  stats_collect_period = "{_STATISTICS_PERIOD}"
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{Path(spec.tools["ptp"]).parent}"]
    conf_dir = "/etc/cni/net.d"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = "{spec.tools["runc"]}"
      SystemdCgroup = false
"""


def _cni_config(node: NodeSpec) -> dict[str, Any]:
    """Pods hang on the node by point-to-point links: a bridge would need br_netfilter, which changes the host's own."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": node.pod_cidr}]], "routes": [{"dst": "0.0.0.0/0"}]}
    return {
        "cniVersion": "1.0.0",
        "name": "netproof",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": ipam},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet_config(spec: ClusterSpec, state: StateDirectory, node: NodeSpec) -> dict[str, Any]:
    pki = state.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        # Two kubelets on one cgroup root kill each other's pods as orphans.
        "cgroupRoot": f"{spec.cgroup}/{node.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [spec.dns_address],
        "clusterDomain": spec.dns_domain,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "tlsCertFile": str(pki / f"kubelet-{node.name}.crt"),
        "tlsPrivateKeyFile": str(pki / f"kubelet-{node.name}.key"),
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "resolvConf": "/etc/resolv.conf",
        # To look at every pod again each second costs an emulated machine much of what it can do.
        "syncFrequency": "15s" if node.is_virtual else "1s",
        # What starting a container may take: past it the kubelet begins anew, which helps no node that is slow.
        "runtimeRequestTimeout": f"{_RUNTIME_REQUEST_SECONDS * spec.slowness:g}s",
        "nodeStatusUpdateFrequency": "5s",
        "registerWithTaints": [],
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "staticPodPath": "",
        "logging": {"verbosity": 1},
        **(KUBELET if spec.confined else {}),
    }


def _kube_proxy_config(spec: ClusterSpec, state: StateDirectory, node: NodeSpec) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(state.pki / "kube-proxy.kubeconfig")},
        "mode": spec.proxy_mode,
        "clusterCIDR": spec.pod_cidr,
        "hostnameOverride": node.name,
        # How often kube-proxy looks whether its rules were flushed; 30 s is what a person would otherwise wait.
        "iptables": {"syncPeriod": "5s"},
        # Strict: a node answers ARP only for what its own interfaces have, as MetalLB wants it.
        "ipvs": _ipvs_sync(spec) | {"strictARP": True},
        # The table's size is the host's own, not this namespace's.
        "conntrack": {"maxPerCore": 0},
    }


def _ipvs_sync(spec: ClusterSpec) -> dict[str, str]:
    """How often kube-proxy in mode ipvs writes everything: each time is some forty runs of ipset.

    In an emulated machine these take two seconds of a processor. So there it is as seldom as kube-proxy itself would
    have it, and so that what changes often leaves the pods a processor.
    """
    return {"syncPeriod": "30s", "minSyncPeriod": "2s"} if spec.slowness > 1 else {"syncPeriod": "5s"}


def _masquerade(spec: ClusterSpec) -> str:
    """What leaves the pods' network gets the node's address, in a table of our own: kube-proxy's are left to it."""
    return f"""\
table ip netproof {{
  chain postrouting {{
    type nat hook postrouting priority 110; policy accept;
    oifname "{UPLINK}" ip saddr {spec.pod_cidr} ip daddr != {spec.pod_cidr} masquerade
  }}
}}
"""
