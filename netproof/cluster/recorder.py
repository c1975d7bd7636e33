"""Recording what happens in a namespace: watches that feed a timeline."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from netproof.cluster.api import KubernetesApi, Object, Watch
from netproof.observe.timeline import Timeline
from netproof.waiting import NotYetError, TimedOutError, Waiter

_WATCHED = (
    ("v1", "Pod"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "Deployment"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("v1", "Event"),
)
"""The kinds a timeline is made of."""

_BARRIER_SECONDS = 30.0
"""How long a watch may lag behind a list; it ends as soon as the watch has caught up, normally within milliseconds."""


@contextmanager
def recording(
    api: KubernetesApi, timeline: Timeline, kinds: Sequence[tuple[str, str]] = _WATCHED
) -> Iterator[Timeline]:
    """Record the timeline's namespace while the block runs; at its end all that had happened by then is in the record.

    What is there at the start is recorded first; then the timeline begins.
    """
    streams = [_Stream(api, timeline.namespace, api_version, kind, timeline) for api_version, kind in kinds]
    timeline.begin()
    for stream in streams:
        stream.start()
    try:
        yield timeline
        for stream in streams:
            stream.catch_up()
    finally:
        for stream in streams:
            stream.close()


class _Stream:
    """The watch of one kind."""

    def __init__(self, api: KubernetesApi, namespace: str, api_version: str, kind: str, timeline: Timeline) -> None:
        self._api, self._namespace, self._api_version, self._kind = api, namespace, api_version, kind
        self._timeline = timeline
        self._seen: dict[str, int] = {}
        self._closing = False
        listed = api.collection(kind, namespace, api_version=api_version)
        for item in listed["items"]:
            self._enter("ADDED", item, received=time.monotonic())
        self._watch: Watch = api.watch(kind, namespace, listed["metadata"]["resourceVersion"], api_version=api_version)
        self._thread = threading.Thread(target=self._run, name=f"watch-{kind}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def catch_up(self) -> None:
        """Wait until everything that a fresh list shows has come through the watch; else the record has a gap."""
        items = self._api.list(self._kind, self._namespace, api_version=self._api_version)
        there = {item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"]) for item in items}

        def caught_up() -> None:
            behind = [uid for uid, revision in there.items() if self._seen.get(uid, 0) < revision]
            not_gone = [uid for uid in list(self._seen) if uid not in there]
            if (behind or not_gone) and self._thread.is_alive():
                raise NotYetError(f"{len(behind)} objects behind, {len(not_gone)} not yet gone")

        what = f"the watch of {self._kind} in {self._namespace} has caught up"
        try:
            Waiter(interval_seconds=0.01).until(what, caught_up, timeout_seconds=_BARRIER_SECONDS)
        except TimedOutError as late:
            # A late watch is the observer's trouble: a check that let this through would blame its subject.
            self._timeline.gap(self._kind, str(late))

    def close(self) -> None:
        self._closing = True
        self._watch.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            for event_type, item in self._watch:
                if event_type == "ERROR":
                    self._timeline.gap(self._kind, str(item.get("message", item)))
                elif event_type != "BOOKMARK":
                    self._enter(event_type, item, received=time.monotonic())
        finally:
            if not self._closing:
                self._timeline.gap(self._kind, "the stream ended")

    def _enter(self, event_type: str, item: Object, received: float) -> None:
        # Items of a list carry neither; those of a watch do.
        item.setdefault("kind", self._kind)
        item.setdefault("apiVersion", self._api_version)
        self._timeline.record(self._kind, event_type, item, received)
        uid = item["metadata"]["uid"]
        if event_type == "DELETED":
            self._seen.pop(uid, None)
        else:
            self._seen[uid] = int(item["metadata"]["resourceVersion"])
