"""The states of a rollout, folded from watch events: what a Deployment's old and new pods were at each revision.

What counts is what the controllers count (kubernetes/kubernetes, pkg/controller): a pod that is being deleted or has
ended is not active and belongs to no replica count (controller_utils.go, ``IsPodActive``); a ReplicaSet's wish is its
``spec.replicas``; the Deployment controller may take an old pod as soon as a new one is available.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from netproof.observe.watch_events import WatchEvent

TEMPLATE_HASH = "pod-template-hash"
"""The label by which the Deployment controller tells the pods and ReplicaSets of one template from another's."""
REVISION = "deployment.kubernetes.io/revision"
"""The annotation with the rollout's number, on a Deployment and on its ReplicaSets."""


class Moment(StrEnum):
    """What can happen in a rollout."""

    NEW_REPLICASET_SCALED = "new ReplicaSet scaled"
    OLD_REPLICASET_SCALED = "old ReplicaSet scaled"
    NEW_POD_CREATED = "new pod created"
    NEW_POD_READY = "new pod ready"
    NEW_POD_UNREADY = "new pod no longer ready"
    NEW_POD_DELETED = "new pod deleted"
    OLD_POD_CREATED = "old pod created"
    OLD_POD_READY = "old pod ready"
    OLD_POD_UNREADY = "old pod no longer ready"
    OLD_POD_DELETED = "old pod deleted"
    POD_GONE = "pod gone"


NEW_REPLICASET_SCALED = Moment.NEW_REPLICASET_SCALED
OLD_REPLICASET_SCALED = Moment.OLD_REPLICASET_SCALED
NEW_POD_CREATED = Moment.NEW_POD_CREATED
NEW_POD_READY = Moment.NEW_POD_READY
NEW_POD_DELETED = Moment.NEW_POD_DELETED
OLD_POD_CREATED = Moment.OLD_POD_CREATED
OLD_POD_DELETED = Moment.OLD_POD_DELETED
"""The moment at which the controller deleted it: its deletionTimestamp appeared. The pod runs on until it is gone."""
POD_GONE = Moment.POD_GONE
"""The API object is no more."""


