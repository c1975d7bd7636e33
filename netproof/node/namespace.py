"""Linux namespaces that stand for machines: the LAN, the control plane, the nodes.

A namespace lives as long as a process is in it, so each is held by one sleeping process and nothing of it has a name
on the host. Programs enter it by ``nsenter``; ``ip netns exec`` would mount a fresh ``/sys`` and hide the cgroups.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from netproof.errors import NetproofError

_LOOPBACK_UP = "ip link set lo up"
_HELD = b"held\n"
_HOLD = "echo held && exec sleep infinity"


@dataclass(frozen=True, slots=True)
class NamespaceMachine:
    """A network namespace, and for a node a file system and a host name of its own.

    Attributes:
        name: what it is called in messages.
        pid: the process that holds it.
        has_own_files: whether it has its own mount and UTS namespaces.
    """

    name: str
    pid: int
    has_own_files: bool

    @property
    def network(self) -> str:
        """The path of its network namespace, for netlink."""
        return f"/proc/{self.pid}/ns/net"

    def enter_by_hand(self) -> list[str]:
        """What leads a person's command line in here; the command is to be appended."""
        return self.enter(())

    def enter(self, argv: Sequence[str], environment: Mapping[str, str] | None = None, after: str = "") -> list[str]:
        """The command line that runs ``argv`` in here, as :meth:`netproof.node.machine.Machine.enter`.

        It inherits the environment, and whoever starts it sees for himself what is listened on.
        """
        del environment, after
        spaces = ["--net", "--mount", "--uts"] if self.has_own_files else ["--net"]
        return ["nsenter", "--target", str(self.pid), *spaces, "--", *argv]


def make_machine(name: str, log: IO[bytes]) -> NamespaceMachine:
    """A machine that has only a network of its own."""
    return NamespaceMachine(
        name, _hold(name, ["unshare", "--net"], f"{_LOOPBACK_UP} && {_HOLD}", log), has_own_files=False
    )


def make_node(name: str, *, volatile: Path, shared: Sequence[str], log: IO[bytes]) -> NamespaceMachine:
    """A machine with a file system of its own: the host's, to read, under a layer that takes all writes.

    So neither a component nor a hostPath volume can change a file of the host. What kubelet and containerd keep lies on
    ``volatile``, since a container's root file system cannot be layered on one that is itself layered.

    Args:
        name: the host name.
        volatile: a directory for this node on a tmpfs.
        shared: directories that must be the host's own inside: sockets, logs, programs.
        log: where the set-up's errors go.
    """
    script = _node_script(name, volatile, shared)
    flags = ["unshare", "--net", "--mount", "--uts", "--propagation", "slave"]
    return NamespaceMachine(name, _hold(name, flags, script, log), has_own_files=True)


def _node_script(name: str, volatile: Path, shared: Sequence[str]) -> str:
    root, upper, work = volatile / "root", volatile / "upper", volatile / "work"
    inside = {
        "/var/lib/kubelet": "kubelet",
        "/var/lib/containerd": "containerd",
        "/var/log": "log",
        "/var/lib/cni": "cni",
    }
    lines = ["set -e", f"mkdir -p {root} {upper} {work}"]
    lines.append(f"mount -t overlay overlay -o lowerdir=/,upperdir={upper},workdir={work} {root}")
    lines += [f"mount --rbind {directory} {root}{directory}" for directory in ("/proc", "/sys", "/dev")]
    lines += [f"mount -t tmpfs -o mode={mode} tmpfs {root}{at}" for at, mode in (("/run", "755"), ("/tmp", "1777"))]
    for at, source in inside.items():
        lines += [f"mkdir -p {volatile / source} {root}{at}", f"mount --bind {volatile / source} {root}{at}"]
    for directory in shared:
        quoted = shlex.quote(directory)
        lines += [f"mkdir -p {root}{quoted}", f"mount --bind {quoted} {root}{quoted}"]
    lines += [
        f"cd {root}",
        "mkdir -p .host",
        "pivot_root . .host",
        "umount -l /.host",
        "mount --make-rshared /",
        f"hostname {name}",
        _LOOPBACK_UP,
        _HOLD,
    ]
    return "\n".join(lines)


def _hold(name: str, flags: list[str], script: str, log: IO[bytes]) -> int:
    process = subprocess.Popen(
        [*flags, "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, bufsize=0
    )
    if process.stdout is None or process.stdout.read(len(_HELD)) != _HELD:
        raise NetproofError(
            f"the namespaces of {name} could not be made", f"see {log.name}; 'netproof doctor' names what is missing"
        )
    process.stdout.close()
    return process.pid
