"""Probes: what each kind of them does to a pod, and those that the submission declares."""

from __future__ import annotations

from netproof.check import DERIVED, EXTENDED, OWN, SUBMISSION, check
from netproof.observe.eventually import until_served_by
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.submission.derive import (
    exec_probe,
    http_probe,
    liveness_probe,
    pod_labels,
    readiness_probe,
    short_periods,
    tcp_probe,
)
from netproof.submission.manifest import mapping_at, web_container
from netproof.submission.standin import listening_port
from netproof.verdict import UnmetError, blocked
from netproof.waiting import NotYetError, TimedOutError, Waiter
from netproof.workloads.probe_answers import ask_probe
from netproof.workloads.switched_server import switch, switched_container, switched_server, wait_for_port

DECLARED = {"readinessProbe": "httpGet", "livenessProbe": "tcpSocket"}
UNREADY = {"Initialized": "True", "PodScheduled": "True", "Ready": "False", "ContainersReady": "False"}
PAGE = "/index.html"
PORT_OF_NOBODY = 1
POINTLESS = ("sh", "-c", "ps aux | grep my_web_server_process")
"""The homework's own: the shell that runs it has the words in its command line, so that grep always finds them."""
UNHURRIED = {"timeoutSeconds": 10}
"""A loaded machine may take its time to answer; what these probes must see is that nobody answers."""


@check(
    "probe.declared",
    subject=SUBMISSION,
    control="on a port where nothing listens the readiness probe is not answered",
    mutants=[
        "probe-wrong-path",
        "probe-wrong-port",
        "probe-removed",
        "probe-liveness-removed",
        "deploy-wrong-mount-path",
    ],
)
def test_the_declared_probes_are_answered(applied, web, web_manifest, cluster):
    """The web container declares a readiness probe by HTTP and a liveness probe by TCP, and answers both."""
    declared = web_container(web_manifest.pod_spec) or {}
    for probe, action in DECLARED.items():
        found = ", ".join(mapping_at(declared, probe)) or f"no {probe}"
        require(mapping_at(declared, probe, action), f"a {probe} with {action}", found, objects=[str(web_manifest)])
    for pod in running_pods(applied, web, web_manifest):
        place, address = cluster.beside(pod["spec"]["nodeName"]), pod["status"]["podIP"]
        container = web_container(pod["spec"])
        involved = [str(web_manifest), f"Pod {web.namespace}/{pod['metadata']['name']}"]
        wait_until_answered(place, address, container, involved, cluster.timeouts)
        expect(place.get(f"http://{address}:{PORT_OF_NOBODY}/"), *involved).to_fail_by(Failure.REFUSED)


@check(
    "probe.readiness-wrong-port",
    subject=DERIVED,
    control="with the right port, and without a readiness probe, the same pod is Ready",
    mutants=["of the check: the probe asks the right port", "of the check: no readiness probe"],
)
def test_a_pod_with_a_wrong_readiness_port_runs_but_is_not_ready(intro_pod, workspace):
    """A readiness probe on a port where nothing listens keeps the pod at Running, 0/1, with no restart."""
    port = listening_port(web_container(intro_pod.pod_spec))
    probes = {"wrong-port": http_probe(wrong_port(port)), "right-port": http_probe(port), "no-probe": None}
    pods = {
        name: workspace.copied_pod(intro_pod, name, readiness_probe(probe), short_periods())
        for name, probe in probes.items()
    }

    wrong = pods.pop("wrong-port")
    for ready in pods.values():
        ready.wait_ready()
    said = wrong.wait_failed("Readiness")

    phase, container, conditions = wrong.object()["status"]["phase"], wrong.container(), wrong.conditions()
    require(phase == "Running", "phase Running", phase, objects=[str(wrong)])
    require(not container["ready"], "READY 0/1", "1/1", objects=[str(wrong)])
    require(container["restartCount"] == 0, "RESTARTS 0", container["restartCount"], objects=[str(wrong)])
    require(UNREADY.items() <= conditions.items(), f"conditions {UNREADY}", conditions, objects=[str(wrong)])
    for part in (f":{wrong_port(port)}{PAGE}", "connection refused"):
        require(part in said, f"an event Unhealthy that says {part!r}", said, objects=[str(wrong)])


