"""What this host can do: facts, and which providers, node kinds and proxy modes they give.

:mod:`netproof.cluster.preflight` decides whether an embedded cluster can start; this module says more than that needs.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from netproof.cluster.kind import docker_answers, find_kind, has_pytest_kind, lacks_of_kind
from netproof.cluster.preflight import SEARCH_PATH, Lack, lacks, run_in_namespaces
from netproof.cluster.state import base_directory
from netproof.cluster.virtual import lacks_of_virtual_nodes
from netproof.node import cgroups
from netproof.observe.browser import BROWSER_PROGRAMS, DRIVER_PACKAGE, find_browser, has_driver
from netproof.toolchain.cache import cache_directory

CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21, "CAP_SYS_PTRACE": 19, "CAP_MKNOD": 27}
"""The capabilities that an embedded cluster uses, by their numbers in ``linux/capability.h``."""

# What kube-proxy's modes want of a kernel, tried in namespaces that end with the shell; modules load as usual by that.
_KERNEL_TRIAL = """
try() { what=$1; shift; "$@" >/dev/null 2>&1 && echo "$what"; }
echo namespaces
try nf_tables nft add table ip np
try ipset ipset create np hash:ip
try dummy ip link add np-d0 type dummy
try ip_vs sh -c 'test -e /proc/net/ip_vs || modprobe --dry-run --quiet ip_vs'
"""
KERNEL_FEATURES = ("namespaces", "nf_tables", "ipset", "dummy", "ip_vs")

_KVM_CREATE_VM = 0xAE01  # linux/kvm.h


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a user may ask for, and what keeps this host from it.

    Attributes:
        kind: ``provider``, ``node kind``, ``proxy mode`` or ``browser``.
        name: as the option has it.
        lacks: what is missing, each with its remedy; none where the host can do it.
        note: what else there is to know.
    """

    kind: str
    name: str
    lacks: tuple[Lack, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """This host.

    Attributes:
        system: the operating system, the kernel, the processor, and what this process may do.
        capabilities: those of :data:`CAPABILITIES`, each with whether this process has it.
        kernel: the features of :data:`KERNEL_FEATURES` and ``kvm``, each with whether it is there.
        programs: programs that are not a must, with the version or place of each; empty where there is none.
        resources: free memory and disk in MiB.
        offers: what it gives.
    """

    system: Mapping[str, str]
    capabilities: Mapping[str, bool]
    kernel: Mapping[str, bool]
    programs: Mapping[str, str]
    resources: Mapping[str, int]
    offers: tuple[Offer, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Plain values; each offer with ``available``."""
        plain = asdict(self)
        plain["offers"] = [asdict(offer) | {"available": not offer.lacks} for offer in self.offers]
        return plain

    def offer(self, kind: str, name: str) -> Offer:
        """One of the offers."""
        return next(offer for offer in self.offers if (offer.kind, offer.name) == (kind, name))


def look() -> Host:
    """Find out what this host can do; starts nothing, and touches nothing but namespaces that are gone at once."""
    kernel = _kernel()
    programs = _programs()
    system = {
        "operating_system": platform.system(),
        "kernel": platform.release(),
        "processor": platform.machine(),
        "user": "root" if os.geteuid() == 0 else f"uid {os.geteuid()}",
        "cgroups": cgroups.version(),
        "python": platform.python_version(),
    }
    offers = _offers(tuple(lacks()), kernel, programs, tuple(lacks_of_virtual_nodes(1)))
    return Host(system, _capabilities(), kernel, programs, _resources(), offers)


def _offers(
    embedded: tuple[Lack, ...],
    kernel: Mapping[str, bool],
    programs: Mapping[str, str],
    virtual: tuple[Lack, ...] = (),
) -> tuple[Offer, ...]:
    return (
        Offer("provider", "local", embedded, "an embedded cluster"),
        Offer("provider", "kind", tuple(_kind_lacks(programs)), "clusters of Docker containers, by pytest-kind"),
        Offer("provider", "existing", (), "any cluster that a kubeconfig reaches"),
        Offer("node kind", "netns", embedded, "a node is processes in Linux namespaces"),
        Offer("node kind", "vm", (*embedded, *virtual), "a node is a virtual machine with a kernel of its own"),
        Offer("proxy mode", "iptables", embedded),
        Offer("proxy mode", "nftables", embedded),
        _ipvs_offer(embedded, _ipvs_lacks(kernel), virtual),
        Offer("browser", "chromium", (*embedded, *_browser_lacks(programs)), "checks of pages see what a person sees"),
    )


def _ipvs_offer(embedded: tuple[Lack, ...], of_kernel: list[Lack], virtual: tuple[Lack, ...]) -> Offer:
    """IPVS is there by this kernel, or by that of virtual machines; where neither is, the remedies of both are told."""
    if of_kernel and not virtual:
        return Offer("proxy mode", "ipvs", embedded, f"on nodes that are virtual machines, for {of_kernel[0].what}")
    return Offer("proxy mode", "ipvs", (*embedded, *of_kernel, *(virtual if of_kernel else ())))


def _ipvs_lacks(kernel: Mapping[str, bool]) -> list[Lack]:
    missing = [feature for feature in ("ip_vs", "dummy", "ipset") if not kernel[feature]]
    if not missing:
        return []
    modules = " ".join("ip_set" if feature == "ipset" else feature for feature in missing)
    return [Lack(f"this kernel has no {', '.join(missing)}", f"modprobe --all {modules}, or a kernel that has them")]


def _kind_lacks(programs: Mapping[str, str]) -> list[Lack]:
    there = {name: bool(programs[name]) for name in ("docker", "pytest-kind", "kind")}
    return lacks_of_kind(docker=there["docker"], pytest_kind=there["pytest-kind"], program=there["kind"])


def _browser_lacks(programs: Mapping[str, str]) -> list[Lack]:
    return lacks_of_browser(program=bool(programs["chromium"]), driver=bool(programs[DRIVER_PACKAGE]))


def lacks_of_browser(*, program: bool, driver: bool) -> list[Lack]:
    """What keeps this host from opening pages in a browser.

    Args:
        program: whether there is one of the :data:`BROWSER_PROGRAMS`.
        driver: whether the Python package is installed that drives it.
    """
    found = []
    if not program:
        found.append(Lack("there is no Chromium", f"apt-get install -y {BROWSER_PROGRAMS[0]}"))
    if not driver:
        found.append(
            Lack(f"{DRIVER_PACKAGE}, which drives Chromium, is not installed", "pip install 'netproof[browser]'")
        )
    return found


def _capabilities() -> dict[str, bool]:
    """From the effective set of this process, a hexadecimal mask in ``/proc/self/status``; see proc(5)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return dict.fromkeys(CAPABILITIES, False)
    match = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    mask = int(match[1], 16) if match else 0
    return {name: bool(mask >> number & 1) for name, number in CAPABILITIES.items()}


def _kernel() -> dict[str, bool]:
    found: set[str] = set()
    if platform.system() == "Linux" and shutil.which("unshare", path=SEARCH_PATH):
        found = set(run_in_namespaces(_KERNEL_TRIAL).stdout.split())
    return {feature: feature in found for feature in KERNEL_FEATURES} | {"kvm": _kvm_works()}


def _kvm_works() -> bool:
    """Whether a virtual machine can be made: the device alone says little, as in a virtual machine without nesting."""
    try:
        device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(fcntl.ioctl(device, _KVM_CREATE_VM, 0))
    except OSError:
        return False
    finally:
        os.close(device)
    return True


def _programs() -> dict[str, str]:
    return {
        "go": _version("go", "version"),
        "docker": "its engine answers" if docker_answers() else "",
        "kind": str(find_kind() or ""),
        "pytest-kind": "installed" if has_pytest_kind() else "",
        "kubectl": shutil.which("kubectl") or "",
        "qemu": shutil.which("qemu-system-x86_64") or "",
        "chromium": str(find_browser() or ""),
        DRIVER_PACKAGE: "installed" if has_driver() else "",
    }


def _version(program: str, argument: str) -> str:
    if shutil.which(program) is None:
        return ""
    done = subprocess.run([program, argument], capture_output=True, text=True, check=False, timeout=30)
    match = re.search(r"\d+(\.\d+)+", done.stdout)
    return match[0] if match else ""


def _resources() -> dict[str, int]:
    return {
        "memory_available_mib": _memory_available(),
        "disk_free_for_clusters_mib": _disk_free(base_directory()),
        "disk_free_for_programs_mib": _disk_free(cache_directory()),
    }


def _memory_available() -> int:
    try:
        information = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return 0
    match = re.search(r"^MemAvailable:\s*(\d+) kB$", information, re.MULTILINE)
    return int(match[1]) // 1024 if match else 0


def _disk_free(path: Path) -> int:
    there = next(parent for parent in (path, *path.parents) if parent.is_dir())
    return shutil.disk_usage(there).free // 1024**2
