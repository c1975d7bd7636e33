"""How a Deployment replaces its pods: in which order, within which bounds, and what its clients notice.

Order is judged by resource versions and by the ReplicaSets' own history. The Deployment controller changes
``spec.replicas`` of the ReplicaSets (pkg/controller/deployment/rolling.go); their controller then creates and deletes
pods, and counts none that is being deleted (pkg/controller/controller_utils.go, ``IsPodActive``). So between two
ReplicaSets the order of the ``spec.replicas`` is certain, and that of single pods only where readiness enforces it.

Each strategy is rolled out once, several side by side; what is the subject of one check is the control of another.
"""

from __future__ import annotations

import pytest

from netproof.check import DERIVED, EXTENDED, SUBMISSION, check, none_because
from netproof.fixtures.workspace import refused
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
from netproof.rehearsals import Rehearsal, Rehearsals
from netproof.service import Service, service_manifest
from netproof.submission.derive import recreate, replicas, short_periods, strategy
from netproof.submission.draining_server import PAGE, draining_server
from netproof.waiting import NotYetError, Waiter

REPLICAS = 3
PORT = 8000
STARTS_AFTER_SECONDS = 3
"""Longer than the news of an endpoint that is no longer ready takes: about 1 s to be noticed and 1 s to be written."""
STARTS_LATE_AFTER_SECONDS = 8
"""Longer than it takes, also on a busy machine, until a container that runs is known to do so."""
LOAD_INTERVAL_SECONDS = 0.04
"""One of six endpoints that is still used stays idle for 4 s, 100 requests, with probability (5/6)^100 < 2e-8."""
DENSE_LOAD_INTERVAL_SECONDS = 0.015
"""Of the requests in the second that kube-proxy takes, some 25 go to pods that are no more; none, with e^-25."""
LOST_AFTER_SECONDS = 10.0
"""A reply that a busy machine delays is not lost; one that was sent to nobody does not come in this time either."""


def new_pods_came_before_old_ones_went(timeline):
    """All new pods are created, then old ones go, never more of them than new ones are Ready."""
    return (
        timeline.count(NEW_POD_CREATED) == REPLICAS
        and timeline.last(NEW_POD_CREATED) < timeline.first(OLD_POD_DELETED)
        and timeline.always(lambda state: state.old_deleted <= state.new_ready + state.lapsed)
        and timeline.always(lambda state: state.left_available >= REPLICAS)
    )


