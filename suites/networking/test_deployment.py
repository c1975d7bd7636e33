"""The web Deployment: its pods, and what its conditions say when they cannot become ready."""

from __future__ import annotations

from netproof.check import DERIVED, SUBMISSION, check
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.submission.derive import http_probe, readiness_probe, short_periods, strategy
from netproof.submission.manifest import web_container
from netproof.submission.standin import listening_port, probe_port
from netproof.waiting import NotYetError, Waiter
from netproof.workloads.workload import condition, is_ready, pod_reasons

REPLICAS = 3
PORT_OF_NOBODY = 1


@check(
    "deploy.replicas",
    subject=SUBMISSION,
    control="a port of the pod on which nothing listens answers nothing",
    mutants=[
        "deploy-replicas-2",
        "deploy-init-without-volume",
        "deploy-wrong-mount-path",
        "probe-wrong-path",
        "probe-wrong-port",
        "rollout-zero-zero",
    ],
)
def test_three_ready_pods_each_serve_their_own_name(applied, web, web_manifest, cluster):
    """Three pods are ready, their init containers have completed, and the page of each carries its own name."""
    applied.require(web_manifest)
    pods = web.wait_available()
    names = [pod["metadata"]["name"] for pod in pods]
    require(len(pods) == REPLICAS, f"{REPLICAS} ready pods", f"{len(pods)}: {', '.join(names)}", objects=[str(web)])
    for pod in pods:
        require_init_containers_completed(pod)
        place, port = cluster.beside(pod["spec"]["nodeName"]), port_of_page(pod)
        served_by = f"Pod {web.namespace}/{pod['metadata']['name']}"
        expect(place.get(page_of(pod, port)), served_by).to_be(200).served_by([pod["metadata"]["name"]])
        expect(place.get(page_of(pod, PORT_OF_NOBODY)), served_by).to_fail_by(Failure.REFUSED)


@check(
    "deploy.unavailable-reason",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="with the right port both conditions are True, for the reasons of a Deployment that is complete",
    mutants=["of the check: the readiness probe asks the right port from the start"],
)
def test_conditions_say_why_a_deployment_is_unavailable(web_manifest, workspace):
    """With a wrong readiness port Available is False for MinimumReplicasUnavailable, and the rollout is under way."""
    port = listening_port(web_container(web_manifest.pod_spec))
    settings = [strategy(max_unavailable=0, max_surge="100%"), short_periods()]

    broken = workspace.derived(web_manifest, readiness_probe(http_probe(closed_port(port))), *settings)
    wait_until_kubelet_finds_unready(workspace, broken)
    wait_for_conditions(
        broken, available=("False", "MinimumReplicasUnavailable"), progressing=("True", "ReplicaSetUpdated")
    )
    require(not any(map(is_ready, broken.pods())), "no pod Ready", pod_reasons(broken.pods()), objects=[str(broken)])

    mended = workspace.derived(web_manifest, readiness_probe(http_probe(port)), *settings)
    mended.wait_settled()
    wait_for_conditions(
        mended, available=("True", "MinimumReplicasAvailable"), progressing=("True", "NewReplicaSetAvailable")
    )
    scaled = [event["message"] for event in workspace.events(mended.name, "ScalingReplicaSet")]
    require(
        any("up" in message for message in scaled) and any("down" in message for message in scaled),
        "events ScalingReplicaSet, of the new ReplicaSet up and of the old one down",
        scaled or "none",
        objects=[str(mended)],
    )


def page_of(pod, port):
    """The address of a pod's page."""
    return f"http://{pod['status']['podIP']}:{port}/index.html"


def port_of_page(pod):
    """Where a pod that is Ready serves: on the port of the probes that it answers, if it has any."""
    container = web_container(pod["spec"])
    return (
        probe_port(container, "readinessProbe") or probe_port(container, "livenessProbe") or listening_port(container)
    )


def closed_port(port):
    """The wrong port of the homework, 80; another where that is the right one."""
    return 80 if port != 80 else 81


def require_init_containers_completed(pod):
    """Raise UnmetError unless the pod has init containers and each has ended well."""
    ended = {
        one["name"]: one["state"].get("terminated", {}).get("reason", "not ended")
        for one in pod["status"].get("initContainerStatuses", [])
        if not is_sidecar(pod, one["name"])
    }
    require(
        ended and set(ended.values()) == {"Completed"},
        "an init container that has completed",
        ", ".join(f"{name}: {reason}" for name, reason in ended.items()) or "no init container",
        objects=[f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"],
    )


def is_sidecar(pod, name):
    """Whether an init container is one that keeps running."""
    return any(one["name"] == name and one.get("restartPolicy") == "Always" for one in pod["spec"]["initContainers"])


def wait_until_kubelet_finds_unready(workspace, workload):
    """Return once the readiness probe has failed on every pod: that it is not ready is no matter of time then."""

    def found() -> None:
        pods = workload.pods()
        unhealthy = {
            event["involvedObject"]["name"]
            for event in workspace.api.list("Event", workspace.namespace)
            if event["reason"] == "Unhealthy"
        }
        if len(pods) != REPLICAS or not workload.pod_names() <= unhealthy:
            raise NotYetError(f"{len(unhealthy)} of {len(pods)} pods; {pod_reasons(pods)}")

    what = f"the readiness probe has failed on all {REPLICAS} pods of {workload}"
    Waiter().until(what, found, timeout_seconds=workload.timeouts.probe_effect)


def wait_for_conditions(workload, *, available, progressing):
    """Return once the Deployment's conditions Available and Progressing have these statuses and reasons."""

    def seen() -> None:
        deployment = workload.deployment()
        found = [condition(deployment, kind) for kind in ("Available", "Progressing")]
        if [(one.get("status"), one.get("reason")) for one in found] != [available, progressing]:
            raise NotYetError(", ".join(f"{one.get('type')} {one.get('status')} {one.get('reason')}" for one in found))

    what = f"{workload} has Available {' '.join(available)} and Progressing {' '.join(progressing)}"
    Waiter().until(what, seen, timeout_seconds=workload.timeouts.rollout)
