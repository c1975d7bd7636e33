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
from netproof.fixtures.rehearsals import Rehearsal
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
from netproof.services.service import Service, service_manifest
from netproof.submission.derive import recreate, replicas, short_periods, strategy
from netproof.verdict import UnmetError, blocked
from netproof.waiting import NotYetError, TimedOutError, Waiter
from netproof.workloads.draining_server import PAGE, draining_server

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


def under_load_from(node, interval_seconds):
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

SURGE_FIRST = Rehearsal("surge-first", (*COPY, SURGE))
DELETE_FIRST = Rehearsal("delete-first", (*COPY, REPLACE))
ALL_AT_ONCE = Rehearsal("all-at-once", (*COPY, strategy(max_unavailable="100%", max_surge="100%")))
ROLLOVER = Rehearsal("rollover", (*COPY, ONE_BY_ONE), rolls_over)
ROLLBACK = Rehearsal("rollback", (*COPY, QUARTERS), rolls_back)
PAUSE = Rehearsal("pause", (*COPY, ONE_BY_ONE), pauses)
RECREATE = Rehearsal("recreate", (*COPY, recreate()))

ALL = (SURGE_FIRST, DELETE_FIRST, ALL_AT_ONCE, ROLLOVER, ROLLBACK, PAUSE, RECREATE)
MORE_TO_SAY = {PAUSE.name: nothing_moved_while_paused, RECREATE.name: generations_never_met}


def loaded(name, node, bounds, *, starts=STARTS_AFTER_SECONDS, interval=LOAD_INTERVAL_SECONDS, **server):
    """A rollout of the draining server under load from a node."""
    changes = (replicas(REPLICAS), draining_server(PORT, starts_after_seconds=starts, **server), bounds)
    return Rehearsal(name, changes, under_load_from(node, interval))


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
    try:
        web.wait_available()
        web.wait_settled()
    except (TimedOutError, UnmetError) as unready:
        blocked(f"no rollout begins before the pods are ready: {unready}")
    with watching(web) as timeline:
        web.roll_out()

    require_bounds_kept(timeline, web.deployment(), web)


@check(
    "rollout.surge-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 100%, maxSurge 0: the same statement is false",
    mutants=["of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_new_pods_come_before_old_ones_go(rehearsed):
    """With maxUnavailable 0 and maxSurge 100% all new pods are created before old ones go, as new ones get Ready."""
    surge_first, delete_first = rehearsed(SURGE_FIRST, DELETE_FIRST)
    require_of(surge_first, new_pods_came_before_old_ones_went)
    require_not_of(delete_first, new_pods_came_before_old_ones_went)


@check(
    "rollout.delete-first",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="maxUnavailable 0, maxSurge 100%: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%"],
)
def test_old_pods_go_before_new_ones_come(rehearsed):
    """With maxUnavailable 100% and maxSurge 0 the old pods are deleted first, and there are never more than three."""
    delete_first, surge_first = rehearsed(DELETE_FIRST, SURGE_FIRST)
    require_of(delete_first, old_pods_went_before_new_ones_came)
    require_not_of(surge_first, old_pods_went_before_new_ones_came)


@check(
    "rollout.all-at-once",
    subject=DERIVED,
    needs=["deploy.replicas"],
    control="both other extremes: the same statement is false",
    mutants=["of the check: maxUnavailable 0, maxSurge 100%", "of the check: maxUnavailable 100%, maxSurge 0"],
)
def test_all_pods_are_replaced_at_once(rehearsed):
    """With maxUnavailable and maxSurge 100% three are created and three deleted before the first new one is Ready."""
    all_at_once, *others = rehearsed(ALL_AT_ONCE, SURGE_FIRST, DELETE_FIRST)
    require_of(all_at_once, all_were_replaced_at_once)
    for other in others:
        require_not_of(other, all_were_replaced_at_once)


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
@pytest.mark.parametrize("rehearsal", ALL, ids=lambda rehearsal: rehearsal.name)
def test_no_state_is_out_of_bounds(rehearsed, rehearsal):
    """At every state replicas are within desired + maxSurge, and available ones within desired - maxUnavailable."""
    this, rollover = rehearsed(rehearsal, ROLLOVER)
    require_bounds_kept(this.timeline, this.deployment, this.workload)
    if rehearsal.name in MORE_TO_SAY:
        require_of(this, MORE_TO_SAY[rehearsal.name])
        require_not_of(rollover, MORE_TO_SAY[rehearsal.name])


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
@pytest.mark.long
def test_a_careful_rollout_loses_no_request(rehearsed, node):
    """Under steady load a rollout with 0/100% of a server that drains on SIGTERM loses nothing."""
    careful, *careless = rehearsed(
        loaded("careful", node, SURGE),
        loaded("deletes-first", node, REPLACE),
        loaded("never-drains", node, SURGE, drains=False, interval=DENSE_LOAD_INTERVAL_SECONDS),
        loaded("without-readiness", node, SURGE, has_readiness=False, starts=STARTS_LATE_AFTER_SECONDS),
    )
    expect(careful.timeline.load, str(careful.workload)).to_lose_nothing()
    for one in careless:
        load = one.timeline.load
        wanted = "lost requests where the rollout is careless"
        require(load.lost, wanted, load, attempts=len(load), objects=[str(one.workload)])


def require_of(one, statement):
    """Raise UnmetError unless the statement is true of a rehearsal's timeline."""
    require(statement(one.timeline), statement.__doc__, in_short(one.timeline), objects=[str(one.workload)])


def require_not_of(one, statement):
    """Raise UnmetError if the statement is true of a rehearsal's timeline, of which it should be false."""
    met = statement(one.timeline)
    require(not met, f"not: {statement.__doc__}", in_short(one.timeline), objects=[str(one.workload)])


def require_bounds_kept(timeline, deployment, workload):
    """Raise UnmetError unless every state is within the Deployment's bounds, and some is not within narrower ones."""
    bounds, objects = Bounds.of(deployment), [str(workload)]
    kept = timeline.always(bounds.hold)
    wanted = f"replicas at most {bounds.maximum} and available at least {bounds.minimum} at every state"
    require(kept, wanted, kept, objects=objects)
    still = timeline.always(bounds.without_room.hold)
    require(not still, "a rollout that adds pods or takes some away", still, objects=objects)


def in_short(timeline):
    """What happened, one moment after the other."""
    return "; ".join(f"{one.moment} {one.name}" for one in timeline.happenings()) or "nothing"
