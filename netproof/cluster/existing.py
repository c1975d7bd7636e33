"""A cluster that was there before (``--cluster existing``): netproof is a guest in it.

It sees such a cluster through its API. In pods it stands by an ephemeral container, as ``kubectl debug`` makes them; on
a node only where it may start privileged pods (``--privileged-pods``); on the LAN only where this host is on it
(``--on-lan``).
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.cluster.guest import RUN_LABEL, Guest
from netproof.cluster.names import BUSYBOX_IMAGE, NAMES_IN_THE_WORLD
from netproof.cluster.pod_exec import Container
from netproof.cluster.spec import ZONE_LABEL, NodeSpec
from netproof.observe.exec_standpoint import ExecStandpoint, RunCommand
from netproof.observe.looking import LookingStandpoint, require_looking
from netproof.observe.protocol import Completed
from netproof.observe.resolv_conf import ResolvConf
from netproof.observe.standpoint import Standpoint
from netproof.verdict import UnsupportedError
from netproof.waiting import NotYetError, Timeouts, Waiter

_CONTAINER = "netproof"
_CANNOT = " cannot "
"""In the API's message when it is for want of a right that it refuses, and not by an admission plugin."""

# As process 1 a shell dies of no signal that it does not catch, and its pod would take its whole grace period to go.
_IDLE = ["sh", "-c", "trap 'exit 0' TERM; sleep 2147483647 & wait"]

_OWN_CLUSTER = "--cluster local"


@dataclass(frozen=True, slots=True)
class ExistingRequest:
    """Which cluster, and what netproof may do there.

    Attributes:
        kubeconfig: the file that says where and who.
        context: the context in it, always named by the user.
        run: the id of the run.
        privileged_pods: whether netproof may stand on the nodes by privileged pods.
        on_lan: whether this host is on the network of the nodes.
    """

    kubeconfig: str
    context: str
    run: str
    privileged_pods: bool = False
    on_lan: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values, for :class:`ExistingRequest` in another process."""
        return asdict(self)


class GuestApi(KubernetesApi):
    """The API of a cluster where netproof is a guest.

    Images of netproof's own are asked for by the names that they have in the world. What wants a right that the account
    lacks is unsupported, and says which right.
    """

    def _raw(self, method: str, path: str, **parameters: Any) -> Any:
        if "body" in parameters:
            parameters["body"] = _with_images_of_the_world(parameters["body"])
        try:
            return super()._raw(method, path, **parameters)
        except ApiRefused as refused:
            if refused.status == HTTPStatus.FORBIDDEN and _CANNOT in refused.message:
                raise UnsupportedError(refused.message, "the rights that docs/existing.md lists") from None
            raise


class ExistingShape:
    """What is known of a cluster that netproof did not make; asking for anything else is unsupported."""

    def __init__(self, cluster: ExistingCluster) -> None:
        self._cluster = cluster

    @property
    def kubernetes_version(self) -> str:
        """The API server's version, without what a vendor adds to it."""
        return self._cluster.api.version.removeprefix("v").partition("+")[0].partition("-")[0]

    @cached_property
    def nodes(self) -> tuple[NodeSpec, ...]:
        """Its nodes, by name: the internal address, the pod range and the zone of each, empty where it has none."""
        return tuple(
            NodeSpec(
                node["metadata"]["name"],
                _address(node),
                node["spec"].get("podCIDR", ""),
                zone=node["metadata"].get("labels", {}).get(ZONE_LABEL, ""),
            )
            for node in sorted(self._cluster.api.list("Node"), key=lambda node: str(node["metadata"]["name"]))
        )

    @property
    def node_count(self) -> int:
        """How many nodes it has."""
        return len(self.nodes)

    @cached_property
    def proxy_mode(self) -> str:
        """kube-proxy's mode, as it says itself on the loopback of a node."""
        replies = self._cluster.standpoint(self.nodes[0].name).get("http://127.0.0.1:10249/proxyMode")
        said = replies[0].body.strip()
        if not said:
            raise UnsupportedError(f"kube-proxy does not say its mode: {replies}", _OWN_CLUSTER)
        return said

    @property
    def dns_domain(self) -> str:
        """The cluster's domain: in the search list of a pod what follows ``svc.``."""
        found = (ending.removeprefix("svc.") for ending in self._resolver.search if ending.startswith("svc."))
        return next(found, "cluster.local")

    @property
    def dns_address(self) -> str:
        """Where a pod asks first: cluster DNS, or what a node keeps before it."""
        return next(iter(self._resolver.nameservers), "")

    @cached_property
    def _resolver(self) -> ResolvConf:
        return ResolvConf.parse(self._cluster.in_a_pod().run(["cat", "/etc/resolv.conf"]).stdout)

    @cached_property
    def kubernetes_service_address(self) -> str:
        """The ClusterIP of the Service ``kubernetes``."""
        return str(self._cluster.api.get("Service", "kubernetes", "default")["spec"]["clusterIP"])

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnsupportedError(f"{name} is not known of a cluster that netproof did not make", _OWN_CLUSTER)


