"""How a Deployment replaces its pods: in which order, within which bounds, and what its clients notice.

Order is judged by resource versions and by the ReplicaSets' own history. The Deployment controller changes
``spec.replicas`` of the ReplicaSets (pkg/controller/deployment/rolling.go); their controller then creates and deletes
pods, and counts none that is being deleted (pkg/controller/controller_utils.go, ``IsPodActive``). So between two
ReplicaSets the order of the ``spec.replicas`` is certain, and that of single pods only where readiness enforces it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from netproof.check import DERIVED, EXTENDED, SUBMISSION, check, none_because
from netproof.cluster.names import BUSYBOX_IMAGE
from netproof.cluster.recorder import recording
from netproof.fixtures.workspace import make_workspace, refused
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.rollout import (
    NEW_POD_CREATED,
    NEW_POD_READY,
    NEW_REPLICASET_SCALED,
    OLD_POD_DELETED,
    OLD_REPLICASET_SCALED,
    Bounds,
)
from netproof.observe.timeline import Timeline
from netproof.submission.derive import (
    http_probe,
    image,
    liveness_probe,
    pod_spec_of,
    readiness_probe,
    recreate,
    replicas,
    short_periods,
    strategy,
)
from netproof.submission.manifest import web_container
from netproof.waiting import NotYetError, Waiter

REPLICAS = 3
EXTREMES = {"surge": (0, "100%"), "replace": ("100%", 0), "both": ("100%", "100%")}
PORT = 8000
SLOW_START_SECONDS = 2
DRAIN_SECONDS = 4
LOST_AFTER_SECONDS = 10.0
"""A reply that a busy machine delays is not lost; one that was sent to nobody does not come in this time either."""


def new_pods_came_before_old_ones_went(timeline):
    """All new pods are created, then old ones go, never more of them than new ones are Ready."""
    return (
        timeline.count(NEW_POD_CREATED) == REPLICAS
        and timeline.last(NEW_POD_CREATED) < timeline.first(OLD_POD_DELETED)
        and timeline.always(lambda state: state.old_deleted <= state.new_ready and state.available >= REPLICAS)
    )


def old_pods_went_before_new_ones_came(timeline):
    """The old ReplicaSet is taken down before the new one is brought up; together they never want more than asked."""
    return timeline.last(OLD_REPLICASET_SCALED) < timeline.first(NEW_REPLICASET_SCALED) and timeline.always(
        lambda state: state.replicas <= REPLICAS
    )


def all_were_replaced_at_once(timeline):
    """Up with the new ones and down with the old ones, without waiting for any to become Ready."""
    ready = timeline.first(NEW_POD_READY)
    return (
        timeline.first(NEW_REPLICASET_SCALED) < timeline.first(OLD_REPLICASET_SCALED)
        and timeline.count(NEW_POD_CREATED) == timeline.count(OLD_POD_DELETED) == REPLICAS
        and timeline.last(NEW_POD_CREATED) < ready
        and timeline.last(OLD_POD_DELETED) < ready
    )


class Extremes:
    """The three extreme strategies on copies of the web Deployment, rolled out side by side at the first question."""

    def __init__(self, cluster, web_manifest, watching):
        self._cluster, self._manifest, self._watching = cluster, web_manifest, watching
        self._timelines = {}

    def timeline(self, name):
        """What happened with one of the strategies."""
        if not self._timelines:
            with ThreadPoolExecutor(len(EXTREMES)) as pool:
                self._timelines = dict(zip(EXTREMES, pool.map(self._roll_out, EXTREMES), strict=True))
        return self._timelines[name]

    def _roll_out(self, name):
        max_unavailable, max_surge = EXTREMES[name]
        space = make_workspace(self._cluster, self._namespace(name))
        workload = space.derived(
            self._manifest,
            replicas(REPLICAS),
            strategy(max_unavailable=max_unavailable, max_surge=max_surge),
            short_periods(),
        )
        workload.wait_settled()
        with self._watching(workload) as timeline:
            workload.roll_out()
        return timeline

    def _namespace(self, name):
        return f"netproof-extreme-{name}-{id(self):x}"

    def close(self):
        """Delete the copies."""
        for name in EXTREMES:
            self._cluster.api.delete("Namespace", self._namespace(name))


@pytest.fixture(scope="module")
def extremes(cluster, web_manifest, api):
    """The three extreme strategies, rolled out."""
    made = Extremes(cluster, web_manifest, lambda workload: recording(api, Timeline(workload.namespace, workload.name)))
    yield made
    made.close()


@check(
    "rollout.declared",
    subject=SUBMISSION,
    control="bounds that are narrower by one pod are not kept by the same rollout",
    mutants=["rollout-zero-zero"],
    exclusive=True,
)
def test_the_declared_strategy_is_valid_and_kept(applied, web, web_manifest, watching):
    """The declared strategy is accepted, and a rollout keeps its own maxSurge and maxUnavailable."""
    applied.require(web_manifest)
    web.wait_settled()
    bounds = Bounds.of(web.deployment())
    with watching(web) as timeline:
        web.roll_out()

    kept = timeline.always(bounds.hold)
    require(kept, f"replicas at most {bounds.maximum}, available at least {bounds.minimum}", kept, objects=[str(web)])
    narrower = Bounds(bounds.desired, bounds.max_surge - 1, bounds.max_unavailable - 1)
    require(
        not timeline.always(narrower.hold), "a rollout that uses its bounds", "none of its steps", objects=[str(web)]
    )


@check(
    "rollout.surge-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 100%, maxSurge 0: the same statement is false",
    mutants=["of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_new_pods_come_before_old_ones_go(extremes):
    """With maxUnavailable 0 and maxSurge 100% all new pods are created before old ones go, as new ones get Ready."""
    surge, replace = extremes.timeline("surge"), extremes.timeline("replace")
    require(new_pods_came_before_old_ones_went(surge), new_pods_came_before_old_ones_went.__doc__, surge.render())
    require(not new_pods_came_before_old_ones_went(replace), "otherwise with 100%/0", replace.render())


@check(
    "rollout.delete-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 0, maxSurge 100%: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%"],
)
def test_old_pods_go_before_new_ones_come(extremes):
    """With maxUnavailable 100% and maxSurge 0 the old pods are deleted first, and there are never more than three."""
    replace, surge = extremes.timeline("replace"), extremes.timeline("surge")
    require(old_pods_went_before_new_ones_came(replace), old_pods_went_before_new_ones_came.__doc__, replace.render())
    require(not old_pods_went_before_new_ones_came(surge), "otherwise with 0/100%", surge.render())


@check(
    "rollout.all-at-once",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="both other extremes: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%", "of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_all_pods_are_replaced_at_once(extremes):
    """With maxUnavailable and maxSurge 100% three are created and three deleted before the first new one is Ready."""
    both = extremes.timeline("both")
    require(all_were_replaced_at_once(both), all_were_replaced_at_once.__doc__, both.render())
    for other in ("surge", "replace"):
        timeline = extremes.timeline(other)
        require(not all_were_replaced_at_once(timeline), f"otherwise with {EXTREMES[other]}", timeline.render())


@check(
    "rollout.zero-zero-rejected",
    subject=DERIVED,
    control="0/1 is accepted",
    mutants=["of the check: 0/1 instead of 0/0"],
)
def test_zero_and_zero_is_rejected(workspace, web_manifest):
    """A strategy with maxUnavailable 0 and maxSurge 0 is refused, and the refusal names the field."""
    refusal = refused(lambda: workspace.derived(web_manifest, strategy(max_unavailable=0, max_surge=0)))
    fields = [field for field, _ in refusal.causes] if refusal else []
    require(
        fields == ["spec.strategy.rollingUpdate.maxUnavailable"],
        "a refusal that names spec.strategy.rollingUpdate.maxUnavailable",
        refusal.message if refusal else "accepted",
    )
    accepted = refused(lambda: workspace.derived(web_manifest, strategy(max_unavailable=0, max_surge=1)))
    require(accepted is None, "0/1 to be accepted", accepted.message if accepted else "")


def rolls_over(workload):
    """Start a second rollout while the first is under way."""
    workload.start_rollout()
    wait_for_first_new_pod(workload)
    workload.roll_out()


def rolls_back(workload):
    """Return to the template before, while the rollout away from it is under way."""
    before = workload.deployment()["spec"]["template"]
    workload.start_rollout()
    wait_for_first_new_pod(workload)
    workload.return_to(before)
    workload.wait_settled()


def pauses(workload):
    """Pause a rollout that is under way, and resume it."""
    workload.start_rollout()
    wait_for_first_new_pod(workload)
    workload.patch({"spec": {"paused": True}})
    workload.patch({"spec": {"paused": False}})
    workload.wait_settled()


def rolls_out(workload):
    """Roll out once."""
    workload.roll_out()


def wait_for_first_new_pod(workload):
    """Return when the rollout has made its first pod."""
    known = {pod["metadata"]["labels"]["pod-template-hash"] for pod in workload.pods()}

    def made() -> None:
        hashes = {pod["metadata"]["labels"]["pod-template-hash"] for pod in workload.pods()}
        if len(hashes | known) < 2:
            raise NotYetError("only pods of one template")

    Waiter().until(f"{workload} has a new pod", made, timeout_seconds=workload.timeouts.rollout)


@check(
    "rollout.bounds",
    subject=DERIVED,
    level=EXTENDED,
    needs=["deploy.replicas"],
    control="bounds that are narrower by one pod are not kept by the same rollout",
    mutants=none_because(
        "only a controller that breaks its own rule could be caught; the control shows that it would be"
    ),
)
@pytest.mark.parametrize(
    ("action", "change"),
    [
        pytest.param(rolls_over, strategy(max_unavailable=1, max_surge=1), id="rollover"),
        pytest.param(rolls_back, strategy(max_unavailable="25%", max_surge="25%"), id="rollback"),
        pytest.param(pauses, strategy(max_unavailable=1, max_surge=1), id="pause"),
        pytest.param(rolls_out, recreate(), id="recreate"),
    ],
)
def test_no_state_is_out_of_bounds(workspace, web_manifest, watching, action, change):
    """At every state replicas are within desired + maxSurge, and available ones within desired - maxUnavailable."""
    workload = workspace.derived(web_manifest, replicas(REPLICAS), change, short_periods())
    workload.wait_settled()
    bounds = Bounds.of(workload.deployment())
    with watching(workload) as timeline:
        action(workload)

    kept = timeline.always(bounds.hold)
    wanted = f"replicas at most {bounds.maximum} and available at least {bounds.minimum} at every state"
    require(kept, wanted, f"{kept}\n{timeline.render()}", objects=[str(workload)])
    narrower = Bounds(bounds.desired, bounds.max_surge - 1, bounds.max_unavailable - 1)
    require(not timeline.always(narrower.hold), "states up to the bounds", timeline.render(), objects=[str(workload)])


def draining_server(*, ready_when_it_serves):
    """A server that starts slowly, and on SIGTERM serves on for as long as kube-proxy may need to take it out.

    kube-proxy writes its rules at most once a second (``minSyncPeriod``), so an endpoint that has just been deleted is
    used for a second and the time of its news; the server goes on for more than twice that.
    """
    serve = (
        f"trap 'sleep {DRAIN_SECONDS} & wait $!; exit 0' TERM; sleep {SLOW_START_SECONDS} & wait $!;"
        f" httpd -p {PORT} -h /app; while :; do sleep 60 & wait $!; done"
    )

    def change(manifest):
        container = web_container(pod_spec_of(manifest))
        container["command"], container["args"] = ["sh", "-c", serve], []

    probe = http_probe(PORT) if ready_when_it_serves else None
    return [
        replicas(REPLICAS),
        short_periods(grace_seconds=DRAIN_SECONDS + 4),
        image(BUSYBOX_IMAGE),
        liveness_probe(None),
        readiness_probe(probe),
        change,
    ]


def lost_while_rolling_out(cluster, space, web_manifest, changes):
    """The replies to a steady load on a Service during a rollout."""
    workload = space.derived(web_manifest, *changes)
    labels = workload.deployment()["spec"]["selector"]["matchLabels"]
    service = space.service("web", labels, target_port=PORT)
    workload.wait_settled()
    node, url = cluster.node(), service.url("/index.html")
    eventually(
        lambda: expect(node.get(url, times=3), str(service)).to_be(200),
        within_seconds=cluster.timeouts.rules_programmed + SLOW_START_SECONDS,
        in_a_row=3,
    )
    with node.load(url, interval_seconds=0.05, timeout_seconds=LOST_AFTER_SECONDS) as load:
        workload.roll_out()
    return load.replies


@check(
    "rollout.no-lost-request",
    subject=DERIVED,
    level=EXTENDED,
    needs=["deploy.replicas"],
    control="maxUnavailable 100%, maxSurge 0 loses some",
    mutants=["of the check: the readiness probe removed from a server that starts slowly"],
)
def test_a_careful_rollout_loses_no_request(cluster, workspace, web_manifest):
    """Under steady load a rollout with 0/100% of a server that drains on SIGTERM loses nothing."""
    careful, careless = strategy(max_unavailable=0, max_surge="100%"), strategy(max_unavailable="100%", max_surge=0)
    cases = [
        [*draining_server(ready_when_it_serves=True), careful],
        [*draining_server(ready_when_it_serves=True), careless],
        [*draining_server(ready_when_it_serves=False), careful],
    ]
    spaces = [workspace, *(make_workspace(cluster, f"{workspace.namespace}-{extra}") for extra in ("delete", "blind"))]
    try:
        with ThreadPoolExecutor(len(cases)) as pool:
            replies = list(
                pool.map(
                    lambda case: lost_while_rolling_out(cluster, case[0], web_manifest, case[1]),
                    zip(spaces, cases, strict=True),
                )
            )
    finally:
        for space in spaces[1:]:
            cluster.api.delete("Namespace", space.namespace)

    kept, delete_first, blind = replies
    expect(kept, str(workspace.namespace)).to_lose_nothing()
    require(delete_first.lost, "requests lost with 100%/0", delete_first, objects=[spaces[1].namespace])
    require(blind.lost, "requests lost without readiness", blind, objects=[spaces[2].namespace])
