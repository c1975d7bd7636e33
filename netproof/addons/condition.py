"""What is wrong with the pods of a namespace, for the message of an add-on that does not serve."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.workloads.workload import is_ready, pod_reasons

_LOG_LINES = 8
_EVENTS = 6


def condition_of(api: KubernetesApi, namespace: str) -> str:
    """The pods of a namespace that are not Ready, each with its last events and the ends of its logs, as text."""
    pods = api.list("Pod", namespace)
    events = api.list("Event", namespace)
    ailing = [pod for pod in pods if not is_ready(pod)]
    of_owners = [event for event in events if event["involvedObject"].get("kind") != "Pod"]
    if not pods:
        return "\n".join([f"  no pod in {namespace}", *map(_event, of_owners[-_EVENTS:])])
    if not ailing:
        warnings = [event for event in of_owners if event.get("type") == "Warning"]
        return "\n".join([f"  all {len(pods)} pods in {namespace} are Ready", *map(_event, warnings[-_EVENTS:])])
    return "\n".join(line for pod in ailing for line in _pod(api, pod, events))


def _pod(api: KubernetesApi, pod: Object, events: list[Object]) -> Iterator[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    node = pod["spec"].get("nodeName", "no node")
    reasons = pod_reasons([pod])
    yield f"  pod {name} on {node} is not Ready: {pod['status'].get('phase')}{f'; {reasons}' if reasons else ''}"
    yield from [_event(one) for one in events if one["involvedObject"].get("uid") == pod["metadata"]["uid"]][-_EVENTS:]
    for container in pod["spec"]["containers"]:
        for previous in (True, False):
            try:
                log = api.logs(name, namespace, container["name"], tail_lines=_LOG_LINES, previous=previous)
            except ApiRefused:
                continue  # it has not run, or has not run before
            yield from (f"    log of {container['name']}: {line}" for line in log.splitlines())


def _event(event: Object) -> str:
    return f"    event of {event['involvedObject'].get('name')}: {event.get('reason')}: {event.get('message')}"