@dataclass(frozen=True, slots=True)
class State:
    """How a rollout stood after one event; pods that are being deleted count only in ``old_deleted``.

    Attributes:
        revision: the resource version of the event that led here.
        change: what happened, in words.
        old_replicas: the sum of the old ReplicaSets' ``spec.replicas``.
        new_replicas: the sum of the new ReplicaSets'.
        old_pods: active old pods.
        new_pods: active new pods.
        old_ready: active old pods that are Ready.
        new_ready: active new pods that are Ready.
        lapsed: active pods, old and new, that were Ready and are not any more.
        new_created: new pods created since the start.
        old_deleted: old pods deleted since the start.
    """

    revision: int
    change: str
    old_replicas: int
    new_replicas: int
    old_pods: int
    new_pods: int
    old_ready: int
    new_ready: int
    lapsed: int
    new_created: int
    old_deleted: int

    @property
    def replicas(self) -> int:
        """What all ReplicaSets together are told to have."""
        return self.old_replicas + self.new_replicas

    @property
    def pods(self) -> int:
        """Active pods, old and new."""
        return self.old_pods + self.new_pods

    @property
    def available(self) -> int:
        """Active pods that are Ready: what the controllers call available where ``minReadySeconds`` is 0."""
        return self.old_ready + self.new_ready

    @property
    def left_available(self) -> int:
        """What the rollout has left available; a pod whose probe fails by itself was not taken away by it."""
        return self.available + self.lapsed

    def __str__(self) -> str:
        return (
            f"revision {self.revision} ({self.change}): replicas {self.old_replicas} old + {self.new_replicas} new, "
            f"pods {self.old_pods} + {self.new_pods}, ready {self.old_ready} + {self.new_ready}, "
            f"{f'{self.lapsed} no longer ready, ' if self.lapsed else ''}"
            f"{self.new_created} new created, {self.old_deleted} old deleted"
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a rolling update may go: ``maximum`` replicas in all, ``minimum`` available."""

    desired: int
    max_surge: int
    max_unavailable: int

    @property
    def maximum(self) -> int:
        """The most replicas that all ReplicaSets together may be told to have."""
        return self.desired + self.max_surge

    @property
    def minimum(self) -> int:
        """The fewest pods that must be available."""
        return self.desired - self.max_unavailable

    @property
    def without_room(self) -> Bounds:
        """Bounds that no rollout can keep, for it may neither add a pod nor take one away: a control."""
        return Bounds(self.desired, 0, 0)

    def hold(self, state: State) -> bool:
        """Whether a state is within the bounds."""
        return state.replicas <= self.maximum and state.left_available >= self.minimum

    @classmethod
    def of(cls, deployment: dict[str, Any]) -> Bounds:
        """The bounds that a Deployment declares.

        The rule: a percentage of the desired replicas is rounded up for surge and down for unavailable, and where both
        come to 0, one may be unavailable (pkg/controller/deployment/util, ``ResolveFenceposts``). Recreate takes all.
        """
        spec = deployment["spec"]
        desired = spec.get("replicas", 1)
        strategy = spec.get("strategy", {})
        if strategy.get("type") == "Recreate":
            return cls(desired, 0, desired)
        rolling = strategy.get("rollingUpdate") or {}
        surge = _resolved(rolling.get("maxSurge", "25%"), desired, round_up=True)
        unavailable = min(desired, _resolved(rolling.get("maxUnavailable", "25%"), desired, round_up=False))
        return cls(desired, surge, 1 if surge == unavailable == 0 else unavailable)


def _resolved(value: int | str, desired: int, *, round_up: bool) -> int:
    """A number of pods, given as such or as a percentage of the desired ones."""
    if isinstance(value, int):
        return value
    hundredths = int(value.removesuffix("%")) * desired
    return -(-hundredths // 100) if round_up else hundredths // 100


@dataclass(frozen=True, slots=True)
class _Pod:
    template_hash: str
    active: bool = True
    deleted: bool = False
    ready: bool = False
    was_ready: bool = False


class RolloutFold:
    """Folds the watch events of one Deployment, its ReplicaSets and pods into states; give them in order of revision.

    Pods and ReplicaSets belong to the Deployment where the Deployment controller's names say so: a ReplicaSet is called
    ``<deployment>-<pod-template-hash>`` (pkg/controller/deployment/sync.go), and owns the pods.
    """

    def __init__(self, namespace: str, deployment: str) -> None:
        self._namespace = namespace
        self._deployment = deployment
        self._deployment_revision = ""
        self._replicas: dict[str, int] = {}
        self._revisions: dict[str, str] = {}
        self._pods: dict[str, _Pod] = {}
        self._old: frozenset[str] | None = None
        self._new_created = 0
        self._old_deleted = 0

    def start(self) -> None:
        """From here on things count: what runs now, or is of the Deployment's revision, is old; all else is new."""
        running = {name for name, replicas in self._replicas.items() if replicas}
        present = {name for name, revision in self._revisions.items() if revision == self._deployment_revision}
        self._old = frozenset(running | present | {pod.template_hash for pod in self._pods.values() if pod.active})

    def apply(self, event: WatchEvent) -> tuple[Moment, ...]:
        """Take one event in; returns what it means, which is nothing before :meth:`start`."""
        if event.namespace != self._namespace:
            return ()
        match event.kind:
            case "Deployment" if event.name == self._deployment:
                self._deployment_revision = event.annotations.get(REVISION, "")
            case "ReplicaSet" if self._owns(event.name, event.labels.get(TEMPLATE_HASH, "")):
                return self._apply_replica_set(event)
            case "Pod" if self._owns(event.controller, event.labels.get(TEMPLATE_HASH, "")):
                return self._apply_pod(event)
        return ()

    def state(self, revision: int, change: str) -> State:
        """The state as it is now."""
        old = [pod for pod in self._pods.values() if pod.active and self._is_old(pod.template_hash)]
        new = [pod for pod in self._pods.values() if pod.active and not self._is_old(pod.template_hash)]
        return State(
            revision=revision,
            change=change,
            old_replicas=sum(count for name, count in self._replicas.items() if self._is_old(name)),
            new_replicas=sum(count for name, count in self._replicas.items() if not self._is_old(name)),
            old_pods=len(old),
            new_pods=len(new),
            old_ready=_ready(old),
            new_ready=_ready(new),
            lapsed=sum(pod.was_ready and not pod.ready for pod in (*old, *new)),
            new_created=self._new_created,
            old_deleted=self._old_deleted,
        )

    def _owns(self, replica_set: str, template_hash: str) -> bool:
        return bool(template_hash) and replica_set == f"{self._deployment}-{template_hash}"

    def _is_old(self, template_hash: str) -> bool:
        return self._old is not None and template_hash in self._old

    def _apply_replica_set(self, event: WatchEvent) -> tuple[Moment, ...]:
        template_hash = event.labels[TEMPLATE_HASH]
        before = self._replicas.get(template_hash, 0)
        now = 0 if event.type == "DELETED" else event.object["spec"].get("replicas", 1)
        self._replicas[template_hash] = now
        self._revisions[template_hash] = event.annotations.get(REVISION, "")
        if self._old is None or now == before:
            return ()
        return (Moment.OLD_REPLICASET_SCALED if self._is_old(template_hash) else Moment.NEW_REPLICASET_SCALED,)

    def _apply_pod(self, event: WatchEvent) -> tuple[Moment, ...]:
        before = self._pods.get(event.uid)
        gone = event.type == "DELETED"
        status = event.object.get("status", {})
        deleted = gone or "deletionTimestamp" in event.object["metadata"]
        active = not deleted and status.get("phase") not in {"Succeeded", "Failed"}
        conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        ready = active and conditions.get("Ready") == "True"
        was_ready = before is not None and (before.ready or before.was_ready)
        now = _Pod(event.labels[TEMPLATE_HASH], active, deleted, ready, was_ready)
        self._pods[event.uid] = now
        if gone:
            del self._pods[event.uid]
        if self._old is None:
            return ()
        old = self._is_old(now.template_hash)
        moments = _pod_moments(before, now, old=old)
        self._new_created += Moment.NEW_POD_CREATED in moments
        self._old_deleted += Moment.OLD_POD_DELETED in moments
        return (*moments, Moment.POD_GONE) if gone else moments


def _ready(pods: Iterable[_Pod]) -> int:
    return sum(pod.ready for pod in pods)


def _pod_moments(before: _Pod | None, now: _Pod, *, old: bool) -> tuple[Moment, ...]:
    """What the change of a pod means, in the order in which it is told."""
    moments: list[Moment] = []
    if before is None:
        moments.append(Moment.OLD_POD_CREATED if old else Moment.NEW_POD_CREATED)
        before = replace(now, active=True, deleted=False, ready=False)
    if now.deleted and not before.deleted:
        moments.append(Moment.OLD_POD_DELETED if old else Moment.NEW_POD_DELETED)
    if now.ready and not before.ready:
        moments.append(Moment.OLD_POD_READY if old else Moment.NEW_POD_READY)
    if before.ready and not now.ready and not now.deleted:
        moments.append(Moment.OLD_POD_UNREADY if old else Moment.NEW_POD_UNREADY)
    return tuple(moments)
