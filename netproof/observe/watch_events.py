"""Watch events as a timeline keeps them, and in words what each changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch.

    Attributes:
        kind: the object's kind, such as Pod.
        type: ADDED, MODIFIED or DELETED.
        object: the object as the API server sent it.
        received: when it arrived, CLOCK_MONOTONIC in seconds.
    """

    kind: str
    type: str
    object: Mapping[str, Any]
    received: float

    @property
    def revision(self) -> int:
        """The object's resource version, as the number it is with etcd."""
        return int(self.object["metadata"]["resourceVersion"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.object["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The object's namespace, or empty."""
        return str(self.object["metadata"].get("namespace", ""))

    @property
    def uid(self) -> str:
        """The object's uid: two objects of one name, one after the other, differ in it."""
        return str(self.object["metadata"].get("uid", f"{self.namespace}/{self.name}"))

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        return self.object["metadata"].get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """The object's annotations."""
        return self.object["metadata"].get("annotations") or {}

    @property
    def controller(self) -> str:
        """The name of the object's controlling owner, or empty."""
        owners = self.object["metadata"].get("ownerReferences") or ()
        return next((str(owner["name"]) for owner in owners if owner.get("controller")), "")


def describe(before: WatchEvent | None, event: WatchEvent) -> str:
    """What an event changed against the one before it of the same object, in a few words, or empty."""
    if event.type == "DELETED":
        return "gone"
    was = _facts(before) if before else {}
    now = _facts(event)
    changes = [
        f"{name} {was[name]} → {value}" if was.get(name) not in {None, ""} else f"{name} {value}"
        for name, value in now.items()
        if value != was.get(name) and value != ""
    ]
    created = ["created"] if event.type == "ADDED" and before is None and event.kind != "Event" else []
    return ", ".join(created + changes)


def _facts(event: WatchEvent) -> dict[str, str]:
    """What is worth telling of an object, by kind."""
    data, status, spec = event.object, event.object.get("status") or {}, event.object.get("spec") or {}
    match event.kind:
        case "Pod":
            metadata = data["metadata"]
            grace = f"with {metadata.get('deletionGracePeriodSeconds', 0)} s of grace"
            return {
                "deleted": grace if metadata.get("deletionTimestamp") else "",
                "node": str(spec.get("nodeName", "")),
                "phase": str(status.get("phase", "")),
                "Ready": _condition(status, "Ready"),
                "restarts": str(sum(one.get("restartCount", 0) for one in status.get("containerStatuses") or ())),
            }
        case "ReplicaSet":
            return {
                "replicas": str(spec.get("replicas", "")),
                "pods": str(status.get("replicas", 0)),
                "ready": str(status.get("readyReplicas", 0)),
                "available": str(status.get("availableReplicas", 0)),
            }
        case "Deployment":
            return {
                "replicas": str(spec.get("replicas", "")),
                "updated": str(status.get("updatedReplicas", 0)),
                "available": str(status.get("availableReplicas", 0)),
                "Available": _condition(status, "Available", with_reason=True),
                "Progressing": _condition(status, "Progressing", with_reason=True),
            }
        case "EndpointSlice":
            ready: list[str] = []
            other: list[str] = []
            for endpoint in data.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                (ready if conditions.get("ready") is not False else other).extend(endpoint.get("addresses") or ())
            return {"ready": " ".join(sorted(ready)) or "none", "not ready": " ".join(sorted(other))}
        case "Event":
            about = data.get("involvedObject") or data.get("regarding") or {}
            said = data.get("message") or data.get("note") or ""
            return {"about": f"{about.get('kind', '')} {about.get('name', '')}: {data.get('reason', '')}: {said}"}
    return {}


def _condition(status: Mapping[str, Any], wanted: str, *, with_reason: bool = False) -> str:
    for condition in status.get("conditions") or ():
        if condition["type"] == wanted:
            reason = condition.get("reason", "") if with_reason else ""
            return f"{condition['status']} {reason}".strip()
    return ""
