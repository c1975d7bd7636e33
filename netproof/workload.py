"""A Deployment in a living cluster, and what a check does with it: look at its pods, roll it out, wait for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from netproof.cluster.api import KubernetesApi, Object
from netproof.waiting import NotYetError, Timeouts, Waiter

_REVISION_ANNOTATION = "netproof.io/rolled-out"


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
        names = {"max_unavailable": "maxUnavailable", "max_surge": "maxSurge"}
        annotations = {_REVISION_ANNOTATION: secrets.token_hex(4)}
        spec: Object = {"template": {"metadata": {"annotations": annotations}}}
        if strategy:
            rolling = {names[key]: value for key, value in strategy.items()}
            spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        self.patch({"spec": spec})
        self.wait_settled()

    def wait_available(self) -> list[Object]:
        """The pods, once all that the Deployment asks for are up to date and available."""
        Waiter().until(f"{self} is available", self._available, timeout_seconds=self.timeouts.rollout)
        return self.pods()

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
