"""A cluster of Docker containers (``--cluster kind``), made and ended by pytest-kind's KindCluster.

pytest-kind is under GPL-3 and optional, so it is imported only where such a cluster is asked for. In the cluster
netproof is a guest, as in any that it has not booted itself: see :mod:`netproof.cluster.existing`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netproof.cluster.api import KubernetesApi
from netproof.cluster.preflight import Lack, cannot_run
from netproof.errors import NetproofError
from netproof.waiting import NotYetError, TimedOutError, Timeouts, Waiter

if TYPE_CHECKING:
    from pytest_kind.cluster import KindCluster

_INSTALLATION = "https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
_SLOWNESS = 3.0
"""How much slower a node boots that is a container with systemd than one of an embedded cluster."""
_DOCKER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class KindRequest:
    """What a user asks of a kind cluster.

    Attributes:
        name: the cluster's name.
        program: the program kind; None where there is none.
        node_count: how many nodes; the first one is the control plane's.
        proxy_mode: kube-proxy's mode.
        image: the image of the nodes, which decides on the version of Kubernetes; empty for kind's own choice.
        kubeconfig: where its kubeconfig is written; None for pytest-kind's own place, ``.pytest-kind/NAME``.
        ranges: ``podSubnet`` and ``serviceSubnet``, where they are to be other than kind's.
        keep: whether it outlives the run, and one of the name that is there is used.
    """

    name: str
    program: Path | None
    node_count: int = 2
    proxy_mode: str = "iptables"
    image: str = ""
    kubeconfig: Path | None = None
    ranges: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False

    @property
    def context(self) -> str:
        """The context that kind writes into the kubeconfig."""
        return f"kind-{self.name}"

    def configuration(self) -> dict[str, Any]:
        """Kind's own configuration of the cluster."""
        return {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {"kubeProxyMode": self.proxy_mode, **self.ranges},
            "nodes": [{"role": "control-plane"}, *[{"role": "worker"}] * (self.node_count - 1)],
        }


def find_kind(named: str | None = None) -> Path | None:
    """The program kind: the one that is named, else the one on PATH; None where there is none."""
    found = shutil.which(named or "kind")
    return Path(found) if found else None


def docker_answers() -> bool:
    """Whether the client of Docker, which kind calls, reaches an engine: a client without one is of no use."""
    if shutil.which("docker") is None:
        return False
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOCKER_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def has_pytest_kind() -> bool:
    """Whether pytest-kind is installed."""
    return find_spec("pytest_kind") is not None


def lacks_of_kind(*, docker: bool, pytest_kind: bool, program: bool) -> list[Lack]:
    """What keeps this host from kind clusters.

    Args:
        docker: whether a Docker engine answers.
        pytest_kind: whether pytest-kind is installed.
        program: whether there is the program kind.
    """
    found = []
    if not docker:
        found.append(Lack("no Docker engine answers 'docker version'", "install Docker, or start its service"))
    if not pytest_kind:
        found.append(Lack("pytest-kind is not installed", "pip install 'netproof[kind]'"))
    if not program:
        found.append(Lack("there is no program kind", f"install it ({_INSTALLATION}), or name it by --kind-bin"))
    return found


def require_kind(request: KindRequest) -> Path:
    """The program kind, once it is sure that it can make the cluster.

    Raises:
        NetproofError: this host lacks something, or there is a cluster of the name that is not to be used.
    """
    program = request.program
    found = lacks_of_kind(docker=docker_answers(), pytest_kind=has_pytest_kind(), program=program is not None)
    if program is None or found:
        raise cannot_run("a kind cluster", found, otherwise="use an embedded cluster (--cluster local)")
    if not request.keep and request.name in _clusters(program):
        raise NetproofError(
            f"a kind cluster named {request.name!r} is there already",
            "choose another --cluster-name, or use it and leave it there: --keep-cluster",
        )
    return program


class OwnKindCluster:
    """A kind cluster of this run.

    Args:
        request: what is asked for.
        program: the program kind.
    """

    def __init__(self, request: KindRequest, program: Path) -> None:
        from pytest_kind.cluster import KindCluster

        self._request, self._program = request, program
        self._cluster: KindCluster = KindCluster(
            request.name, request.kubeconfig, image=request.image or None, kind_path=program
        )

    @property
    def kubeconfig(self) -> Path:
        """Its kubeconfig."""
        return Path(self._cluster.kubeconfig_path).absolute()

    def create(self, timeouts: Timeouts) -> None:
        """Make it, or take the one of its name that is there; returns when all its nodes are Ready.

        Raises:
            NetproofError: kind cannot make it, or a node does not get Ready. Nothing of it is left then.
        """
        directory = Path(self._cluster.path)
        is_there = self._request.name in _clusters(self._program)
        if is_there:
            self._kind("export", "kubeconfig", f"--kubeconfig={self.kubeconfig}")
        configuration = directory / "kind.json"  # JSON is YAML, which is what kind reads
        configuration.write_text(json.dumps(self._request.configuration(), indent=2), encoding="utf-8")
        try:
            self._cluster.create(configuration)
            self._wait_ready(1 if is_there else self._request.node_count, timeouts.node_ready * _SLOWNESS)
        except subprocess.CalledProcessError as problem:
            self.delete()
            raise NetproofError(
                f"kind does not make the cluster {self._request.name!r}: it ended with {problem.returncode}",
                "what it said is in the captured output",
            ) from None
        except BaseException:
            self.delete()
            raise

    def delete(self) -> None:
        """Delete it, with what pytest-kind keeps of it; one that is kept stays.

        Raises:
            NetproofError: kind cannot.
        """
        if self._request.keep:
            return
        self._kind("delete", "cluster", f"--kubeconfig={self.kubeconfig}")
        directory = Path(self._cluster.path)
        shutil.rmtree(directory, ignore_errors=True)
        if not any(directory.parent.iterdir()):
            directory.parent.rmdir()

    def _kind(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._program, *arguments, f"--name={self._request.name}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = f"'kind {' '.join(arguments[:2])}' of {self._request.name!r} failed: {done.stderr.strip()}"
            raise NetproofError(said, f"see 'kind get clusters', and 'kind delete cluster --name {self._request.name}'")

    def _wait_ready(self, nodes: int, timeout_seconds: float) -> None:
        api = KubernetesApi(self.kubeconfig, self._request.context)

        def ready() -> None:
            conditions = {
                node["metadata"]["name"]: {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
                for node in api.list("Node")
            }
            missing = sorted(name for name, found in conditions.items() if found.get("Ready") != "True")
            if missing or len(conditions) < nodes:
                raise NotYetError(f"of {sorted(conditions)} not Ready: {missing}")

        try:
            Waiter().until("every node is Ready", ready, timeout_seconds=timeout_seconds)
        except TimedOutError as late:
            said = f"the kind cluster {self._request.name!r} came up only in part: {late}"
            raise NetproofError(said, "run 'kind export logs' on one that is kept (--keep-cluster)") from None


def _clusters(program: Path) -> list[str]:
    done = subprocess.run([program, "get", "clusters"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetproofError(f"'kind get clusters' failed: {done.stderr.strip()}", "look at Docker: docker info")
    return done.stdout.split()