def old_pods_went_before_new_ones_came(timeline):
    """The old ReplicaSet is taken down before the new one is brought up; together they never want more than asked."""
    return (
        timeline.count(OLD_POD_DELETED) == REPLICAS
        and timeline.last(OLD_REPLICASET_SCALED) < timeline.first(NEW_REPLICASET_SCALED)
        and timeline.always(lambda state: state.replicas <= REPLICAS)
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


def nothing_moved_while_paused(timeline):
    """No ReplicaSet is scaled until the Deployment is resumed."""
    paused = [
        event.revision for event in timeline.events if event.kind == "Deployment" and event.object["spec"].get("paused")
    ]
    return paused and timeline.first(NEW_REPLICASET_SCALED).revision > max(paused)


def generations_never_met(timeline):
    """There is never an old pod beside a new one."""
    return timeline.always(lambda state: not (state.old_pods and state.new_pods))


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
    """Change the template of a paused Deployment, and resume it once the controller has seen the change."""
    workload.patch({"spec": {"paused": True}})
    workload.start_rollout()
    wait_until_observed(workload)
    workload.patch({"spec": {"paused": False}})
    workload.wait_settled()


def wait_for_first_new_pod(workload):
    """Return when the rollout has made its first pod."""
    known = {pod["metadata"]["labels"]["pod-template-hash"] for pod in workload.pods()}

    def made() -> None:
        hashes = {pod["metadata"]["labels"]["pod-template-hash"] for pod in workload.pods()}
        if len(hashes | known) < 2:
            raise NotYetError("only pods of one template")

    Waiter().until(f"{workload} has a new pod", made, timeout_seconds=workload.timeouts.rollout)


def wait_until_observed(workload):
    """Return when the Deployment controller has seen the Deployment as it is now."""

    def observed() -> None:
        deployment = workload.deployment()
        if deployment["status"].get("observedGeneration", 0) < deployment["metadata"]["generation"]:
            raise NotYetError("it has seen an earlier generation")

    what = f"the controller has seen {workload} as it is"
    Waiter().until(what, observed, timeout_seconds=workload.timeouts.rollout)


def under_load_from(node, interval_seconds=LOAD_INTERVAL_SECONDS):
    """Roll out while ``node`` keeps asking the copy's Service; returns the replies."""

    def action(workload):
        labels = workload.deployment()["spec"]["selector"]["matchLabels"]
        workload.api.apply(service_manifest("web", labels, target_port=PORT), workload.namespace)
        service = Service(workload.api, workload.namespace, "web")
        url = service.url(PAGE)
        eventually(
            lambda: expect(node.get(url, times=3), str(service)).to_be(200),
            within_seconds=STARTS_LATE_AFTER_SECONDS + workload.timeouts.rules_programmed,
            in_a_row=3,
        )
        with node.load(url, interval_seconds=interval_seconds, timeout_seconds=LOST_AFTER_SECONDS) as load:
            workload.roll_out()
        return load.replies

    return action


SURGE, REPLACE = strategy(max_unavailable=0, max_surge="100%"), strategy(max_unavailable="100%", max_surge=0)
ONE_BY_ONE, QUARTERS = strategy(max_unavailable=1, max_surge=1), strategy(max_unavailable="25%", max_surge="25%")
COPY = (replicas(REPLICAS), short_periods())

EXTREMES = {
    "surge-first": Rehearsal((*COPY, SURGE)),
    "delete-first": Rehearsal((*COPY, REPLACE)),
    "all-at-once": Rehearsal((*COPY, strategy(max_unavailable="100%", max_surge="100%"))),
}
STORIES = {
    "rollover": Rehearsal((*COPY, ONE_BY_ONE), rolls_over),
    "rollback": Rehearsal((*COPY, QUARTERS), rolls_back),
    "pause": Rehearsal((*COPY, ONE_BY_ONE), pauses),
    "recreate": Rehearsal((*COPY, recreate())),
}
MORE_TO_SAY = {"pause": nothing_moved_while_paused, "recreate": generations_never_met}


@pytest.fixture(scope="module")
def rehearsals(cluster, web_manifest):
    """What is to be rehearsed, by groups that are rolled out side by side; their copies are deleted at the end."""
    groups = [Rehearsals(cluster, web_manifest, group) for group in (EXTREMES, STORIES)]
    yield {name: group for group in groups for name in group}
    for group in groups:
        group.close()


@pytest.fixture
def rehearsed(rehearsals, evidence):
    """The timeline of a rehearsal, by name; evidence of this check from now on."""

    def timeline(name):
        evidence.add(rehearsals[name].write)
        return rehearsals[name].timeline(name)

    return timeline


@pytest.fixture
def loaded(cluster, web_manifest, node, evidence):
    """Rollouts under load, a careful one and careless ones, side by side."""

    def served(bounds, *, starts=STARTS_AFTER_SECONDS, interval=LOAD_INTERVAL_SECONDS, **server):
        changes = (replicas(REPLICAS), draining_server(PORT, starts_after_seconds=starts, **server), bounds)
        return Rehearsal(changes, under_load_from(node, interval))

    tried = {
        "careful": served(SURGE),
        "deletes-first": served(REPLACE),
        "never-drains": served(SURGE, drains=False, interval=DENSE_LOAD_INTERVAL_SECONDS),
        "without-readiness": served(SURGE, has_readiness=False, starts=STARTS_LATE_AFTER_SECONDS),
    }
    group = Rehearsals(cluster, web_manifest, tried)
    evidence.add(group.write)
    yield group
    group.close()


@check(
    "rollout.declared",
    subject=SUBMISSION,
    control="bounds that leave no room are not kept by the same rollout",
    mutants=["rollout-zero-zero"],
    exclusive=True,
)
def test_the_declared_strategy_is_valid_and_kept(applied, web, web_manifest, watching):
    """The declared strategy is accepted, and a rollout keeps its own maxSurge and maxUnavailable."""
    applied.require(web_manifest)
    web.wait_settled()
    with watching(web) as timeline:
        web.roll_out()

    require_bounds_kept(timeline, web)


@check(
    "rollout.surge-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 100%, maxSurge 0: the same statement is false",
    mutants=["of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_new_pods_come_before_old_ones_go(rehearsed):
    """With maxUnavailable 0 and maxSurge 100% all new pods are created before old ones go, as new ones get Ready."""
    require_of(rehearsed("surge-first"), new_pods_came_before_old_ones_went)
    require_not_of(rehearsed("delete-first"), new_pods_came_before_old_ones_went)


@check(
    "rollout.delete-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 0, maxSurge 100%: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%"],
)
def test_old_pods_go_before_new_ones_come(rehearsed):
    """With maxUnavailable 100% and maxSurge 0 the old pods are deleted first, and there are never more than three."""
    require_of(rehearsed("delete-first"), old_pods_went_before_new_ones_came)
    require_not_of(rehearsed("surge-first"), old_pods_went_before_new_ones_came)


@check(
    "rollout.all-at-once",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="both other extremes: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%", "of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_all_pods_are_replaced_at_once(rehearsed):
    """With maxUnavailable and maxSurge 100% three are created and three deleted before the first new one is Ready."""
    require_of(rehearsed("all-at-once"), all_were_replaced_at_once)
    for other in ("surge-first", "delete-first"):
        require_not_of(rehearsed(other), all_were_replaced_at_once)


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


@check(
    "rollout.bounds",
    subject=DERIVED,
    level=EXTENDED,
    needs=["deploy.replicas"],
    control="bounds that leave no room are not kept by the same rollout",
    mutants=none_because(
        "only a controller that breaks its own rule could be caught; the control shows that it would be"
    ),
)
@pytest.mark.parametrize("name", [*EXTREMES, *STORIES])
def test_no_state_is_out_of_bounds(rehearsals, rehearsed, name):
    """At every state replicas are within desired + maxSurge, and available ones within desired - maxUnavailable."""
    timeline = rehearsed(name)
    require_bounds_kept(timeline, rehearsals[name].workload(name))
    if name in MORE_TO_SAY:
        require_of(timeline, MORE_TO_SAY[name])
        require_not_of(rehearsed("rollover"), MORE_TO_SAY[name])


@check(
    "rollout.no-lost-request",
    subject=DERIVED,
    level=EXTENDED,
    needs=["deploy.replicas"],
    control="maxUnavailable 100%, maxSurge 0 loses some",
    mutants=[
        "of the check: a server that ends with SIGTERM instead of draining",
        "of the check: the readiness probe removed from a server that starts slowly",
    ],
)
def test_a_careful_rollout_loses_no_request(loaded):
    """Under steady load a rollout with 0/100% of a server that drains on SIGTERM loses nothing."""
    expect(loaded.timeline("careful").load, str(loaded.workload("careful"))).to_lose_nothing()
    for careless in ("deletes-first", "never-drains", "without-readiness"):
        load = loaded.timeline(careless).load
        require(load.lost, f"lost requests where the rollout is careless: {careless}", load, attempts=len(load))


def require_of(timeline, statement):
    """Raise UnmetError unless the statement is true of the timeline."""
    require(statement(timeline), statement.__doc__, in_short(timeline), objects=[str(timeline)])


def require_not_of(timeline, statement):
    """Raise UnmetError if the statement is true of the timeline, of which it should be false."""
    require(not statement(timeline), f"not: {statement.__doc__}", in_short(timeline), objects=[str(timeline)])


def require_bounds_kept(timeline, workload):
    """Raise UnmetError unless every state is within the Deployment's bounds, and some is not within narrower ones."""
    bounds = Bounds.of(workload.deployment())
    kept = timeline.always(bounds.hold)
    wanted = f"replicas at most {bounds.maximum} and available at least {bounds.minimum} at every state"
    require(kept, wanted, kept, objects=[str(workload)])
    still = timeline.always(bounds.without_room.hold)
    require(not still, "a rollout that adds pods or takes some away", still, objects=[str(workload)])


def in_short(timeline):
    """What happened, one moment after the other."""
    return "; ".join(f"{one.moment} {one.name}" for one in timeline.happenings()) or "nothing"
