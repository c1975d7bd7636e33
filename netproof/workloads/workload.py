"""A Deployment in a living cluster, and what a check does with it: look at its pods, roll it out, wait for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.observe.rollout import REVISION, TEMPLATE_HASH
from netproof.verdict import UnmetError
from netproof.waiting import NotYetError, Timeouts, Waiter
from netproof.workloads.prospects import hindrance

T = TypeVar("T")

_ROLLED_OUT = "netproof.io/rolled-out"
_SECONDS_BETWEEN_LOOKS_AT_EVENTS = 1.0
_LAST_WORDS = 3
"""Lines of a log."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, by name.

    Attributes:
        api: the cluster's API.
        namespace: where it is.
        name: the Deployment's name.
        timeouts: how long its changes may take.
    """

    api: KubernetesApi
    namespace: str
    name: str
    timeouts: Timeouts

    def __str__(self) -> str:
        return f"Deployment {self.namespace}/{self.name}"

    def deployment(self) -> Object:
        """The Deployment as the API has it now."""
        return self.api.get("Deployment", self.name, self.namespace, api_version="apps/v1")

    def conditions(self) -> dict[str, Object]:
        """The Deployment's conditions by type."""
        return {one["type"]: one for one in self.deployment().get("status", {}).get("conditions", [])}

    def pods(self) -> list[Object]:
        """Its pods that are neither ended nor being deleted."""
        labels = self.deployment()["spec"]["selector"]["matchLabels"]
        return [
            pod
            for pod in self.api.list("Pod", self.namespace, labels=labels)
            if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") not in {"Succeeded", "Failed"}
        ]

    def pod_names(self) -> set[str]:
        """The names of :meth:`pods`."""
        return {pod["metadata"]["name"] for pod in self.pods()}

    def patch(self, patch: Object) -> Object:
        """Change the Deployment by a JSON merge patch; returns it as the API keeps it."""
        return self.api.patch("Deployment", self.name, patch, self.namespace, api_version="apps/v1")

    def scale(self, replicas: int) -> None:
        """Ask for another number of replicas; does not wait."""
        self.patch({"spec": {"replicas": replicas}})

    def roll_out(self, **strategy: int | str) -> None:
        """Start a new rollout and wait until it has settled.

        Args:
            strategy: ``max_unavailable`` and ``max_surge``, where they are to change with it.
        """
        self.start_rollout(**strategy)
        self.wait_settled()

    def start_rollout(self, **strategy: int | str) -> None:
        """Start a new rollout; arguments as for :meth:`roll_out`."""
        names = {"max_unavailable": "maxUnavailable", "max_surge": "maxSurge"}
        annotations = {_ROLLED_OUT: secrets.token_hex(4)}
        spec: Object = {"template": {"metadata": {"annotations": annotations}}}
        if strategy:
            rolling = {names[key]: value for key, value in strategy.items()}
            spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        self.patch({"spec": spec})

    def return_to(self, template: Object) -> None:
        """Return to an earlier pod template, as ``kubectl rollout undo`` does; does not wait."""
        annotations = template["metadata"].get("annotations") or {}
        self.patch({"spec": {"template": {"metadata": {"annotations": {_ROLLED_OUT: None} | annotations}}}})

    def wait_available(self) -> list[Object]:
        """The pods, once all that the Deployment asks for are up to date and available.

        Raises:
            TimedOutError: they were not in time.
            UnmetError: it is certain before that they will not be (see :mod:`netproof.workloads.prospects`).
        """
        available = self._unless_hopeless("all its pods to become available", self._available)
        Waiter().until(f"{self} is available", available, timeout_seconds=self.timeouts.rollout)
        return self.pods()

    def wait_running(self) -> list[Object]:
        """The pods, once there are some and all their containers run, be they Ready or not.

        Raises:
            TimedOutError: they did not in time.
            UnmetError: it is certain before that they will not (see :mod:`netproof.workloads.prospects`).
        """

        def running() -> list[Object]:
            pods = self.pods()
            if not pods or not all(map(runs, pods)):
                raise NotYetError(pod_reasons(pods) or f"{sum(map(runs, pods))} of {len(pods)} pods run")
            return pods

        wanted = self._unless_hopeless("all containers of its pods to run", running)
        return Waiter().until(f"the pods of {self} run", wanted, timeout_seconds=self.timeouts.pod_ready)

    def wait_settled(self) -> list[Object]:
        """The pods, once the Deployment is available and no other pod of it is left, not even one that ends."""

        def settled() -> None:
            self._available()
            labels = self.deployment()["spec"]["selector"]["matchLabels"]
            left = [
                pod
                for pod in self.api.list("Pod", self.namespace, labels=labels)
                if "deletionTimestamp" in pod["metadata"]
            ]
            if left:
                raise NotYetError(f"{len(left)} old pods are ending")

        Waiter(interval_seconds=0.1).until(f"{self} has settled", settled, timeout_seconds=self.timeouts.rollout)
        return self.pods()

    def _unless_hopeless(self, expected: str, condition: Callable[[], T]) -> Callable[[], T]:
        """The condition, which ends the wait for it where none of the pods that are not Ready can become so."""
        next_look = 0.0

        def look() -> T:
            nonlocal next_look
            try:
                return condition()
            except NotYetError:
                if time.monotonic() >= next_look:
                    self._require_hope(expected)
                    next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS_AT_EVENTS
                raise

        return look

    def _require_hope(self, expected: str) -> None:
        events = self.api.list("Event", self.namespace)
        hindrances = {
            pod["metadata"]["name"]: hindrance(
                pod,
                [one for one in events if one["involvedObject"].get("uid") == pod["metadata"]["uid"]],
                patience_seconds=self.timeouts.probe_patience,
            )
            for pod in self._pods_of_newest_template()
            if not is_ready(pod)
        }
        certain = {name: found for name, found in hindrances.items() if found}
        if certain and len(certain) == len(hindrances):
            name, found = next(iter(certain.items()))
            log = self._last_words(name, found.container) if found.ended else ""
            observed = (
                f"pod {name} cannot become Ready{f', nor can {len(certain) - 1} more' if len(certain) > 1 else ''}: "
                f"{found}{f'; the end of its log: {log}' if log else ''}"
            )
            objects = [str(self), *(f"Pod {self.namespace}/{pod}" for pod in certain)]
            raise UnmetError(expected, observed, objects=objects) from None

    def _last_words(self, pod: str, container: str) -> str:
        """The end of a container's log; empty where the API does not give it, as while the container starts anew."""
        try:
            return self.api.logs(pod, self.namespace, container, tail_lines=_LAST_WORDS).strip()
        except ApiRefused:
            return ""

    def _pods_of_newest_template(self) -> list[Object]:
        """Its pods of the template it has now: those of an older one may be hopeless and yet do no harm."""
        deployment = self.deployment()
        if deployment.get("status", {}).get("observedGeneration", 0) < deployment["metadata"]["generation"]:
            return []
        revision = deployment["metadata"].get("annotations", {}).get(REVISION)
        hashes = {
            one["metadata"]["labels"][TEMPLATE_HASH]
            for one in self.api.list(
                "ReplicaSet", self.namespace, api_version="apps/v1", labels=self._labels(deployment)
            )
            if one["metadata"].get("annotations", {}).get(REVISION) == revision
        }
        return [pod for pod in self.pods() if pod["metadata"]["labels"].get(TEMPLATE_HASH) in hashes]

    @staticmethod
    def _labels(deployment: Object) -> dict[str, str]:
        return dict(deployment["spec"]["selector"].get("matchLabels", {}))

    def _available(self) -> None:
        deployment = self.deployment()
        status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
        seen = {
            name: status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        }
        fresh = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        if not fresh or any(count != wanted for count in seen.values()):
            reasons = pod_reasons(self.pods())
            raise NotYetError(f"{seen} of {wanted} wanted{'; ' + reasons if reasons else ''}")


def runs(pod: Object) -> bool:
    """Whether all containers of a pod run, be they ready or not."""
    statuses = pod["status"].get("containerStatuses", [])
    return bool(statuses) and all("running" in container["state"] for container in statuses)


def is_ready(pod: Object) -> bool:
    """Whether a pod's condition Ready is True."""
    return condition(pod, "Ready").get("status") == "True"


def condition(obj: Object, kind: str) -> dict[str, Any]:
    """The condition ``kind`` of an object; empty where it has none."""
    return next((one for one in obj.get("status", {}).get("conditions", []) if one["type"] == kind), {})


def pod_reasons(pods: Iterable[Object]) -> str:
    """Why containers of these pods wait or have ended, in words; empty where all run."""
    found: dict[str, None] = {}
    for pod in pods:
        status = pod.get("status", {})
        for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
            waiting = container["state"].get("waiting", {})
            if waiting.get("reason") not in {None, "PodInitializing", "ContainerCreating"}:
                message = f": {waiting['message']}" if waiting.get("message") else ""
                found[f"container {container['name']} waits, {waiting['reason']}{message}"] = None
    return "; ".join(found)
