"""How a virtual machine comes to life: its initial file system, and the two scripts that bring it up to process 1.

The first archive has what mounts the root: busybox, a few modules and ``/init``. The second has what is this machine's
own: netproof, the files of the node and the script that sets the node up. It is laid over the image.
"""

from __future__ import annotations

import lzma
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import netproof
from netproof.errors import NetproofError
from netproof.node.vm.cpio import Archive
from netproof.node.vm.image import SEARCH_PATH
from netproof.node.vm.kernel import Kernel

_START = "/.netproof/start"
_OWN = "/own"
"""Where the second archive has its files: they are copied over the root."""

_FIRST_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "squashfs", "overlay")
_NODE_MODULES = (
    *("veth", "dummy", "nf_conntrack", "nf_nat", "nf_tables", "nft_compat", "nft_chain_nat", "nft_masq", "nft_nat"),
    *("nft_ct", "nft_numgen", "nft_reject_ipv4", "nft_hash", "nf_conntrack_netlink"),
    *("ip_vs", "ip_vs_rr", "ip_set", "ip_set_hash_ip", "ip_set_hash_ipport", "ip_set_hash_ipportip", "xt_set"),
    *("ip_set_hash_ipportnet", "ip_set_bitmap_port", "xt_comment", "xt_mark", "xt_conntrack", "xt_MASQUERADE"),
    *("xt_statistic", "xt_addrtype", "xt_nat", "xt_REDIRECT", "xt_ipvs", "ipt_REJECT", "xt_recent", "xt_tcpudp"),
)
"""What kube-proxy's modes want; a kernel that has one built in, or lacks it, is left alone."""

_ON_TMPFS = ("/run", "/var/log", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni")
"""Never ``/tmp``: a checkout, and with it the Python that this machine needs, may lie there."""

# A busy host delivers an emulated timer late, and a kernel that checks it then takes it for broken.
# mitigations cost most where every instruction is emulated; this machine runs nobody's code but ours and the checks'.
# Of two emulated processors the kernel would not trust the time stamp counters, though these are one clock, and would
# ask the HPET for every time that a program wants: tsc=reliable.
COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off random.trust_cpu=on no_timer_check tsc=reliable"
    " net.ifnames=0"
)


@dataclass(frozen=True, slots=True)
class NodeSetup:
    """What makes a machine a certain node.

    Attributes:
        name: its host name.
        address: its address on the LAN, with the prefix length.
        gateway: who leads out of the LAN.
        routes: further routes: destination and gateway.
        files: its files by path.
        cgroup: the cgroup below which its pods will be.
        unpacked_images: where the unpacked images of its container runtime must lie.
    """

    name: str
    address: str
    gateway: str
    routes: tuple[tuple[str, str], ...]
    files: Mapping[str, str]
    cgroup: str
    unpacked_images: str


def first_archive(kernel: Kernel, busybox: Path) -> bytes:
    """What mounts the root, the same for all machines with a kernel.

    Raises:
        NetproofError: a module is not of a known form.
    """
    archive = Archive()
    for directory in ("/proc", "/sys", "/dev", "/lower", "/rw", "/new", "/modules"):
        archive.directory(directory)
    archive.file("/bin/busybox", busybox.read_bytes(), mode=0o755)
    names = []
    for path in modules_in_order(kernel, _FIRST_MODULES):
        name = path.name.partition(".ko")[0]
        names.append(name)
        archive.file(f"/modules/{name}.ko", _module(path))
    archive.file("/init", _init_script(names).encode(), mode=0o755)
    return archive.encode()


def second_archive(setup: NodeSetup) -> bytes:
    """What is one machine's own: netproof, its files, its start."""
    archive = Archive()
    package = Path(netproof.__file__).parent
    for source in sorted(package.rglob("*.py*")):
        if "_data" not in source.parts:
            archive.copy(f"{_OWN}{source}", source)
    for file, text in setup.files.items():
        archive.file(f"{_OWN}{file}", text.encode(), mode=0o644 if file.startswith("/etc/") else 0o600)
    archive.file(f"{_OWN}{_START}", _start_script(setup, package.parent).encode(), mode=0o755)
    return archive.encode()


def modules_in_order(kernel: Kernel, names: Iterable[str]) -> list[Path]:
    """The files of modules and of those that they need, each after what it needs (from ``modules.dep``)."""
    needs: dict[str, list[str]] = {}
    by_name: dict[str, str] = {}
    for line in (kernel.modules / "modules.dep").read_text(encoding="utf-8").splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
        by_name[Path(path).name.partition(".ko")[0].replace("-", "_")] = path
    ordered: dict[str, None] = {}
    for name in names:
        if found := by_name.get(name):
            for one in (*reversed(needs[found]), found):
                ordered.setdefault(one)
    return [kernel.modules / path for path in ordered]


def _module(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix != ".ko":
        raise NetproofError(f"the kernel's module {path} is compressed in a way that is not known here", "use Debian's")
    return data


def _init_script(modules: Iterable[str]) -> str:
    return f"""#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sysfs /sys; $B mount -t devtmpfs devtmpfs /dev
for module in {" ".join(modules)}; do $B insmod /modules/$module.ko || echo "module $module was not loaded"; done
tries=0
while [ ! -e /dev/vda ] && [ $tries -lt 500 ]; do $B usleep 10000; tries=$((tries + 1)); done
$B mount -t squashfs -o ro /dev/vda /lower || {{ echo "there is no root file system"; $B poweroff -f; }}
$B mount -t tmpfs -o size=80% tmpfs /rw; $B mkdir /rw/upper /rw/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /new
$B cp -a {_OWN}/. /new/
for directory in proc sys dev; do $B mount --move /$directory /new/$directory; done
exec $B switch_root /new {_START}
"""


def _start_script(setup: NodeSetup, package_parent: Path) -> str:
    routes = "\n".join(f"ip route add {to} via {by}" for to, by in setup.routes)
    python = shlex.join([sys.executable, "-m", "netproof.node.vm.guest", setup.cgroup])
    images = shlex.quote(setup.unpacked_images)
    return f"""#!/bin/sh
export PATH={SEARCH_PATH} PYTHONPATH={shlex.quote(str(package_parent))} HOME=/root LANG=C.UTF-8
for directory in {" ".join(_ON_TMPFS)}; do mkdir -p $directory; mount -t tmpfs -o mode=755 tmpfs $directory; done
chmod 1777 /tmp
mkdir -p {images} && mount -t squashfs -o ro /dev/vdb {images} && cp -a {images}/records/. /var/lib/containerd/
mkdir -p /dev/pts /dev/shm /dev/mqueue /run/netproof
mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm; mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --make-rshared /
modprobe --all --quiet {" ".join(_NODE_MODULES)}
hostname {setup.name}
ip link set lo up
ip address add {setup.address} dev eth0
ip link set eth0 up
ip route add default via {setup.gateway}
{routes}
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
nft -f /etc/kubernetes/masquerade.nft
exec {python}
"""
