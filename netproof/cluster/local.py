"""The embedded cluster: real, unmodified Kubernetes as processes in Linux namespaces of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netproof.cluster import state
from netproof.cluster.api import KubernetesApi, Object
from netproof.cluster.control import request
from netproof.cluster.environment import of_components
from netproof.cluster.pki import write_pki
from netproof.cluster.spec import ClusterSpec
from netproof.cluster.state import StateDirectory
from netproof.errors import NetproofError
from netproof.observe.agent_standpoint import AgentStandpoint

_AGENT_SECONDS = 15.0
_WHY_ENDED = "boot it anew; if nobody took it down, `netproof doctor` says what this host lacks"
"""How long an agent may take to listen, on nodes that run at the host's own speed."""

OnEvent = Callable[[str], None]
"""Called with what was reached, when it was."""


@dataclass(frozen=True, slots=True)
class Death:
    """A component that ended without being asked to."""

    component: str
    exit_code: int
    log: Path
    tail: tuple[str, ...]

    def __str__(self) -> str:
        lines = "\n".join(f"    {line}" for line in self.tail)
        return f"{self.component} ended with exit code {self.exit_code}; the end of {self.log}:\n{lines}"


class LocalCluster:
    """A living embedded cluster, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._state = StateDirectory(name)
        self._lifeline: int | None = None
        self._launcher: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        spec: ClusterSpec,
        *,
        image_server: Callable[[], Mapping[str, Any]],
        node_files: Mapping[str, str],
        on_event: OnEvent,
        detach: bool = False,
    ) -> LocalCluster:
        """Boot a cluster; returns when its API server is ready and all components are started.

        Args:
            spec: what it is made of.
            image_server: makes the configuration of the component that serves images, once the name is taken.
            node_files: further configuration files of each node, by path inside it.
            on_event: called at each step.
            detach: whether it outlives this process.

        Raises:
            NetproofError: its name is in use, or a component does not come up.
        """
        state.sweep()
        cluster = cls(spec.name)
        lock = state.claim(spec.name)
        try:
            try:
                cluster._prepare(spec, image_server(), node_files)
                events = cluster._launch(spec, lock, detach=detach)
            finally:
                os.close(lock)
            cluster._follow(events, on_event)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def attach(cls, name: str) -> LocalCluster:
        """The cluster called ``name``, started by another process.

        Raises:
            NetproofError: there is none.
        """
        if not state.is_alive(name):
            alive = [one for one in state.cluster_names() if state.is_alive(one)]
            raise NetproofError(
                f"no cluster named {name!r} is running",
                f"running are: {', '.join(alive)}" if alive else f"start it with 'netproof up --cluster-name {name}'",
            )
        return cls(name)

    @property
    def spec(self) -> ClusterSpec:
        """What the cluster is made of.

        Raises:
            NetproofError: another version of netproof has started it, and writes it down in another way.
        """
        try:
            return ClusterSpec.read(self._state.spec)
        except (TypeError, KeyError):
            raise NetproofError(
                f"the cluster {self.name!r} was started by another version of netproof",
                f"use that version, or end it with 'netproof down --cluster-name {self.name}'",
            ) from None

    @property
    def directory(self) -> Path:
        """The directory of its files; it is removed when the cluster ends, however it ends."""
        return self._state.path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, good on this host's loopback."""
        return self._state.kubeconfig

    @property
    def kubeconfig_inside(self) -> Path:
        """The administrator's kubeconfig, good on the cluster's LAN and on its nodes."""
        return self._state.pki / "admin.kubeconfig"

    @property
    def logs(self) -> Path:
        """The directory of the components' logs."""
        return Path(self.spec.log_directory)

    @property
    def image_plan(self) -> Path:
        """The file that tells the registry which image names to stand in for."""
        return self._state.image_plan

    @property
    def added_images(self) -> Path:
        """The file that gives the registry further images of netproof's own."""
        return self._state.added_images

    @property
    def image_log(self) -> Path:
        """The registry's access log."""
        return self._state.image_log

    @property
    def guest(self) -> None:
        """Nothing: an embedded cluster is netproof's own."""

    @property
    def namespace_labels(self) -> dict[str, str]:
        """The labels of every namespace that netproof makes there: none, for they go with the cluster."""
        return {}

    def open_api(self) -> KubernetesApi:
        """Its API, as an administrator."""
        return KubernetesApi(self.kubeconfig, cache=self._state.discovery)

    def beside(self, node: str) -> AgentStandpoint:
        """Who reaches the pods of a node: on that node."""
        return self.standpoint(node)

    def pod_standpoint(self, pod: Object) -> AgentStandpoint:
        """Who stands in the network of a running pod."""
        return self.standpoint(f"pod:{pod['metadata']['uid']}")

    def broken(self) -> str:
        """Which components have died, each with the end of its log; empty where none has."""
        return "\n".join(map(str, self.deaths()))

    def running(self) -> list[str]:
        """The names of the components that run, sorted; from a file, so that one that comes up or ends answers, too."""
        try:
            status = json.loads(self._state.status.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return sorted(status["running"])

    def deaths(self) -> list[Death]:
        """The components that have ended without being asked to."""
        try:
            status = json.loads(self._state.status.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return [Death("the cluster", -1, Path("-"), ())]
        return [
            Death(name, death["exit_code"], Path(death["log"]), tuple(death["tail"]))
            for name, death in status["dead"].items()
        ]

    def standpoint(self, place: str) -> AgentStandpoint:
        """Who acts on ``lan``, ``control-plane``, a node (by name), or in a pod (``pod:UID``).

        Raises:
            NetproofError: there is no such place.
        """
        socket_path = Path(request(self._state.control_socket, op="agent", standpoint=place)["socket"])
        slowness = self.spec.slowness
        standpoint = AgentStandpoint(place, socket_path, slowness=slowness)
        standpoint.wait_until_up(timeout_seconds=_AGENT_SECONDS * slowness)
        return standpoint

    def status(self) -> dict[str, Any]:
        """The supervisor's view: components that run, with pid and log, and those that died."""
        return request(self._state.control_socket, op="status")

    def restart(self, component: str) -> None:
        """End a component in good order and start it again.

        Raises:
            NetproofError: there is no such component, or it is a virtual machine or the link to one.
        """
        for node in self.spec.nodes:
            if node.is_virtual and component in {f"vm-{node.name}", f"link-{node.name}"}:
                raise NetproofError(
                    f"{component} cannot be restarted: all that the node {node.name} is, its programs and its files, "
                    "lives in the memory of that machine and goes with it",
                    f"restart what runs on the node, such as kubelet-{node.name}, or end the cluster and start another",
                )
        request(self._state.control_socket, op="restart", component=component)

    def kill(self, component: str) -> None:
        """Kill a component, as a crash would."""
        request(self._state.control_socket, op="kill", component=component)

    def wait(self) -> None:
        """Return when the cluster has ended, however that came; for who has started it."""
        if self._launcher is not None:
            self._launcher.wait()

    def stop(self) -> None:
        """End the cluster; returns when nothing of it is left. A cluster that has ended already is left as it is."""
        if self._launcher is not None:
            self._launcher.send_signal(signal.SIGTERM)
            self._launcher.wait()
            if self._lifeline is not None:
                os.close(self._lifeline)
                self._lifeline = None
        elif (launcher := self._launcher_pid()) is not None:
            descriptor = os.pidfd_open(launcher)
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            select.select([descriptor], [], [])
            os.close(descriptor)
        # No guardian clears up after a start that was broken off before it was there to hear the signal.
        state.remove_if_dead(self.name)

    def guardian(self) -> int:
        """The process of the host that ends when the cluster has.

        Raises:
            NetproofError: the cluster has ended.
        """
        found = self._launcher_pid()
        if found is None:
            raise NetproofError(f"the cluster {self.name!r} has ended", _WHY_ENDED)
        return found

    def first_process(self) -> int:
        """The first process of the cluster's PID namespace, as the host numbers it.

        Raises:
            NetproofError: the cluster has ended.
        """
        # guardian, then unshare, which forks the first process into the new namespace
        found = self.guardian()
        for _ in range(2):
            below = Path(f"/proc/{found}/task/{found}/children")
            try:
                found = int(below.read_text(encoding="ascii").split()[0])
            except (OSError, IndexError):
                raise NetproofError(f"the cluster {self.name!r} is ending", _WHY_ENDED) from None
        return found

    def _launcher_pid(self) -> int | None:
        try:
            pid = int((self._state.path / "launcher.pid").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        return pid if state.is_alive(self.name) else None

    def _prepare(self, spec: ClusterSpec, image_server: Mapping[str, Any], node_files: Mapping[str, str]) -> None:
        directory = self._state
        directory.path.mkdir(mode=0o700, exist_ok=True)
        logs = Path(spec.log_directory)
        logs.mkdir(parents=True, exist_ok=True)
        for log_of_an_earlier_cluster in logs.glob("*.log"):
            log_of_an_earlier_cluster.unlink()
        spec.write(directory.spec)
        (directory.path / "image-server.json").write_text(json.dumps(image_server), encoding="utf-8")
        (directory.path / "node-files.json").write_text(json.dumps(node_files), encoding="utf-8")

    def _launch(self, spec: ClusterSpec, lock: int, *, detach: bool) -> int:
        events_read, events_write = os.pipe()
        lifeline_read, lifeline_write = (-1, -1) if detach else os.pipe()
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        write_pki(spec, self._state.pki, loopback_port=listener.getsockname()[1], kubeconfig=self._state.kubeconfig)
        inherited = [lock, events_write, listener.fileno()] + ([] if detach else [lifeline_read])
        with (Path(spec.log_directory) / "supervisor.log").open("ab") as log:
            self._launcher = subprocess.Popen(
                [
                    *(sys.executable, "-m", "netproof.cluster.launcher", "--name", spec.name, "--lock", str(lock)),
                    *("--events", str(events_write), "--listener", str(listener.fileno())),
                    *(() if detach else ("--lifeline", str(lifeline_read))),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=of_components(os.environ),
                pass_fds=inherited,
                start_new_session=True,
            )
        (self._state.path / "launcher.pid").write_text(str(self._launcher.pid), encoding="ascii")
        os.close(events_write)
        listener.close()
        if not detach:
            os.close(lifeline_read)
            self._lifeline = lifeline_write
        return events_read

    def _follow(self, events: int, on_event: OnEvent) -> None:
        deaths: list[str] = []
        with os.fdopen(events, encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                match event["event"]:
                    case "started":
                        on_event("components started")
                        return
                    case "died":
                        deaths.append(
                            str(Death(event["component"], event["exit_code"], Path(event["log"]), tuple(event["tail"])))
                        )
                    case "failed":
                        raise NetproofError(
                            "\n".join([f"the cluster did not come up: {event['problem']}", *deaths]),
                            f"all logs are in {self.logs}",
                        )
                    case kind:
                        on_event(kind)
        raise NetproofError(
            "\n".join(["the cluster ended while it came up", *deaths]),
            f"all logs are in {self._log_directory_or_unknown()}",
        )

    def _log_directory_or_unknown(self) -> str:
        try:
            return str(self.logs)
        except FileNotFoundError:
            return "the directory named above"
