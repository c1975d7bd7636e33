"""Where a cluster keeps its files, who holds its name, and what dead clusters have left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netproof.errors import NetproofError
from netproof.node import cgroups


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
        """The file whose lock says that the cluster lives; beside the directory, so that this can be removed under it."""
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
        """The sockets of the standpoints' agents."""
        return self.path / "agents"

    @property
    def pki(self) -> Path:
        """Keys, certificates and kubeconfigs of the components."""
        return self.path / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, good on the host's loopback."""
        return self.path / "kubeconfig"

    @property
    def image_plan(self) -> Path:
        """Which image names the registry stands in for, and how."""
        return self.path / "image-plan.json"

    @property
    def image_log(self) -> Path:
        """The registry's access log."""
        return self.path / "image-access.jsonl"

    @property
    def volatile(self) -> Path:
        """Where the cluster's own mount namespace has a tmpfs: data of etcd and of the nodes."""
        return self.path / "volatile"

    @property
    def logs(self) -> Path:
        """The components' logs, where the run wants them nowhere else."""
        return self.path / "logs"


def claim(name: str) -> int:
    """Take a cluster's name.

    Returns:
        A descriptor whose lock stands for the cluster's life; it is handed to the launcher.

    Raises:
        NetproofError: a living cluster has the name, or the directory cannot be written.
    """
    directory = StateDirectory(name)
    try:
        directory.lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise NetproofError(
            f"the state of clusters cannot be kept in {directory.lock.parent}: {problem.strerror}",
            "run as root, or name a writable directory in NETPROOF_STATE_DIR",
        ) from None
    if not _try_lock(descriptor):
        os.close(descriptor)
        raise NetproofError(
            f"a cluster named {name!r} is running",
            f"end it with 'netproof down --cluster-name {name}', or choose another --cluster-name",
        )
    return descriptor


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
    """The names of all clusters that have files, living or dead."""
    directory = base_directory() / "clusters"
    return sorted(path.stem for path in directory.glob("*.lock")) if directory.is_dir() else []


def remove(name: str) -> None:
    """Remove a dead cluster's cgroups and files; the caller holds its name."""
    directory = StateDirectory(name)
    cgroups.remove(f"/netproof/{name}")
    shutil.rmtree(directory.path, ignore_errors=True)
    directory.lock.unlink(missing_ok=True)
    for parent in (directory.lock.parent, base_directory()):
        try:
            parent.rmdir()
        except OSError:
            return


def sweep() -> list[str]:
    """Remove what dead clusters left behind; returns their names."""
    return list(_sweep())


def _sweep() -> Iterator[str]:
    for name in cluster_names():
        try:
            descriptor = os.open(StateDirectory(name).lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if _try_lock(descriptor):
                remove(name)
                yield name
        finally:
            os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # A name whose file was removed while we waited for its lock is another file by now.
    return os.fstat(descriptor).st_nlink > 0
