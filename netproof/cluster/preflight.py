"""Whether this host can run an embedded cluster, found out before anything is started."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass

from netproof.cluster.state import base_directory
from netproof.errors import NetproofError
from netproof.node import cgroups

_WANTED_DISK_BYTES = 500 * 1024**2

_INOTIFY_OF_CONTROL_PLANE = 8
"""Inotify instances of kube-apiserver (6) and kube-controller-manager (1), with one to spare."""
_INOTIFY_OF_NODE = 10
"""Inotify instances of kubelet (6), containerd (2) and kube-proxy (1), with one to spare. The kernel's usual limit, 128
for each user, is that of five clusters of two nodes; a kubelet that gets none ends at once."""

_PACKAGES = {
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
    "iptables": "iptables",
    "iptables-save": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "ip": "iproute2",
    "runc": "runc",
    "busybox": "busybox-static",
}
"""Programs that components or netproof call, with the Debian package of each."""

SEARCH_PATH = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"))
"""Where programs of the system are looked for, whatever PATH says."""

# Everything the nodes do to the kernel, in namespaces that end with the shell.
_KERNEL_TRIAL = """
try() { what=$1; shift; "$@" >/dev/null 2>&1 || echo "$what"; }
try "a tmpfs can be mounted" mount -t tmpfs none /mnt
mkdir -p /mnt/u /mnt/w /mnt/m
try "an overlay file system can be mounted" mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m
try "a bridge can be made" ip link add np-br0 type bridge
try "a veth pair can be made" ip link add np-v0 type veth peer name np-v1
try "iptables has a nat table" iptables -t nat -L -n
share="-m statistic --mode random --probability 0.5"
try "iptables can match comments and random shares" iptables -t nat -A OUTPUT -m comment --comment x $share -j ACCEPT
try "iptables can masquerade" iptables -t nat -A POSTROUTING -j MASQUERADE
table="{ chain c { type nat hook postrouting priority 110; masquerade; }; }"
try "nftables can masquerade" nft add table ip np "$table"
"""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something this host does not have.

    Attributes:
        what: what is missing, in words.
        remedy: the command or change that mends it.
    """

    what: str
    remedy: str


def require_local(node_count: int) -> None:
    """Make sure that an embedded cluster of so many nodes can run here.

    Raises:
        NetproofError: it cannot; the message has everything that is missing, each with its remedy.
    """
    require(lacks(node_count))


def require(found: list[Lack]) -> None:
    """Make sure that nothing is missing.

    Raises:
        NetproofError: something is; the message has everything, each with its remedy.
    """
    if found:
        raise cannot_run("an embedded cluster", found, otherwise="use another machine")


def cannot_run(what: str, found: list[Lack], *, otherwise: str) -> NetproofError:
    """What is said where a cluster cannot run on this host: everything that is missing, each with its remedy."""
    lines = "\n".join(f"  - {lack.what}\n      {lack.remedy}" for lack in found)
    return NetproofError(f"{what} cannot run on this host:\n{lines}", f"mend what is listed, or {otherwise}")


def lacks(node_count: int = 1) -> list[Lack]:
    """What keeps a cluster of so many nodes from running on this host, as far as earlier lacks let it be seen."""
    for test in (_platform, _root, _programs, _kernel):
        found = test()
        if found:
            return found
    return [*_cgroups(), *_inotify(node_count), *_disk()]


def missing_debian_packages() -> list[str]:
    """The Debian packages whose programs are not found."""
    return sorted(
        {package for program, package in _PACKAGES.items() if shutil.which(program, path=SEARCH_PATH) is None}
    )


def _platform() -> list[Lack]:
    if platform.system() != "Linux":
        return [
            Lack(f"the operating system is {platform.system()}, not Linux", "use a Linux machine, or a virtual one")
        ]
    if platform.machine() != "x86_64":
        return [
            Lack(
                f"the processor is {platform.machine()}; components are listed for x86_64 only", "use an x86_64 machine"
            )
        ]
    return []


def _root() -> list[Lack]:
    if os.geteuid() != 0:
        return [Lack("namespaces with devices and mounts need root", "run the same command with sudo -E")]
    return []


def _programs() -> list[Lack]:
    missing = missing_debian_packages()
    if not missing:
        return []
    return [
        Lack(f"programs of these packages are missing: {', '.join(missing)}", f"apt-get install -y {' '.join(missing)}")
    ]


def _kernel() -> list[Lack]:
    done = run_in_namespaces(_KERNEL_TRIAL)
    if done.returncode:
        return [
            Lack(
                f"network, mount and PID namespaces cannot be made: {done.stderr.strip()}",
                "allow CAP_SYS_ADMIN and CAP_NET_ADMIN; in a container: run it with --privileged",
            )
        ]
    return [
        Lack(f"not true of this kernel: {line}", "load the kernel module, or use a kernel that has it")
        for line in done.stdout.splitlines()
    ]


def run_in_namespaces(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in network, mount, PID and UTS namespaces that end with it."""
    flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--uts"]
    return subprocess.run(
        ["unshare", *flags, "sh", "-c", script], capture_output=True, text=True, check=False, timeout=30
    )


def _cgroups() -> list[Lack]:
    if cgroups.version() == "none":
        return [Lack("no cgroups are mounted below /sys/fs/cgroup", "mount -t cgroup2 none /sys/fs/cgroup")]
    unwritable = [str(point) for point, _ in cgroups.hierarchies() if not os.access(point, os.W_OK)]
    if unwritable:
        return [Lack(f"cgroups cannot be made in {', '.join(unwritable)}", "in a container: run it with --privileged")]
    return []


def _inotify(node_count: int) -> list[Lack]:
    wanted = _INOTIFY_OF_CONTROL_PLANE + _INOTIFY_OF_NODE * node_count
    free = free_inotify_instances(wanted)
    if free < wanted:
        return [
            Lack(
                f"{free} inotify instances are left for this user; a cluster of {node_count} nodes wants {wanted}",
                "sysctl -w fs.inotify.max_user_instances=1024, or end other clusters and programs",
            )
        ]
    return []


def free_inotify_instances(wanted: int) -> int:
    """How many inotify instances this user may still make, up to ``wanted``: found out by making them."""
    made: list[int] = []
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        while len(made) < wanted and (descriptor := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
            made.append(descriptor)
        return len(made)
    finally:
        for descriptor in made:
            os.close(descriptor)


def _disk() -> list[Lack]:
    place = next(parent for parent in (base_directory(), *base_directory().parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    if free < _WANTED_DISK_BYTES:
        return [
            Lack(
                f"{place} has {free // 1024**2} MiB free; a cluster wants {_WANTED_DISK_BYTES // 1024**2} MiB",
                "free some, or name another place in NETPROOF_STATE_DIR",
            )
        ]
    return []
