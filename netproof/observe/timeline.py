"""The timeline: an ordered, typed record of watch events, and of a load's replies, during an action.

Order is by ``metadata.resourceVersion`` and not by arrival, since watches of different kinds run in different streams.
With etcd the resource version is the store's revision: one counter for all objects, raised by each write, so a smaller
one was written earlier, whatever the kind. The caveat: the API promises that order within one kind only (and only of
late); across kinds it holds as long as all of them live in one etcd (no ``--etcd-servers-overrides``), as in a cluster
of this package, in kind and in kubeadm's. Replies of a load have no resource version: time puts them among the events.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netproof.errors import NetproofError
from netproof.observe.protocol import HttpReply
from netproof.observe.replies import Replies
from netproof.observe.rollout import Moment, RolloutFold, State
from netproof.observe.watch_events import WatchEvent, describe
from netproof.verdict import UnmetError


@dataclass(frozen=True, order=True, slots=True)
class Happening:
    """One moment of a rollout; compared by resource version.

    Attributes:
        revision: the resource version of the event that told it.
        moment: what happened.
        name: the object it happened to.
        seconds: when the event arrived, since the start; not compared.
    """

    revision: int
    moment: Moment = field(compare=False)
    name: str = field(compare=False)
    seconds: float = field(compare=False)

    def __repr__(self) -> str:
        return f"<{self.moment}: {self.name} at revision {self.revision}, {self.seconds:+.2f} s>"


@dataclass(frozen=True, slots=True)
class Always:
    """Whether something held at every state; falsy with the first state at which it did not."""

    states: int
    failed_at: State | None = None

    def __bool__(self) -> bool:
        return self.failed_at is None

    def __repr__(self) -> str:
        if self.failed_at:
            return f"<did not hold at {self.failed_at}>"
        return f"<held at all {self.states} states>"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the record in words."""

    seconds: float
    revision: int | None
    kind: str
    name: str
    change: str


