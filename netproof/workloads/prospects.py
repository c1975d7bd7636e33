"""Whether a pod can still become Ready: a pure judgement of its status and its Events.

A wait for a Deployment ends with the truth as soon as the truth is certain. Three things settle it, each seen often
enough that a passing trouble (a name server that is late, a registry that hiccups, a server that is slow to listen) is
not taken for it:

* an image that was refused twice, or whose name no registry can know;
* a container that has ended three times and that the kubelet keeps from starting (CrashLoopBackOff);
* a readiness probe that has failed as often as its own ``failureThreshold`` says, and for as long as the kubelet's
  defaults (3 failures, 10 s apart) grant a server. Only answers count, such as a refused connection or a status 404: a
  probe that got none in time speaks of a slow machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Object = Mapping[str, Any]

_REFUSED_PULLS: Final = 2
_ENDED: Final = 3
_DEFAULT_FAILURE_THRESHOLD: Final = 3
_PULL_PROBLEMS: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})
_NO_ANSWER: Final = ("context deadline exceeded", "Client.Timeout", "i/o timeout", "timed out")


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a pod will not become Ready.

    Attributes:
        container: the container that is in the way.
        reason: in words.
        ended: whether that container has run and ended, so that its log has its last words.
    """

    container: str
    reason: str
    ended: bool = False

    def __str__(self) -> str:
        return f"container {self.container}: {self.reason}"


def hindrance(pod: Object, events: Iterable[Object], *, patience_seconds: float) -> Hindrance | None:
    """Why this pod, which is not Ready, will not become so; None where it still may.

    Args:
        pod: as the API has it.
        events: the Events about it.
        patience_seconds: for how long a readiness probe must have failed.
    """
    events = list(events)
    status = pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    not_started = filter(None, (_why_not_started(container, events) for container in statuses))
    return next(not_started, None) or _why_not_answering(pod, events, patience_seconds)


def _why_not_started(container: Object, events: list[Object]) -> Hindrance | None:
    waiting = container["state"].get("waiting", {})
    name, reason = container["name"], waiting.get("reason", "")
    if reason == "InvalidImageName":
        return Hindrance(name, f"{reason}: {waiting.get('message', '')}")
    if reason in _PULL_PROBLEMS:
        pulls = [one for one in events if one["reason"] == "Failed" and container["image"] in one["message"]]
        refused = [one for one in pulls if one["message"].startswith("Failed to pull image")]
        if sum(map(_count, refused)) >= _REFUSED_PULLS:
            return Hindrance(name, refused[-1]["message"])
    times = container["restartCount"] + 1
    if reason == "CrashLoopBackOff" and times >= _ENDED:
        code = container.get("lastState", {}).get("terminated", {}).get("exitCode")
        return Hindrance(name, f"it has ended {times} times, last with exit code {code}", ended=True)
    return None


def _why_not_answering(pod: Object, events: list[Object], patience_seconds: float) -> Hindrance | None:
    running = {one["name"] for one in pod.get("status", {}).get("containerStatuses", ()) if one["state"].get("running")}
    for container in pod["spec"]["containers"]:
        probe = container.get("readinessProbe")
        if not probe or container["name"] not in running:
            continue
        failures = list(_readiness_failures(events, container["name"]))
        if not failures or any(part in one["message"] for one in failures for part in _NO_ANSWER):
            continue
        count = sum(map(_count, failures))
        seconds = max(map(_last, failures)) - min(map(_first, failures))
        if count >= probe.get("failureThreshold", _DEFAULT_FAILURE_THRESHOLD) and seconds >= patience_seconds:
            said = max(failures, key=_last)["message"]
            return Hindrance(container["name"], f"{said} ({count} times in {seconds:.0f} s)")
    return None


def _readiness_failures(events: Iterable[Object], container: str) -> Iterator[Object]:
    for event in events:
        about = event["involvedObject"].get("fieldPath", "")
        if (
            event["reason"] == "Unhealthy"
            and event["message"].startswith("Readiness probe failed")
            and about == f"spec.containers{{{container}}}"
        ):
            yield event


def _count(event: Object) -> int:
    return int(event.get("count") or event.get("series", {}).get("count") or 1)


def _first(event: Object) -> float:
    return _seconds(event.get("firstTimestamp") or event["eventTime"])


def _last(event: Object) -> float:
    series = event.get("series") or {}
    return _seconds(event.get("lastTimestamp") or series.get("lastObservedTime") or event["eventTime"])


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
