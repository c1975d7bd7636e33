"""A pod as its probes see it: what failed, what was restarted, what is ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netproof.cluster.api import KubernetesApi, Object
from netproof.submission.manifest import web_container
from netproof.waiting import NotYetError, Timeouts, Waiter
from netproof.workloads.workload import condition, is_ready, pod_reasons

ProbeKind = Literal["Readiness", "Liveness", "Startup"]

_FAILURES = 3
"""The failureThreshold that a probe has where it declares none."""


@dataclass(frozen=True, slots=True)
class ProbedPod:
    """A pod, by name, with one container that is probed.

    Attributes:
        api: the cluster's API.
        namespace: where it is.
        name: its name.
        timeouts: how long the effect of a probe may take.
    """

    api: KubernetesApi
    namespace: str
    name: str
    timeouts: Timeouts

    def __str__(self) -> str:
        return f"Pod {self.namespace}/{self.name}"

    def object(self) -> Object:
        """The pod as the API has it now."""
        return self.api.get("Pod", self.name, self.namespace)

    @property
    def address(self) -> str:
        """Its address; empty while it has none."""
        return str(self.object()["status"].get("podIP", ""))

    def container(self) -> Object:
        """The status of the container that serves; empty while there is none."""
        pod = self.object()
        name = (web_container(pod["spec"]) or {}).get("name")
        return next((one for one in pod["status"].get("containerStatuses", []) if one["name"] == name), {})

    @property
    def restarts(self) -> int:
        """How often that container was restarted."""
        return int(self.container().get("restartCount", 0))

    def conditions(self) -> dict[str, str]:
        """The status of each of the pod's conditions."""
        return {one["type"]: one["status"] for one in self.object()["status"].get("conditions", [])}

    def failures(self, kind: ProbeKind) -> list[str]:
        """What the kubelet's Events Unhealthy say of a probe, one message for each failure."""
        return [
            event["message"]
            for event in self.api.list("Event", self.namespace)
            if event["involvedObject"]["name"] == self.name
            and event["reason"] == "Unhealthy"
            and event["message"].startswith(f"{kind} probe failed")
            for _ in range(event.get("count") or 1)
        ]

    def wait_ready(self) -> str:
        """Return its address once it is Ready.

        Raises:
            TimedOutError: it does not become so.
        """

        def ready() -> str:
            pod = self.object()
            if not is_ready(pod):
                failures = self.failures("Readiness")
                said = f"{failures[-1]} ({len(failures)} times)" if failures else ""
                raise NotYetError(pod_reasons([pod]) or said or f"Ready is {condition(pod, 'Ready').get('status')}")
            return str(pod["status"]["podIP"])

        return Waiter().until(f"{self} is Ready", ready, timeout_seconds=self.timeouts.pod_ready)

    def wait_failed(self, kind: ProbeKind) -> str:
        """Return what was said last once a probe has failed as often as it takes to have an effect.

        Raises:
            TimedOutError: it does not.
        """

        def failed() -> str:
            failures = self.failures(kind)
            if len(failures) < _FAILURES:
                raise NotYetError(f"{len(failures)} failures; {pod_reasons([self.object()]) or 'all containers run'}")
            return failures[-1]

        what = f"the {kind.lower()} probe of {self} has failed {_FAILURES} times"
        return Waiter(0.1).until(what, failed, timeout_seconds=self.timeouts.pod_ready)

    def wait_restarted(self) -> None:
        """Return once its container has been restarted, and runs.

        Raises:
            TimedOutError: it is not.
        """

        def restarted() -> None:
            container = self.container()
            if not container.get("restartCount") or "running" not in container["state"]:
                raise NotYetError(f"{container.get('restartCount', 0)} restarts; state {container.get('state')}")

        what = f"the container of {self} is restarted"
        Waiter(0.1).until(what, restarted, timeout_seconds=self.timeouts.probe_effect)
