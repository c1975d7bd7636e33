"""When a wait may end early, because a pod will not become Ready."""

from __future__ import annotations

from typing import Any

import pytest

from netproof.workloads.prospects import hindrance

REFUSED = (
    'Readiness probe failed: Get "http://10.244.0.5:80/index.html": dial tcp 10.244.0.5:80: connect: connection refused'
)
LATE = 'Readiness probe failed: Get "http://10.244.0.5:80/": context deadline exceeded'


def pod(*, waiting: dict[str, str] | None = None, restarts: int = 0, **probe: Any) -> dict[str, Any]:
    state = {"waiting": waiting} if waiting else {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    container = {
        "name": "web",
        "image": "example.com/web:v1",
        "state": state,
        "restartCount": restarts,
        "lastState": {"terminated": {"exitCode": 7}},
    }
    spec = {"containers": [{"name": "web", "readinessProbe": {"httpGet": {"port": 80}} | probe}]}
    return {"spec": spec, "status": {"containerStatuses": [container]}}


def event(reason: str, message: str, *, count: int = 1, seconds: int = 0, container: str = "web") -> dict[str, Any]:
    return {
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": f"2026-01-01T00:00:{seconds:02}Z",
        "involvedObject": {"fieldPath": f"spec.containers{{{container}}}"},
    }


def why(found: dict[str, Any], *events: dict[str, Any]) -> str:
    return str(hindrance(found, events, patience_seconds=19) or "")


def test_a_pod_that_has_just_started_may_become_ready() -> None:
    assert why(pod()) == ""


def test_a_readiness_probe_that_has_failed_often_and_long_is_a_hindrance() -> None:
    said = why(pod(), event("Unhealthy", REFUSED, count=3, seconds=20))

    assert said == f"container web: {REFUSED} (3 times in 20 s)"


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([event("Unhealthy", REFUSED, count=3, seconds=4)], id="for too short a time"),
        pytest.param([event("Unhealthy", REFUSED, count=2, seconds=20)], id="too seldom"),
        pytest.param([event("Unhealthy", LATE, count=9, seconds=30)], id="for want of an answer in time"),
        pytest.param(
            [event("Unhealthy", "Liveness probe failed", count=9, seconds=30)], id="but of the liveness probe"
        ),
        pytest.param(
            [event("Unhealthy", REFUSED, count=9, seconds=30, container="other")], id="but of another container"
        ),
    ],
)
def test_a_probe_that_failed_is_no_hindrance(failures: list[dict[str, Any]]) -> None:
    assert why(pod(), *failures) == ""


def test_the_pods_own_threshold_counts() -> None:
    assert why(pod(failureThreshold=10), event("Unhealthy", REFUSED, count=9, seconds=50)) == ""


def test_a_container_that_keeps_ending_is_a_hindrance_at_the_third_time() -> None:
    waiting = {"reason": "CrashLoopBackOff"}

    assert why(pod(waiting=waiting, restarts=1)) == ""
    assert why(pod(waiting=waiting, restarts=2)) == "container web: it has ended 3 times, last with exit code 7"


def test_an_image_is_a_hindrance_when_it_was_refused_twice() -> None:
    waiting, refusal = {"reason": "ImagePullBackOff"}, 'Failed to pull image "example.com/web:v1": not found'

    assert why(pod(waiting=waiting), event("Failed", refusal)) == ""
    assert why(pod(waiting=waiting), event("Failed", refusal, count=2)) == f"container web: {refusal}"


def test_an_image_name_that_is_none_is_a_hindrance_at_once() -> None:
    waiting = {"reason": "InvalidImageName", "message": "couldn't parse image name"}

    assert why(pod(waiting=waiting)) == "container web: InvalidImageName: couldn't parse image name"