class Timeline:
    """What happened around one Deployment, told by watches from any thread.

    Record what is there first, then :meth:`begin`, then act. What was running at the beginning is old, what comes of
    the action is new.

    Args:
        namespace: the Deployment's.
        deployment: its name.
    """

    def __init__(self, namespace: str, deployment: str) -> None:
        self.namespace = namespace
        self.deployment = deployment
        self._lock = threading.Lock()
        self._events: dict[tuple[str, str, int, str], WatchEvent] = {}
        self._replies: list[HttpReply] = []
        self._gaps: list[str] = []
        self._start_revision: int | None = None
        self._start = time.monotonic()

    def __str__(self) -> str:
        return f"Deployment {self.namespace}/{self.deployment}"

    def record(self, kind: str, event_type: str, item: Mapping[str, Any], received: float | None = None) -> None:
        """Take in one event of a watch.

        Args:
            kind: the object's kind, such as Pod.
            event_type: ADDED, MODIFIED, DELETED; BOOKMARK is ignored, ERROR is a gap.
            item: the object.
            received: when it arrived, CLOCK_MONOTONIC in seconds; by default now.
        """
        if event_type == "BOOKMARK":
            return
        if event_type == "ERROR":
            self.gap(kind, str(item.get("message", item)))
            return
        event = WatchEvent(kind, event_type, item, time.monotonic() if received is None else received)
        with self._lock:
            # A watch that was taken up again tells some events twice.
            self._events.setdefault((kind, event.uid, event.revision, event_type), event)

    def gap(self, kind: str, reason: str) -> None:
        """Note that a watch missed events: from now on no question is answered, for the answer might be wrong."""
        with self._lock:
            self._gaps.append(f"{kind}: {reason}")

    def begin(self) -> None:
        """The action starts now: what was recorded so far is how things stood before it."""
        with self._lock:
            self._start_revision = max((event.revision for event in self._events.values()), default=0)
            self._start = time.monotonic()

    def add_load(self, replies: Iterable[HttpReply]) -> None:
        """Take in the replies of a steady load (:meth:`netproof.observe.standpoint.Standpoint.load`)."""
        with self._lock:
            self._replies.extend(replies)

    @property
    def begin_time(self) -> float:
        """When the action started, CLOCK_MONOTONIC in seconds."""
        return self._start

    @property
    def events(self) -> tuple[WatchEvent, ...]:
        """All events in order of resource version, those before the start too.

        Raises:
            NetproofError: a watch missed events.
        """
        with self._lock:
            events, gaps = list(self._events.values()), list(self._gaps)
        if gaps:
            raise NetproofError(
                f"the timeline of {self} has gaps: {'; '.join(gaps)}",
                "run the check again; if it recurs, look at the API server's log",
            )
        return tuple(sorted(events, key=lambda event: event.revision))

    @property
    def load(self) -> Replies:
        """The load's replies in the order of their start."""
        with self._lock:
            return Replies(tuple(sorted(self._replies, key=lambda reply: reply.start)))

    def happenings(self, *moments: Moment) -> tuple[Happening, ...]:
        """What happened since the start, in order; all of it, or these moments only."""
        return tuple(one for one, _ in self._folded() if one and (not moments or one.moment in moments))

    def count(self, moment: Moment) -> int:
        """How often something happened since the start."""
        return len(self.happenings(moment))

    def first(self, moment: Moment) -> Happening:
        """When something happened first.

        Raises:
            UnmetError: it never did.
        """
        return self._some(moment)[0]

    def last(self, moment: Moment) -> Happening:
        """When something happened last.

        Raises:
            UnmetError: it never did.
        """
        return self._some(moment)[-1]

    def states(self) -> tuple[State, ...]:
        """The states one after the other, without repetition, from the one at the start on."""
        states: list[State] = []
        for _, state in self._folded():
            if not states or _counts(state) != _counts(states[-1]):
                states.append(state)
        return tuple(states)

    def always(self, predicate: Callable[[State], bool]) -> Always:
        """Whether ``predicate`` holds at every state; the result is falsy with the first state at which it does not."""
        states = self.states()
        failed_at = next((state for state in states if not predicate(state)), None)
        return Always(len(states), failed_at)

    def render(self) -> str:
        """The record as a table in plain text."""
        rows = [("time", "revision", "kind", "name", "what changed")]
        rows += [
            (f"{one.seconds:+.2f} s", str(one.revision or ""), one.kind, one.name, one.change) for one in self._lines()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join([cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)] + [row[4]]).rstrip()
            for row in rows
        )

    def _some(self, moment: Moment) -> tuple[Happening, ...]:
        found = self.happenings(moment)
        if not found:
            seen = ", ".join(sorted({one.moment for one in self.happenings()})) or "nothing"
            deployment = f"Deployment {self.namespace}/{self.deployment}"
            raise UnmetError(f'a moment "{moment}"', f"it never came; seen: {seen}", objects=(deployment,))
        return found

    def _folded(self) -> Iterator[tuple[Happening | None, State]]:
        """Each moment since the start (None: the start, or a change that is no moment), with the state after it."""
        fold = RolloutFold(self.namespace, self.deployment)
        events = self.events
        start = self._start_revision
        if start is not None:
            for event in events:
                if event.revision <= start:
                    fold.apply(event)
            fold.start()
            yield None, fold.state(start, "the start")
        else:
            fold.start()
        for event in events:
            if event.revision <= (start or 0):
                continue
            moments = fold.apply(event)
            seconds = event.received - self._start
            state = fold.state(event.revision, ", ".join((*moments, event.name)))
            for moment in moments or (None,):
                yield Happening(event.revision, moment, event.name, seconds) if moment else None, state

    def _lines(self) -> Iterator[_Line]:
        """The events since the start in order, with the load's losses where their time puts them."""
        losses = list(_losses(self.load, self._start))
        latest: dict[tuple[str, str], WatchEvent] = {}
        now = 0.0
        for event in self.events:
            key = (event.kind, event.uid)
            before, latest[key] = latest.get(key), event
            change = describe(before, event)
            if event.revision <= (self._start_revision or 0) or not change:
                continue
            now = max(now, event.received - self._start)
            while losses and losses[0].seconds <= now:
                yield losses.pop(0)
            yield _Line(event.received - self._start, event.revision, event.kind, event.name, change)
        yield from losses


def _counts(state: State) -> tuple[int, ...]:
    """A state without what led to it."""
    return (
        state.old_replicas,
        state.new_replicas,
        state.old_pods,
        state.new_pods,
        state.old_ready,
        state.new_ready,
        state.lapsed,
        state.new_created,
        state.old_deleted,
    )


def _losses(replies: Replies, start: float) -> Iterator[_Line]:
    """One line for each unbroken run of lost requests."""
    lost = {id(reply) for reply in replies.lost}
    run: list[HttpReply] = []
    for reply in (*replies, None):
        if reply is not None and id(reply) in lost:
            run.append(reply)
        elif run:
            change = f"{len(run)} requests lost until {run[-1].start - start:+.2f} s: {Replies(tuple(run))}"
            yield _Line(run[0].start - start, None, "Load", run[0].url, change)
            run = []