@check(
    "probe.readiness-gates-endpoints",
    subject=DERIVED,
    control="a ready pod is an endpoint and gets traffic, and with publishNotReadyAddresses so does the unready one",
    mutants=["of the check: publishNotReadyAddresses: true"],
)
def test_an_unready_pod_gets_no_traffic(intro_pod, workspace, node):
    """A pod that is not ready is in no ready endpoint of its Service and gets none of its traffic."""
    port = listening_port(web_container(intro_pod.pod_spec))
    probes = {"ready": http_probe(port), "unready": http_probe(wrong_port(port))}
    pods = {
        name: workspace.copied_pod(
            intro_pod, name, readiness_probe(probe), short_periods(), pod_labels({"app": "gated"})
        )
        for name, probe in probes.items()
    }
    gated = workspace.service("gated", {"app": "gated"}, target_port=port)
    published = workspace.service("published", {"app": "gated"}, target_port=port, publishNotReadyAddresses=True)
    pods["ready"].wait_ready()
    pods["unready"].wait_failed("Readiness")

    # Once the published Service reaches both, kube-proxy knows both.
    for found, names in ((published, set(pods)), (gated, {"ready"})):
        until_served_by(node, found.url(PAGE), names, within_seconds=workspace.timeouts.rules_programmed)
    expect(node.get(gated.url(PAGE), times=40), str(gated)).to_be(200).served_only_by(["ready"])
    for found, expected in ((gated, {"ready"}), (published, set(pods))):
        endpoints = {f"{pods[name].address}:{port}" for name in expected}
        observed = found.ready_endpoints()
        require(observed == endpoints, f"ready endpoints {sorted(endpoints)}", sorted(observed), objects=[str(found)])


@check(
    "probe.liveness-restarts",
    subject=DERIVED,
    control="with its port open, the container is not restarted meanwhile",
    mutants=["of the check: no liveness probe"],
)
def test_a_closed_port_has_the_container_restarted(intro_pod, workspace, node):
    """A server that closes its port without exiting is restarted by its liveness probe, once, and serves again."""
    port = listening_port(web_container(intro_pod.pod_spec))
    tcp = tcp_probe(port) | UNHURRIED
    probes = {"closing": tcp, "open": tcp, "unwatched": None}
    closing, still_open, unwatched = run_switched(workspace, intro_pod, probes, port, node)

    # In this order, for then the unwatched one has been closed for longer than the other when that is restarted.
    for pod in (unwatched, closing):
        switch(node, pod.address, port, to_open=False, timeouts=workspace.timeouts)
    said = closing.wait_failed("Liveness")
    closing.wait_restarted()
    wait_for_port(node, closing.address, port, is_open=True, timeouts=workspace.timeouts)

    require("connection refused" in said, "an event 'Liveness probe failed', connection refused", said)
    for pod, expected in ((closing, 1), (still_open, 0), (unwatched, 0)):
        require(pod.restarts == expected, f"restart count {expected}", pod.restarts, objects=[str(pod)])
    wait_for_port(node, unwatched.address, port, is_open=False, timeouts=workspace.timeouts)


@check(
    "probe.liveness-exec-pointless",
    subject=DERIVED,
    control="a tcpSocket probe, and an exec probe that asks the server, see it: their containers are restarted",
    mutants=["of the check: the command asks the server instead of the list of processes"],
)
def test_looking_for_a_process_does_not_see_that_the_server_is_gone(intro_pod, workspace, node):
    """The exec probe 'ps aux | grep' stays green after the server has stopped serving."""
    port = listening_port(web_container(intro_pod.pod_spec))
    probes = {
        "pointless": exec_probe(*POINTLESS) | UNHURRIED,
        "connecting": tcp_probe(port) | UNHURRIED,
        "asking": exec_probe("sh", "-c", f"nc -z 127.0.0.1 {port}") | UNHURRIED,
    }
    pointless, connecting, asking = run_switched(workspace, intro_pod, probes, port, node)

    for pod in (pointless, connecting, asking):
        switch(node, pod.address, port, to_open=False, timeouts=workspace.timeouts)
    connecting.wait_restarted()
    asking.wait_restarted()

    failures = pointless.failures("Liveness")
    require(not failures, "no event 'Liveness probe failed'", failures, objects=[str(pointless)])
    require(pointless.restarts == 0, "restart count 0", pointless.restarts, objects=[str(pointless)])
    wait_for_port(node, pointless.address, port, is_open=False, timeouts=workspace.timeouts)


