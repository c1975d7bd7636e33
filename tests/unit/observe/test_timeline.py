"""A timeline tells the order of a rollout, and tells a right order from a wrong one."""

import itertools

import pytest

from netproof.errors import NetproofError
from netproof.observe.protocol import Failure, HttpReply
from netproof.observe.rollout import (
    NEW_POD_CREATED,
    NEW_POD_READY,
    NEW_REPLICASET_SCALED,
    OLD_POD_DELETED,
    OLD_REPLICASET_SCALED,
    POD_GONE,
    Bounds,
    Moment,
)
from netproof.observe.timeline import Timeline
from netproof.verdict import UnmetError


class Story:
    """Writes a rollout of the Deployment web into a timeline, event by event, each with the next resource version."""

    def __init__(self) -> None:
        self.timeline = Timeline("default", "web")
        self._revisions = itertools.count(100)
        self._known: set[tuple[str, str]] = set()

    def tell(self, kind, name, *, event_type="", received=None, labels=None, annotations=None, owner=None, **item):
        first = (kind, name) not in self._known
        self._known.add((kind, name))
        metadata = {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "resourceVersion": str(next(self._revisions)),
            "labels": labels or {},
            "annotations": annotations or {},
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else [],
            **item.pop("metadata", {}),
        }
        event_type = event_type or ("ADDED" if first else "MODIFIED")
        self.timeline.record(kind, event_type, {"metadata": metadata, **item}, received)

    def deployment(self, revision):
        annotations = {"deployment.kubernetes.io/revision": str(revision)}
        self.tell("Deployment", "web", annotations=annotations, spec={"replicas": 3}, status={})

    def replica_set(self, template, replicas, revision):
        self.tell(
            "ReplicaSet",
            f"web-{template}",
            labels={"pod-template-hash": template},
            annotations={"deployment.kubernetes.io/revision": str(revision)},
            spec={"replicas": replicas},
        )

    def pod(self, name, *, ready=False, deleted=False, gone=False, received=None):
        template = name.split("-")[0]
        self.tell(
            "Pod",
            f"web-{name}",
            event_type="DELETED" if gone else "",
            received=received,
            labels={"pod-template-hash": template},
            owner=f"web-{template}",
            metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30} if deleted else {},
            status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
        )

    def create(self, *names):
        for name in names:
            self.pod(name)

    def make_ready(self, *names):
        for name in names:
            self.pod(name, ready=True)

    def delete(self, *names):
        for name in names:
            self.pod(name, ready=True, deleted=True)  # a pod that is being deleted may stay Ready for a while

    def remove(self, *names):
        for name in names:
            self.pod(name, deleted=True, gone=True)


OLD = ("old-1", "old-2", "old-3")
NEW = ("new-1", "new-2", "new-3")


@pytest.fixture
def story():
    """Three old pods are Ready; the action begins."""
    story = Story()
    story.deployment(1)
    story.replica_set("old", 3, 1)
    story.create(*OLD)
    story.make_ready(*OLD)
    story.timeline.begin()
    return story


def surge_first(story):
    story.deployment(2)
    story.replica_set("new", 3, 2)
    story.create(*NEW)
    for number, (old, new) in enumerate(zip(OLD, NEW, strict=True), start=1):
        story.make_ready(new)
        story.replica_set("old", 3 - number, 1)
        story.delete(old)
    story.remove(*OLD)


def delete_first(story):
    story.deployment(2)
    story.replica_set("new", 0, 2)
    story.replica_set("old", 0, 1)
    story.delete(*OLD)
    story.replica_set("new", 3, 2)
    story.create(*NEW)
    story.remove(*OLD)
    story.make_ready(*NEW)


def all_at_once(story):
    story.deployment(2)
    story.replica_set("new", 3, 2)
    story.create("new-1")
    story.replica_set("old", 0, 1)
    story.delete(*OLD)
    story.create("new-2", "new-3")
    story.make_ready(*NEW)
    story.remove(*OLD)


def is_surge_first(timeline):
    return (
        timeline.count(NEW_POD_CREATED) == 3
        and timeline.last(NEW_POD_CREATED) < timeline.first(OLD_POD_DELETED)
        and bool(timeline.always(lambda state: state.old_deleted <= state.new_ready and state.available >= 3))
    )


def is_delete_first(timeline):
    return (
        timeline.count(OLD_POD_DELETED) == 3
        and timeline.last(OLD_POD_DELETED) < timeline.first(NEW_POD_CREATED)
        and bool(timeline.always(lambda state: state.pods <= 3))
    )