class ExistingCluster:
    """A cluster in which this run is a guest.

    Args:
        request: which, and what may be done there.
        timeouts: how long pods of netproof may take to run.

    Raises:
        NetproofError: it cannot be reached, or does not know the account.
    """

    def __init__(self, request: ExistingRequest, timeouts: Timeouts) -> None:
        self.request = request
        self._guest = Guest(request.run, f"netproof-{request.run}")
        self._shape = ExistingShape(self)
        self._timeouts = timeouts
        self._places: dict[str, Standpoint] = {}
        self._lock = threading.RLock()
        self.api = GuestApi(Path(request.kubeconfig), request.context)

    @property
    def guest(self) -> Guest:
        """This run as a guest there."""
        return self._guest

    @property
    def spec(self) -> ExistingShape:
        """What is known of it."""
        return self._shape

    @property
    def namespace_labels(self) -> dict[str, str]:
        """The labels of every namespace that netproof makes there."""
        return self.guest.labels

    def open_api(self) -> KubernetesApi:
        """Its API, as the account of the context."""
        return self.api

    def move_in(self) -> None:
        """Make the run's own namespace, unless it is there."""
        labels = dict(self.guest.labels)
        if self.request.privileged_pods:
            labels["pod-security.kubernetes.io/enforce"] = "privileged"
        name = self.guest.namespace
        if self.api.find("Namespace", name) is not None:
            return
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        try:
            self.api.create(namespace)
        except ApiRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:  # another process of the run has made it
                raise
        what = f"the namespace {name} can hold pods"
        Waiter().until(what, partial(_require_account, self.api, name), timeout_seconds=self._timeouts.pod_ready)

    def move_out(self) -> None:
        """Remove everything that this run has made; returns when it is gone.

        Raises:
            TimedOutError: something stays.
        """
        sweep(self.api, run=self.request.run, timeout_seconds=self._timeouts.deletion)

    def standpoint(self, place: str) -> Standpoint:
        """Who stands on ``lan`` or on a node.

        Raises:
            UnsupportedError: netproof may not stand there; with the option that allows it.
        """
        with self._lock:
            if place not in self._places:
                self._places[place] = self._lan() if place == "lan" else self._node(place)
            return self._places[place]

    def beside(self, node: str) -> Standpoint:
        """Who reaches the pods of a node: on it, where that is allowed, else in a pod of netproof's own."""
        return self.standpoint(node) if self.request.privileged_pods else self.in_a_pod()

    def in_a_pod(self) -> Standpoint:
        """Who stands in a pod of netproof's own, which is like any other pod."""
        with self._lock:
            if "pod" not in self._places:
                own = self._helper("beside", {})
                self._places["pod"] = ExecStandpoint(f"pod/{own.namespace}/{own.pod}", _in(own))
            return self._places["pod"]

    def pod_standpoint(self, pod: Object) -> Standpoint:
        """Who stands in the network of a running pod, by an ephemeral container in it."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        container = {"name": _CONTAINER, "image": BUSYBOX_IMAGE, "command": _IDLE}
        if not pod["spec"].get("ephemeralContainers"):
            patch = {"spec": {"ephemeralContainers": [container]}}
            self.api.patch("Pod", name, patch, namespace, subresource="ephemeralcontainers")
        self._wait_running(namespace, name, "ephemeralContainerStatuses")
        return ExecStandpoint(f"pod/{namespace}/{name}", _in(Container(self.api, namespace, name, _CONTAINER)))

    def broken(self) -> str:
        """Nothing: what becomes of its components cannot be seen from outside."""
        return ""

    def _lan(self) -> Standpoint:
        if not self.request.on_lan:
            raise UnsupportedError(
                "netproof does not stand on the LAN of a cluster that it did not make",
                "--on-lan, on a host that is on the network of the nodes",
            )
        socket = Path(tempfile.mkdtemp(prefix="netproof-")) / "lan.sock"
        command = [sys.executable, "-m", "netproof.observe.agent", "--socket", str(socket), "--name", "lan"]
        command.append("--own-directory")  # so that it goes even when this process is killed
        agent = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        atexit.register(agent.terminate)
        found = LookingStandpoint("lan", socket)
        found.wait_until_up()
        return found

    def _node(self, node: str) -> Standpoint:
        if not self.request.privileged_pods:
            raise UnsupportedError(
                "netproof stands on no node of a cluster that it did not make: that wants a privileged pod there",
                "--privileged-pods",
            )
        spec = {"nodeName": node, "hostNetwork": True, "hostPID": True}
        container = self._helper(f"on-{node}", spec, securityContext={"privileged": True})
        # The programs of the node, such as iptables-save, are those that its first process sees.
        programs = _in(container, "nsenter", "-t", "1", "-m", "--")

        def look(argv: Sequence[str], timeout_seconds: float) -> Completed:
            require_looking(argv, node)
            return programs(argv, timeout_seconds)

        return ExecStandpoint(node, _in(container), look)

    def _helper(self, name: str, spec: Object, **container: Any) -> Container:
        """A running pod of netproof's own, in the run's namespace; made where it is not there yet."""
        self.move_in()
        namespace = self.guest.namespace
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "tolerations": [{"operator": "Exists"}],
                "containers": [{"name": _CONTAINER, "image": BUSYBOX_IMAGE, "command": _IDLE, **container}],
                **spec,
            },
        }
        try:
            self.api.create(pod, namespace)
        except ApiRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:  # another process of the run has made it
                said = f"a pod of netproof cannot be made in {namespace}: {refused.message}"
                raise UnsupportedError(said, "a cluster that admits it") from None
        self._wait_running(namespace, name, "containerStatuses")
        return Container(self.api, namespace, name, _CONTAINER)

    def _wait_running(self, namespace: str, name: str, statuses: str) -> None:
        def running() -> None:
            pod = self.api.get("Pod", name, namespace)
            found = [one for one in pod["status"].get(statuses, []) if one["name"] == _CONTAINER]
            if not found or "running" not in found[0]["state"]:
                raise NotYetError(str(found[0]["state"] if found else pod["status"].get("phase")))

        what = f"the container {_CONTAINER} ({BUSYBOX_IMAGE}) of the pod {namespace}/{name} runs"
        Waiter().until(what, running, timeout_seconds=self._timeouts.pod_ready)


def sweep(api: KubernetesApi, *, run: str = "", timeout_seconds: float) -> list[str]:
    """Delete the namespaces that a run of netproof has made, or that any has; returns their names when they are gone.

    Raises:
        TimedOutError: one of them stays.
    """
    labels = f"{RUN_LABEL}={run}" if run else RUN_LABEL
    names = [one["metadata"]["name"] for one in api.list("Namespace", labels=labels)]
    for name in names:
        api.delete("Namespace", name)

    def gone() -> None:
        if left := [one["metadata"]["name"] for one in api.list("Namespace", labels=labels)]:
            raise NotYetError(", ".join(left))

    if names:
        Waiter().until("the namespaces of netproof are gone", gone, timeout_seconds=timeout_seconds)
    return names


def _with_images_of_the_world(value: Any) -> Any:
    if isinstance(value, dict):
        named = {key: _with_images_of_the_world(one) for key, one in value.items()}
        return named | {"image": NAMES_IN_THE_WORLD.get(named["image"], named["image"])} if _has_image(named) else named
    return [_with_images_of_the_world(one) for one in value] if isinstance(value, list) else value


def _has_image(value: Object) -> bool:
    return isinstance(value.get("image"), str)


def _in(container: Container, *before: str) -> RunCommand:
    def run(argv: Sequence[str], timeout_seconds: float) -> Completed:
        return container.run([*before, *argv], timeout_seconds=timeout_seconds)

    return run


def _require_account(api: KubernetesApi, namespace: str) -> None:
    if api.find("ServiceAccount", "default", namespace) is None:
        raise NotYetError("no ServiceAccount default")


def _address(node: Object) -> str:
    addresses = {one["type"]: one["address"] for one in node["status"].get("addresses", [])}
    return str(addresses.get("InternalIP", ""))
