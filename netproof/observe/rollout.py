"""The states of a rollout, folded from watch events: what a Deployment's old and new pods were at each revision.

What counts is what the controllers count (kubernetes/kubernetes, pkg/controller): a pod that is being deleted or has
ended is not active and belongs to no replica count (controller_utils.go, ``IsPodActive``); a ReplicaSet's wish is its
``spec.replicas``; the Deployment controller may take an old pod as soon as a new one is available.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

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

    def __str__(self) -> str:
        return (
            f"revision {self.revision} ({self.change}): replicas {self.old_replicas} old + {self.new_replicas} new, "
            f"pods {self.old_pods} + {self.new_pods}, ready {self.old_ready} + {self.new_ready}, "
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

    def hold(self, state: State) -> bool:
        """Whether a state is within the bounds."""
        return state.replicas <= self.maximum and state.available >= self.minimum

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
        surge = _resolve(rolling.get("maxSurge", "25%"), desired, math.ceil)
        unavailable = min(desired, _resolve(rolling.get("maxUnavailable", "25%"), desired, math.floor))
        return cls(desired, surge, 1 if surge == unavailable == 0 else unavailable)