def is_all_at_once(timeline):
    return (
        timeline.first(NEW_REPLICASET_SCALED) < timeline.first(OLD_REPLICASET_SCALED)  # delete-first does not
        and timeline.last(NEW_POD_CREATED) < timeline.first(NEW_POD_READY)
        and timeline.last(OLD_POD_DELETED) < timeline.first(NEW_POD_READY)
    )


@pytest.mark.parametrize("judged", [is_surge_first, is_delete_first, is_all_at_once])
@pytest.mark.parametrize("told", [surge_first, delete_first, all_at_once])
def test_each_order_is_told_from_the_others(story, told, judged):
    told(story)

    assert judged(story.timeline) == (judged.__name__ == f"is_{told.__name__}")


@pytest.mark.parametrize(
    ("told", "surge", "unavailable"),
    [(surge_first, "100%", 0), (delete_first, 0, "100%"), (all_at_once, "100%", "100%")],
)
def test_each_order_keeps_its_own_bounds(story, told, surge, unavailable):
    told(story)
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    bounds = Bounds.of({"spec": {"replicas": 3, "strategy": {"rollingUpdate": rolling}}})

    assert story.timeline.always(bounds.hold)


def test_an_order_breaks_the_bounds_of_another(story):
    delete_first(story)

    held = story.timeline.always(Bounds(desired=3, max_surge=3, max_unavailable=0).hold)

    assert not held
    assert held.failed_at.old_deleted == 1
    assert "old pod deleted, web-old-1" in repr(held)
    assert "ready 2 + 0" in repr(held)


def test_one_old_pod_too_many_is_seen(story):
    story.create(*NEW)
    story.make_ready("new-1")
    story.delete("old-1", "old-2")

    held = story.timeline.always(lambda state: state.old_deleted <= state.new_ready)

    assert not held
    assert (held.failed_at.old_deleted, held.failed_at.new_ready) == (2, 1)


def test_a_new_pod_that_is_no_longer_ready_is_not_available(story):
    story.create("new-1")
    story.make_ready("new-1")
    story.pod("new-1", ready=False)

    assert [state.available for state in story.timeline.states()] == [3, 3, 4, 3]
    assert story.timeline.count(Moment.NEW_POD_UNREADY) == 1


def test_a_pod_that_lapses_by_itself_is_not_held_against_the_rollout(story):
    story.create("new-1")
    story.make_ready("new-1")
    story.delete("old-1")
    story.pod("new-1", ready=False)

    assert [state.lapsed for state in story.timeline.states()][-1] == 1
    assert story.timeline.always(Bounds(3, 3, 0).hold)


def test_a_pod_that_was_never_ready_does_not_count_as_available(story):
    story.create("new-1")
    story.delete("old-1")

    assert not story.timeline.always(Bounds(3, 3, 0).hold)


@pytest.mark.parametrize("told", [surge_first, delete_first, all_at_once])
def test_no_rollout_keeps_bounds_without_room(story, told):
    told(story)

    assert not story.timeline.always(Bounds(3, 3, 3).without_room.hold)


def test_bounds_without_room_are_kept_where_nothing_is_rolled_out(story):
    assert story.timeline.always(Bounds(3, 3, 3).without_room.hold)


def test_order_is_by_resource_version_and_not_by_arrival():
    told = Story()
    told.deployment(1)
    told.replica_set("old", 1, 1)
    told.pod("old-1", ready=True)
    told.timeline.begin()
    told.pod("new-1", received=9.0)  # arrives later, was written earlier
    told.pod("old-1", deleted=True, received=5.0)

    assert told.timeline.first(NEW_POD_CREATED) < told.timeline.first(OLD_POD_DELETED)


def test_deleting_a_pod_is_one_moment_however_often_it_changes_afterwards(story):
    story.delete("old-1")
    story.delete("old-1")
    story.remove("old-1")

    assert story.timeline.count(OLD_POD_DELETED) == 1
    assert story.timeline.count(POD_GONE) == 1


def test_a_pod_that_is_gone_at_once_was_deleted(story):
    story.pod("old-1", gone=True)

    assert [one.moment for one in story.timeline.happenings()] == [OLD_POD_DELETED, POD_GONE]


def test_replica_sets_have_a_history_of_their_own(story):
    delete_first(story)

    assert story.timeline.last(OLD_REPLICASET_SCALED) < story.timeline.first(NEW_REPLICASET_SCALED)
    assert story.timeline.always(lambda state: state.replicas <= 3)


