"""The first process of a cluster's PID namespace: makes its machines, starts its components, answers requests.

When this process ends, however it ends, the kernel ends every other process of the cluster, and with them go all
namespaces and mounts. It reports what happens as JSON lines on the descriptor ``--events``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from netproof.cluster import components as parts
from netproof.cluster.components import CONTROL_PLANE, LAN, Component
from netproof.cluster.confinement import confine, volatile_size
from netproof.cluster.control import ControlServer
from netproof.cluster.http_in_network import NetworkClient
from netproof.cluster.processes import Processes, Running
from netproof.cluster.spec import ZONE_LABEL, ClusterSpec, NodeSpec
from netproof.cluster.state import StateDirectory
from netproof.listeners import require_listener
from netproof.node import cgroups, links
from netproof.node.machine import Machine
from netproof.node.namespace import NamespaceMachine, make_machine, make_node
from netproof.node.vm import remote, start
from netproof.node.vm.machine import VirtualMachine
from netproof.waiting import Waiter

_TAIL_LINES = 12
_LOOK_SECONDS = 0.02
_LISTENING_SECONDS = 60.0
_NODE_NETWORK = (
    "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0"
    " && nft -f /etc/kubernetes/masquerade.nft"
)


class Supervisor:
    """One embedded cluster, from inside."""

    def __init__(self, spec: ClusterSpec, state: StateDirectory, events: int) -> None:
        self._spec = spec
        self._state = state
        self._events: int | None = events
        self._logs = Path(spec.log_directory)
        self._machines: dict[str, Machine] = {}
        self._namespaces: dict[str, NamespaceMachine] = {}
        self._processes = Processes(spec.system_cgroup, self._logs, self._component_died)
        self._dead: dict[str, dict[str, Any]] = {}
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._died = threading.Condition(self._lock)
        self._control: ControlServer | None = None

    def boot(self, listener: int) -> None:
        """Bring the cluster up to the point where all components run and the API server is ready."""
        self._make_groups_and_volatile()
        self._make_control_plane()
        # The longest wait of a boot is for these two, so they start first and the network is made meanwhile.
        self._start(parts.etcd(self._spec, self._state))
        self._start(parts.kube_apiserver(self._spec, self._state))
        self._make_lan()
        for node in self._spec.nodes:
            if node.is_virtual:
                self._make_virtual_node(node)
            else:
                self._make_node(node)
        # Netlink in another namespace forks, which a process with threads must not: threads start here.
        threading.Thread(target=self._processes.reap_forever, daemon=True).start()
        self._event("network made", seconds=self._elapsed())
        network = self._namespaces[CONTROL_PLANE].network
        control_plane = NetworkClient(network)
        self._state.agents.mkdir(exist_ok=True)
        self._control = ControlServer(self._state.control_socket, self._answer)
        self._start(parts.forwarder(self._spec, listener, network), pass_fds=(listener,))
        self._start(parts.image_server(self._state.path / "image-server.json"))
        if parts.pulls_images(self._spec):
            self._start(parts.uplink(self._spec, self._namespaces[LAN].network))
        for node in self._spec.nodes:
            if isinstance(machine := self._machines[node.name], VirtualMachine):
                self._wait_for_listener(f"link-{node.name}", str(machine.link))
            self._start(parts.containerd(self._spec, node))
        self._start(parts.agent(LAN, LAN, self._state.agent_socket(LAN)))
        for node in self._spec.nodes:
            # Python takes its time in an emulated machine, so its agent starts before anyone asks for it.
            if isinstance(machine := self._machines[node.name], VirtualMachine):
                self._start(parts.agent_in(machine, node.name, self._state.agent_socket(node.name)))
        control_plane.trust(self._state.pki / "ca.crt", self._state.pki / "admin.crt", self._state.pki / "admin.key")
        control_plane.wait_for_ok(
            self._spec.control_plane_address, 6443, "/readyz", self._still_alive("kube-apiserver", "etcd")
        )
        self._event("API server ready", seconds=self._elapsed())
        self._register_nodes(control_plane)
        self._start(parts.kube_controller_manager(self._spec, self._state))
        self._start(parts.kube_scheduler(self._spec, self._state))
        for node in self._spec.nodes:
            self._wait_for_runtime(node)
            self._start(parts.kubelet(self._spec, self._state, node))
        for node in self._spec.nodes:
            self._start(parts.kube_proxy(self._spec, node))
        self._event("started", seconds=self._elapsed())

    def fail(self, problem: str) -> None:
        """Report that the cluster did not come up."""
        self._event("failed", problem=problem)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._started, 3)

    def _make_groups_and_volatile(self) -> None:
        cgroups.create(self._spec.system_cgroup, for_processes=True)
        for node in self._spec.nodes:
            cgroups.create(f"{self._spec.cgroup}/{node.name}")
        if self._spec.confined:
            confine(self._spec)
        volatile = self._state.volatile
        volatile.mkdir(exist_ok=True)
        size = volatile_size() if self._spec.confined else "75%"
        self._processes.run(["mount", "-t", "tmpfs", "-o", f"mode=700,size={size}", "netproof", str(volatile)])

    def _make_control_plane(self) -> None:
        with (self._logs / "machines.log").open("ab") as log:
            self._add(make_machine(CONTROL_PLANE, log))

    def _make_lan(self) -> None:
        spec = self._spec
        with (self._logs / "machines.log").open("ab") as log:
            self._add(make_machine(LAN, log))
        lan, control_plane = self._namespaces[LAN], self._namespaces[CONTROL_PLANE]
        links.make_lan(lan, spec.lan_address, spec.lan_prefix_length)
        links.join_lan(lan, control_plane, spec.control_plane_address, spec.lan_prefix_length, gateway=spec.lan_address)
        links.add_routes(control_plane, [links.Route(node.pod_cidr, node.address) for node in spec.nodes])

    def _make_node(self, node: NodeSpec) -> None:
        volatile = self._state.volatile / node.name
        volatile.mkdir()
        images = Path(self._spec.unpacked_images)
        shutil.copytree(images / "records", volatile / "containerd", symlinks=True)
        with (self._logs / "machines.log").open("ab") as log:
            shared = [str(self._state.path), str(self._logs), str(images), *self._spec.readable_directories]
            machine = make_node(node.name, volatile=volatile, shared=shared, log=log)
        self._add(machine)
        files = self._files(node)
        # A path inside the machine, seen through the root of the process that holds it.
        root = Path(f"/proc/{machine.pid}/root")
        for path, text in files.items():
            inside = root / path.lstrip("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.write_text(text, encoding="utf-8")
        spec = self._spec
        links.join_lan(self._namespaces[LAN], machine, node.address, spec.lan_prefix_length, gateway=spec.lan_address)
        others = [other for other in spec.nodes if other != node]
        links.add_routes(machine, [links.Route(other.pod_cidr, other.address) for other in others])
        self._processes.run(machine.enter(["sh", "-c", _NODE_NETWORK]))

    def _make_virtual_node(self, node: NodeSpec) -> None:
        """Start a node's virtual machine; what is started on it from now on waits until it is up."""
        spec, hardware = self._spec, self._spec.hardware
        if hardware is None:
            message = f"{node.name} is to be a virtual machine, and there is nothing to make it of"
            raise ValueError(message)
        setup = start.NodeSetup(
            name=node.name,
            address=f"{node.address}/{spec.lan_prefix_length}",
            gateway=spec.lan_address,
            routes=tuple((other.pod_cidr, other.address) for other in spec.nodes if other != node),
            files=self._files(node) | parts.pki_files(self._state, node),
            cgroup=f"{spec.cgroup}/{node.name}",
            unpacked_images=spec.unpacked_images,
        )
        first = Path(hardware.initrd).read_bytes()
        self._state.initrd(node.name).write_bytes(first + start.second_archive(setup))
        self._processes.run(links.make_tap(self._namespaces[LAN], node.name))
        self._start(parts.virtual_machine(hardware, self._state, node))
        self._start(parts.link(spec, self._state, node))
        self._machines[node.name] = VirtualMachine(node.name, self._state.link_socket(node.name))

    def _add(self, machine: NamespaceMachine) -> None:
        self._machines[machine.name] = self._namespaces[machine.name] = machine

    def _files(self, node: NodeSpec) -> dict[str, str]:
        further: dict[str, str] = json.loads((self._state.path / "node-files.json").read_text(encoding="utf-8"))
        return parts.node_files(self._spec, self._state, node) | further

    def _register_nodes(self, client: NetworkClient) -> None:
        """Make the Node objects before their kubelets do, so that each has the pod range that the routes know."""
        for node in self._spec.nodes:
            body = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": node.name, "labels": {"kubernetes.io/hostname": node.name, ZONE_LABEL: node.zone}},
                "spec": {"podCIDR": node.pod_cidr, "podCIDRs": [node.pod_cidr]},
            }
            client.post(self._spec.control_plane_address, 6443, "/api/v1/nodes", body)

    def _wait_for_runtime(self, node: NodeSpec) -> None:
        """Return once a node's containerd listens: a kubelet before it ends. A virtual machine looks for itself."""
        machine = self._namespaces.get(node.name)
        if machine is None:
            return
        # The socket as it is seen inside the machine, through the root of the process that holds it.
        self._wait_for_listener(f"containerd-{node.name}", f"/proc/{machine.pid}/root{parts.CONTAINERD_SOCKET}")

    def _wait_for_listener(self, component: str, path: str) -> None:
        """Return once a component listens on a unix socket; on a busy host what needs it may start faster."""
        still_alive = self._still_alive(component)

        def listens() -> None:
            still_alive()
            require_listener(path)

        waiter = Waiter(interval_seconds=_LOOK_SECONDS)
        waiter.until(f"{component} listens", listens, timeout_seconds=_LISTENING_SECONDS)

    def _start(self, component: Component, pass_fds: tuple[int, ...] = ()) -> Running:
        with self._lock:
            self._dead.pop(component.name, None)
        machine = self._machines[component.machine] if component.machine else None
        running = self._processes.start(component, machine, pass_fds=pass_fds)
        self._write_status()
        return running

    def _still_alive(self, *names: str) -> Any:
        def check() -> None:
            dead = [name for name in names if name in self._dead]
            if dead:
                message = f"{dead[0]} ended at once"
                raise RuntimeError(message)

        return check

    def _component_died(self, running: Running, code: int) -> None:
        tail = running.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        death = {"exit_code": code, "log": str(running.log), "tail": tail, "seconds": self._elapsed()}
        with self._lock:
            self._dead[running.component.name] = death
        self._write_status()
        with self._died:
            self._died.notify_all()
        self._event("died", component=running.component.name, **death)

    def _write_status(self) -> None:
        with self._lock:
            running = {}
            for name in self._processes.names():
                one = self._processes.get(name)
                if one is not None and name not in self._dead:
                    running[name] = {"pid": one.process.pid, "log": str(one.log), "machine": one.component.machine}
            # how a program of the host gets onto each machine, for 'netproof exec'
            machines = {name: machine.enter_by_hand() for name, machine in self._machines.items()}
            text = json.dumps({"running": running, "dead": self._dead, "machines": machines}, indent=2)
            temporary = self._state.status.with_suffix(".new")
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(self._state.status)

    def _event(self, kind: str, **values: Any) -> None:
        if self._events is None:
            return
        try:
            os.write(self._events, (json.dumps({"event": kind} | values) + "\n").encode())
        except OSError:
            self._events = None  # nobody listens any more: the cluster was detached

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"op": "agent", "standpoint": str(name)}:
                return {"socket": str(self._agent(name))}
            case {"op": "restart", "component": str(name)}:
                return self._restart(name)
            case {"op": "kill", "component": str(name)}:
                self._require(name).process.kill()
                with self._died:
                    self._died.wait_for(lambda: name in self._dead)
                return {}
            case {"op": "status"}:
                return dict(json.loads(self._state.status.read_text(encoding="utf-8")))
            case _:
                return {"error": f"not a request: {request}"}

    def _require(self, name: str) -> Running:
        running = self._processes.get(name)
        if running is None:
            message = f"no component {name!r}; there are {', '.join(sorted(self._processes.names()))}"
            raise LookupError(message)
        return running

    def _restart(self, name: str) -> dict[str, Any]:
        running = self._require(name)
        self._processes.end(name)
        self._start(running.component, running.pass_fds)
        return {}

    def _agent(self, standpoint: str) -> Path:
        """The socket of the agent on a machine, or in a pod (``pod:UID``); started where it is not yet there."""
        kind, _, uid = standpoint.partition(":")
        name = self._state.pod_agent(uid) if uid else kind
        socket_path = self._state.agent_socket(name)
        running = self._processes.get(f"agent-{name}")
        if running is not None and running.process.returncode is None:
            return socket_path
        if uid:
            self._start(self._pod_agent(name, uid, socket_path))
        elif isinstance(machine := self._machines.get(standpoint), VirtualMachine):
            self._start(parts.agent_in(machine, name, socket_path))
        elif machine:
            self._start(parts.agent(name, standpoint, socket_path))
        else:
            message = f"no standpoint {standpoint!r}; there are {', '.join(self._machines)} and pods"
            raise LookupError(message)
        return socket_path

    def _pod_agent(self, name: str, uid: str, socket_path: Path) -> Component:
        """Who acts in the network namespace of a pod: that of any of its processes."""
        for node in self._spec.nodes:
            cgroup, machine = f"{self._spec.cgroup}/{node.name}", self._machines[node.name]
            if isinstance(machine, VirtualMachine):
                with contextlib.suppress(remote.RemoteError):
                    answer = remote.ask(machine.link, pod_network=uid, cgroup=cgroup)
                    return parts.agent_in(machine, name, socket_path, answer["network"])
            elif pids := cgroups.processes_of_pod(cgroup, uid):
                return parts.agent(name, "", socket_path, f"/proc/{pids[0]}/ns/net")
        message = f"the pod {uid} has no process"
        raise LookupError(message)


def main() -> None:
    """Run as the first process of a new PID namespace: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="the cluster's name")
    parser.add_argument("--events", type=int, required=True, help="descriptor for JSON lines of what happens")
    parser.add_argument("--listener", type=int, required=True, help="descriptor of the socket on the host's loopback")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    state = StateDirectory(arguments.name)
    supervisor = Supervisor(ClusterSpec.read(state.spec), state, arguments.events)
    try:
        supervisor.boot(arguments.listener)
    except Exception as problem:
        supervisor.fail(f"{type(problem).__name__}: {problem}")
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
