"""The cgroups of a cluster, on hosts with cgroup v1, v2 or both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
_USUAL_WEIGHT, _USUAL_SHARES = 100, 1024
"""The ``cpu.weight`` of a cgroup v2 to which nobody gave another, and the ``cpu.shares`` of one of v1."""


@cache
def hierarchies() -> tuple[tuple[Path, str], ...]:
    """Each mounted cgroup hierarchy as (mount point, "cgroup" or "cgroup2"), from ``/proc/self/mounts``."""
    found: list[tuple[Path, str]] = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount_point, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"} and mount_point.startswith("/sys/fs/cgroup"):
            found.append((Path(mount_point), kind))
    return tuple(found)


def version() -> str:
    """How this host has its cgroups: "v1", "v2" or "none"."""
    kinds = {kind for _, kind in hierarchies()}
    if "cgroup" in kinds:
        return "v1"
    return "v2" if "cgroup2" in kinds else "none"


def create(path: str, *, for_processes: bool = False) -> None:
    """Make the cgroup ``path`` (such as ``/netproof/a/n1``) in every hierarchy, with what kubelet wants of its root.

    On v1 an empty ``cpuset`` admits no process, so its values come from the parent; on v2 controllers are handed down.

    Args:
        path: where.
        for_processes: whether processes will be in it, and no cgroups below it: v2 admits either, so where this is set
            nothing is handed down from here (admin-guide/cgroup-v2.rst, No Internal Process Constraint).
    """
    for mount_point, kind in hierarchies():
        group = mount_point
        for part in Path(path).parts[1:]:
            if kind == "cgroup2":
                _hand_down_controllers(group)
            group = group / part
            group.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                own = group / setting
                if kind == "cgroup" and own.exists() and not own.read_text(encoding="ascii").strip():
                    own.write_text((group.parent / setting).read_text(encoding="ascii"), encoding="ascii")
        if kind == "cgroup2" and not for_processes:
            _hand_down_controllers(group)


def enter(path: str, pid: int) -> None:
    """Put a process, and all that it will start, into the cgroup ``path`` of every hierarchy that takes it.

    Some do not take every process: that is no reason to do without the others.
    """
    for mount_point, _ in hierarchies():
        with contextlib.suppress(OSError):
            (mount_point / path.lstrip("/") / "cgroup.procs").write_text(str(pid), encoding="ascii")


def limit(path: str, *, memory_bytes: int, processes: int, cpu_weight: int) -> None:
    """Bound what is in the cgroup ``path`` and below it.

    Args:
        path: a cgroup that is there.
        memory_bytes: how much memory it may have in all, files on a tmpfs that it writes included; it gets no swap.
        processes: how many processes and threads.
        cpu_weight: its part of the processors' time where its siblings want some, too; a cgroup usually has 100.

    Raises:
        OSError: the kernel does not take a limit.
    """
    limits = {
        "memory.max": memory_bytes,
        "memory.swap.max": 0,
        "memory.limit_in_bytes": memory_bytes,
        # Memory and swap together: never less than the memory, so it comes after that.
        "memory.memsw.limit_in_bytes": memory_bytes,
        "pids.max": processes,
        "cpu.weight": cpu_weight,
        "cpu.shares": cpu_weight * _USUAL_SHARES // _USUAL_WEIGHT,
    }
    for mount_point, _ in hierarchies():
        for name, value in limits.items():
            setting = mount_point / path.lstrip("/") / name
            if setting.exists():
                setting.write_text(str(value), encoding="ascii")


def children(path: str) -> list[str]:
    """The names of the cgroups right below ``path``, in any hierarchy."""
    tops = [mount_point / path.lstrip("/") for mount_point, _ in hierarchies()]
    return sorted({name for top in tops for name in next(os.walk(top), ("", [], []))[1]})


def remove(path: str) -> None:
    """Remove the cgroup ``path`` and all below it, in every hierarchy; one that still holds a process stays."""
    for mount_point, _ in hierarchies():
        top = mount_point / path.lstrip("/")
        if not top.is_dir():
            continue
        for directory in reversed(list(_groups(top))):
            with contextlib.suppress(OSError):
                directory.rmdir()
        if top.parent != mount_point:
            with contextlib.suppress(OSError):
                top.parent.rmdir()


def processes(path: str) -> list[int]:
    """The process ids in the cgroup ``path`` and below, of the first hierarchy that has it."""
    for mount_point, _ in hierarchies():
        top = mount_point / path.lstrip("/")
        if top.is_dir():
            return sorted({int(line) for group in _groups(top) for line in _lines(group / "cgroup.procs")})
    return []


def processes_of_pod(path: str, uid: str) -> list[int]:
    """The process ids of a pod below the cgroup ``path``; kubelet names the cgroup of a pod after its UID."""
    for mount_point, _ in hierarchies():
        pods = [group for group in _groups(mount_point / path.lstrip("/")) if group.parent.name == f"pod{uid}"]
        found = sorted({int(line) for group in pods for line in _lines(group / "cgroup.procs")})
        if found:
            return found
    return []


def _groups(top: Path) -> Iterator[Path]:
    """A cgroup and all below it, parents first; those that vanish meanwhile, as those of pods do, are left out."""
    for directory, _, _ in os.walk(top):
        yield Path(directory)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


def _hand_down_controllers(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text(encoding="ascii").split()
    for controller in _V2_CONTROLLERS:
        if controller in offered:
            try:
                (group / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
            except OSError:
                continue