def test_a_rollback_goes_to_a_replica_set_that_was_there():
    told = Story()
    told.deployment(2)
    told.replica_set("before", 0, 1)
    told.replica_set("now", 1, 2)
    told.pod("now-1", ready=True)
    told.timeline.begin()

    told.replica_set("before", 1, 3)
    told.pod("before-1")
    told.delete("now-1")

    assert told.timeline.count(NEW_POD_CREATED) == 1
    assert told.timeline.count(OLD_POD_DELETED) == 1


def test_pods_of_others_do_not_count(story):
    story.tell("Pod", "web", labels={"app": "web"}, status={})
    story.tell("Pod", "webx-new-1", labels={"pod-template-hash": "new"}, owner="webx-new", status={})

    assert story.timeline.happenings() == ()


def test_an_event_told_twice_counts_once(story):
    pod = {"metadata": {"name": "web-new-1", "namespace": "default", "uid": "u", "resourceVersion": "900"}}
    pod["metadata"] |= {
        "labels": {"pod-template-hash": "new"},
        "ownerReferences": [{"name": "web-new", "controller": True}],
    }
    story.timeline.record("Pod", "ADDED", pod)
    story.timeline.record("Pod", "ADDED", pod)

    assert story.timeline.count(NEW_POD_CREATED) == 1


def test_what_never_happened_is_an_unmet_expectation(story):
    story.create("new-1")

    with pytest.raises(UnmetError, match=r'"old pod deleted"\nobserved: it never came; seen: new pod created'):
        story.timeline.first(OLD_POD_DELETED)


def test_a_timeline_with_a_gap_answers_nothing(story):
    story.timeline.record("Pod", "ERROR", {"code": 410, "message": "too old resource version"})

    with pytest.raises(NetproofError, match="Pod: too old resource version"):
        story.timeline.count(NEW_POD_CREATED)


def test_bookmarks_are_no_events(story):
    story.timeline.record("Pod", "BOOKMARK", {"metadata": {"resourceVersion": "5000"}})

    assert all(event.revision < 5000 for event in story.timeline.events)


def test_the_record_is_a_table_with_the_losses_in_their_place():
    told = Story()
    told.deployment(1)
    told.replica_set("old", 1, 1)
    told.pod("old-1", ready=True)
    told.timeline.begin()
    start = told.timeline.begin_time
    told.pod("new-1", received=start + 1)
    told.pod("old-1", ready=True, deleted=True, received=start + 3)
    told.timeline.add_load(
        HttpReply("http://web/", start + second, 0.01, failure=failure, detail="nobody there" if failure else "")
        for second, failure in [(0.5, None), (2, Failure.REFUSED), (2.5, Failure.REFUSED), (4, None)]
    )

    lines = told.timeline.render().splitlines()

    assert [line.split()[0] for line in lines] == ["time", "+1.00", "+2.00", "+3.00"]
    assert lines[1].endswith("created, phase Running, Ready False, restarts 0")
    assert lines[2].endswith("2 requests lost until +2.50 s: 2 x refused (nobody there)")
    assert lines[3].endswith("deleted with 30 s of grace")


def test_other_kinds_are_told_in_words(story):
    address = {"addresses": ["10.244.0.5"], "conditions": {"ready": True}}
    story.tell("EndpointSlice", "web-x", endpoints=[address])
    story.tell("EndpointSlice", "web-x", endpoints=[{**address, "conditions": {"ready": False}}])
    story.tell(
        "Event",
        "web.1",
        involvedObject={"kind": "Pod", "name": "web-1"},
        reason="Unhealthy",
        message="Readiness probe failed",
    )

    told = [
        "created, ready 10.244.0.5",
        "ready 10.244.0.5 → none, not ready 10.244.0.5",
        "about Pod web-1: Unhealthy: Readiness probe failed",
    ]
    lines = story.timeline.render().splitlines()[1:]
    assert all(line.endswith(change) for line, change in zip(lines, told, strict=True))


@pytest.mark.parametrize(
    ("replicas", "strategy", "bounds"),
    [
        (3, {}, Bounds(3, 1, 0)),
        (10, {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}, Bounds(10, 3, 2)),
        (3, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}, Bounds(3, 0, 1)),
        (3, {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 5}}, Bounds(3, 0, 3)),
        (3, {"type": "Recreate"}, Bounds(3, 0, 3)),
    ],
)
def test_bounds_are_rounded_as_the_controller_does(replicas, strategy, bounds):
    assert Bounds.of({"spec": {"replicas": replicas, "strategy": strategy}}) == bounds