@check(
    "probe.startup-gates",
    subject=OWN,
    level=EXTENDED,
    control="without the startup probe the same container is restarted before its server is up",
    mutants=["of the check: no startup probe"],
)
def test_a_startup_probe_holds_the_liveness_probe_back(workspace, node):
    """Until its startup probe succeeds a pod is not ready and has no liveness probe; then it is and has, at once."""
    port = 8000
    liveness = {"livenessProbe": tcp_probe(port) | UNHURRIED}
    startup = {"startupProbe": tcp_probe(port) | UNHURRIED | {"failureThreshold": 600}}
    gated = workspace.probed_pod(switched_pod("gated", port, startup | liveness))
    ungated = workspace.probed_pod(switched_pod("ungated", port, liveness))

    ungated.wait_restarted()
    gated.wait_failed("Startup")
    held_back, failures = gated.container(), gated.failures("Liveness")
    require(not held_back["started"] and not held_back["ready"], "neither started nor ready", held_back)
    require(not failures, "no liveness probe yet", failures, objects=[str(gated)])

    switch(node, gated.address, port, to_open=True, timeouts=workspace.timeouts)
    gated.wait_ready()
    require(gated.restarts == 0, "restart count 0", gated.restarts, objects=[str(gated)])

    switch(node, gated.address, port, to_open=False, timeouts=workspace.timeouts)
    gated.wait_restarted()


def wrong_port(port):
    """The wrong port of the homework, 80; another where that is the right one."""
    return 80 if port != 80 else 81


def running_pods(applied, web, web_manifest):
    """The pods of the Deployment once their containers run; without them the check is blocked."""
    outcome = applied.of(web_manifest)
    if outcome is None or outcome.refusal:
        blocked(f"{web} is not there: {outcome or 'it is not part of the plan'}")
    try:
        return web.wait_running()
    except UnmetError as unmet:
        blocked(f"no container answers probes: {unmet.observed}")
    except TimedOutError as late:
        blocked(f"no container answers probes: {late}")


def wait_until_answered(place, address, container, involved, timeouts):
    """Return once a container answers its probes; it has a moment for all of them once it answers any."""

    def ask():
        return [ask_probe(place, address, container, probe) for probe in DECLARED]

    def any_reached():
        answers = ask()
        if not any(answer.reached for answer in answers):
            raise NotYetError("; ".join(f"{answer.said} to {answer.asked}" for answer in answers))

    def all_passed():
        for answer in ask():
            if not answer.passed:
                raise NotYetError(f"{answer.said} instead of {answer.asked}")

    try:
        Waiter().until("a port that the probes name is open", any_reached, timeout_seconds=timeouts.probe_patience)
        Waiter().until("both probes are answered", all_passed, timeout_seconds=timeouts.request)
    except TimedOutError as late:
        raise UnmetError(late.what, late.last, attempts=late.attempts, objects=involved) from None


def run_switched(workspace, original, probes, port, place):
    """Run copies of a pod whose servers can be switched off, each with its liveness probe, until they serve."""
    pods = [
        workspace.copied_pod(
            original, name, readiness_probe(None), short_periods(), switched_server(port), liveness_probe(probe)
        )
        for name, probe in probes.items()
    ]
    for pod in pods:
        wait_for_port(place, pod.wait_ready(), port, is_open=True, timeouts=workspace.timeouts)
    return pods


def switched_pod(name, port, probes):
    """A pod whose server is off at first."""
    container = switched_container("server", port, open_first=False) | probes
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
