"""Nodes that are virtual machines: when they are wanted, what keeps this host from them, what they are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from netproof.cluster.preflight import Lack
from netproof.cluster.spec import NETNS, VM
from netproof.errors import NetproofError
from netproof.node.vm import image, kernel, qemu, start
from netproof.node.vm.qemu import VirtualHardware
from netproof.toolchain import Progress, Tools
from netproof.toolchain.cache import open_cache

AUTO = "auto"
NODE_KINDS = (AUTO, NETNS, VM)
"""What a user may ask for; ``auto`` takes virtual machines where the host's kernel lacks what the proxy mode wants."""

DEFAULT_NODE_COUNT = {NETNS: 2, VM: 1}
"""How many nodes there are where nothing is asked for: an emulated machine takes the time of several processes."""

_PROGRAMS_OF_NODE = (
    *("kubelet", "kube-proxy", "containerd", "containerd-shim-runc-v2", "runc"),
    *("ptp", "loopback", "host-local", "portmap"),
)
"""The programs of the toolchain that run on a node."""

_PACKAGES = {
    qemu.PROGRAM: "qemu-system-x86",
    "mksquashfs": "squashfs-tools",
    "depmod": "kmod",
    "ipvsadm": "ipvsadm",
    "busybox": "busybox-static",
}
_TUN = Path("/dev/net/tun")
_MEMORY_BESIDE_MIB = 1024
"""What the control plane and the tests want beside the machines."""

# Each line names what kube-proxy in IPVS mode wants of a kernel, and prints what is not there.
_IPVS_TRIAL = """
ip link add np-d0 type dummy >/dev/null 2>&1 || echo "no dummy interfaces (module dummy)"
ipset create np-set hash:ip >/dev/null 2>&1 || echo "no IP sets (module ip_set)"
test -e /proc/net/ip_vs || modprobe --dry-run --quiet ip_vs || echo "no IPVS (module ip_vs)"
"""


def choose_kind(asked: str, proxy_mode: str) -> tuple[str, str]:
    """The kind of the nodes of a cluster, and why.

    Raises:
        NetproofError: there is no such kind, or the host's kernel cannot do the proxy mode in namespaces, as is asked.
    """
    if asked not in NODE_KINDS:
        raise NetproofError(f"there is no kind of nodes {asked!r}", f"choose one of {', '.join(NODE_KINDS)}")
    if asked == VM:
        return VM, "asked for"
    missing = missing_for_ipvs() if proxy_mode == "ipvs" else []
    if not missing:
        return NETNS, "asked for" if asked == NETNS else f"this host's kernel can do the proxy mode {proxy_mode}"
    said = f"this host's kernel has {', '.join(missing)}"
    if asked == NETNS:
        raise NetproofError(
            f"the proxy mode ipvs cannot run on nodes made of namespaces: {said}",
            "load the modules, or leave --node-kind at auto for nodes that are virtual machines",
        )
    return VM, said


@cache
def missing_for_ipvs() -> list[str]:
    """What this host's kernel lacks for kube-proxy's IPVS mode, in words; found by trying."""
    command = ["unshare", "--net", "--mount", "sh", "-c", _IPVS_TRIAL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.splitlines()


def lacks_of_virtual_nodes(node_count: int) -> list[Lack]:
    """Everything that keeps virtual machines from running on this host."""
    found: list[Lack] = []
    if missing := missing_debian_packages():
        found.append(
            Lack(
                f"virtual machines want programs of these packages: {', '.join(missing)}",
                f"apt-get install -y --no-install-recommends {' '.join(missing)}",
            )
        )
    if not os.access(_TUN, os.R_OK | os.W_OK):
        remedy = f"modprobe tun; in a container: run it with --device {_TUN}, or --privileged"
        found.append(Lack(f"{_TUN} is missing, by which virtual machines join the network", remedy))
    if kernel.find_kernel(cache_directory()) is None and not kernel.package_name():
        found.append(Lack(f"no kernel for virtual machines, nor a package {kernel.META_PACKAGE}", kernel.REMEDY))
    wanted = node_count * qemu.MEMORY_MIB + _MEMORY_BESIDE_MIB
    if (available := _available_memory_mib()) < wanted:
        found.append(
            Lack(
                f"{available} MiB of memory are free; {node_count} virtual machines want {wanted} MiB",
                "end other programs, or ask for fewer nodes with --nodes",
            )
        )
    return found


def missing_debian_packages() -> list[str]:
    """The Debian packages whose programs virtual machines want and are not found."""
    return sorted(
        {name for program, name in _PACKAGES.items() if shutil.which(program, path=image.SEARCH_PATH) is None}
    )


def cache_directory() -> Path:
    """Where kernels and images of virtual machines are kept."""
    return open_cache().machines


def get_hardware(tools: Tools, unpacked_images: Path, progress: Progress) -> VirtualHardware:
    """What virtual machines are made of; what the cache lacks is made now.

    Args:
        tools: the programs of the cluster.
        unpacked_images: the directory with the images that the machines have from the start.
        progress: told what is being made.

    Raises:
        NetproofError: a kernel can be had from nowhere, or the image cannot be made.
    """
    directory = cache_directory()
    with progress.working("kernel of virtual machines"):
        chosen = kernel.get_kernel(directory)
    with progress.working("image of virtual machines"):
        root = image.build_image(image.contents(_programs(tools), chosen), directory)
    with progress.working("unpacked images of virtual machines"):
        layers = image.build_image_of_directory(unpacked_images, directory)
    first = start.first_archive(chosen, Path(shutil.which("busybox", path=image.SEARCH_PATH) or "busybox"))
    initrd = directory / f"initrd-{sha256(first).hexdigest()[:16]}"
    unfinished = initrd.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(first)
    unfinished.rename(initrd)
    accelerator, _ = qemu.working_accelerator(chosen.image)
    return VirtualHardware(str(chosen.image), str(initrd), str(root), str(layers), accelerator)


def _programs(tools: Tools) -> Iterable[Path]:
    return [tools.path(name) for name in _PROGRAMS_OF_NODE]


def _available_memory_mib() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) // 1024
    return 0
