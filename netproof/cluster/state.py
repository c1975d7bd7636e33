"""Where a cluster keeps its files, who holds its name, and what dead clusters have left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from netproof.errors import NetproofError
from netproof.node import cgroups

_CGROUP = "/netproof"
_LONGEST_SOCKET_PATH_BYTES = 107
"""``sun_path`` of unix(7) has 108, with the zero at the end."""


def base_directory() -> Path:
    """The directory of all clusters: ``NETPROOF_STATE_DIR``, else ``/var/lib/netproof``."""
    return Path(os.environ.get("NETPROOF_STATE_DIR", "/var/lib/netproof"))


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The files of one cluster, by name."""

    name: str

    @property
    def path(self) -> Path:
        """The cluster's own directory."""
        return base_directory() / "clusters" / self.name

    @property
    def lock(self) -> Path:
        """The file whose lock says that the cluster lives; it lies beside the directory that goes with it."""
        return self.path.with_suffix(".lock")

    @property
    def spec(self) -> Path:
        """The cluster's specification."""
        return self.path / "spec.json"

    @property
    def status(self) -> Path:
        """What the supervisor says of its components, rewritten at each change."""
        return self.path / "status.json"

    @property
    def control_socket(self) -> Path:
        """Where the supervisor takes requests."""
        return self.path / "control.sock"

    @property
    def agents(self) -> Path:
        """The directory of the sockets of the standpoints' agents."""
        return self.path / "agents"

    def agent_socket(self, agent: str) -> Path:
        """Where an agent takes requests."""
        return self.agents / f"{agent}.sock"

    @staticmethod
    def pod_agent(uid: str) -> str:
        """What the agent in a pod is called: by as much of the UID as is unique: a path of a socket is short."""
        return f"pod-{uid[:13]}"

    @property
    def pki(self) -> Path:
        """Keys, certificates and kubeconfigs of the components."""
        return self.path / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, good on the host's loopback."""
        return self.path / "kubeconfig"

    @property
    def discovery(self) -> Path:
        """What kinds the API has, as far as any process has asked; see :class:`netproof.cluster.api.KubernetesApi`."""
        return self.path / "kubeconfig.discovery"

    @property
    def image_plan(self) -> Path:
        """Which image names the registry stands in for, and how."""
        return self.path / "image-plan.json"

    @property
    def added_images(self) -> Path:
        """Which images of netproof's own the registry was given since the start."""
        return self.path / "added-images.json"

    @property
    def image_log(self) -> Path:
        """The registry's access log."""
        return self.path / "image-access.jsonl"

    def initrd(self, node: str) -> Path:
        """The initial file system of a node that is a virtual machine."""
        return self.volatile / f"{node}.initrd"

    def port_socket(self, node: str) -> Path:
        """Where QEMU offers the serial port of such a node."""
        return self.path / f"{node}-port.sock"

    def link_socket(self, node: str) -> Path:
        """Where the link to such a node takes requests."""
        return self.path / f"{node}-link.sock"

    @property
    def volatile(self) -> Path:
        """Where the cluster's own mount namespace has a tmpfs: data of etcd and of the nodes."""
        return self.path / "volatile"


def claim(name: str) -> int:
    """Take a cluster's name.

    Returns:
        A descriptor whose lock stands for the cluster's life; it is handed to the launcher.

    Raises:
        NetproofError: a living cluster has the name, or the directory cannot be written, or its path is too long.
    """
    directory = StateDirectory(name)
    _require_short(directory)
    try:
        descriptor = _open_lock(directory.lock)
    except OSError as problem:
        raise NetproofError(
            f"the state of clusters cannot be kept in {directory.lock.parent}: {problem.strerror}",
            "run as root, or name a writable directory in NETPROOF_STATE_DIR",
        ) from None
    if not _try_lock(descriptor):
        os.close(descriptor)
        raise _in_use(name)
    if os.fstat(descriptor).st_nlink == 0:
        os.close(descriptor)  # its former holder removed the file while we waited: this lock stands for nothing
        return claim(name)
    return descriptor


def require_free(name: str) -> None:
    """Make sure that no living cluster has the name, and that it can be used.

    Raises:
        NetproofError: one has, or its directory's path is too long.
    """
    _require_short(StateDirectory(name))
    if is_alive(name):
        raise _in_use(name)


def _require_short(directory: StateDirectory) -> None:
    longest = directory.agent_socket(directory.pod_agent("0" * 36))
    if (excess := len(os.fsencode(longest)) - _LONGEST_SOCKET_PATH_BYTES) > 0:
        raise NetproofError(
            f"the state of clusters cannot be kept in {base_directory()}: with it and {directory.name!r} the paths of "
            f"sockets are {excess} bytes too long",
            "name a shorter directory in NETPROOF_STATE_DIR",
        )


def is_alive(name: str) -> bool:
    """Whether a launcher holds the cluster's name."""
    try:
        descriptor = os.open(StateDirectory(name).lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def cluster_names() -> list[str]:
    """The names of all clusters that have files or cgroups, living or dead."""
    return sorted(
        {path.stem for path in (base_directory() / "clusters").glob("*.lock")} | set(cgroups.children(_CGROUP))
    )


def remove(name: str) -> None:
    """Remove a dead cluster's cgroups and files; the caller holds its name."""
    directory = StateDirectory(name)
    cgroups.remove(f"{_CGROUP}/{name}")
    shutil.rmtree(directory.path, ignore_errors=True)
    directory.lock.unlink(missing_ok=True)
    for parent in (directory.lock.parent, base_directory()):
        try:
            parent.rmdir()
        except OSError:
            return


def remove_if_dead(name: str) -> bool:
    """Remove what a cluster left behind; returns whether it was dead."""
    try:
        descriptor = claim(name)
    except NetproofError:
        return False
    try:
        remove(name)
    finally:
        os.close(descriptor)
    return True


def sweep() -> list[str]:
    """Remove what dead clusters left behind; returns their names."""
    return [name for name in cluster_names() if remove_if_dead(name)]


def _in_use(name: str) -> NetproofError:
    return NetproofError(
        f"a cluster named {name!r} is running",
        f"end it with 'netproof down --cluster-name {name}', or choose another --cluster-name",
    )


def _open_lock(path: Path) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # another process removed the empty directory between the two calls


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
