"""Rehearsals: what is done to copies of a Deployment, each in a namespace of its own, recorded side by side."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from netproof.cluster.diagnostics import write_namespace, write_timeline
from netproof.cluster.recorder import recording
from netproof.cluster.under_test import ClusterUnderTest
from netproof.fixtures.workspace import make_workspace
from netproof.observe.replies import Replies
from netproof.observe.timeline import Timeline
from netproof.submission import ManifestObject
from netproof.submission.derive import Patch
from netproof.workloads.workload import Workload

SIDE_BY_SIDE = 4
"""How many rehearsals run at once: starting a pod costs about half a second of a core."""

Action = Callable[[Workload], Replies | None]
"""What is done with a copy that has settled; returns the replies of a load that it kept meanwhile, if any."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One copy and what is done with it.

    Attributes:
        name: what it is called; part of its namespace.
        changes: what is changed in the copy.
        action: what is done.
    """

    name: str
    changes: tuple[Patch, ...]
    action: Action = Workload.roll_out


@dataclass(eq=False)
class Rehearsed:
    """A rehearsal under way, or over.

    Attributes:
        workload: the copy.
        timeline: what has happened to it so far.
    """

    workload: Workload
    timeline: Timeline
    _problem: BaseException | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self, cluster: ClusterUnderTest, manifest: ManifestObject, rehearsal: Rehearsal) -> None:
        """Make the copy and do with it what is to be done."""
        try:
            space = make_workspace(cluster, self.workload.namespace)
            space.derived(manifest, *rehearsal.changes)
            self.workload.wait_settled()
            with recording(cluster.api, self.timeline):
                replies = rehearsal.action(self.workload)
            self.timeline.add_load(replies or ())
        except BaseException as problem:  # raised where the rehearsal is awaited
            self._problem = problem
        finally:
            self._over.set()

    def wait(self) -> Rehearsed:
        """This, once it is over.

        Raises:
            TimedOutError: the copy did not settle, before or after its action.
        """
        self._over.wait()
        if self._problem is not None:
            raise self._problem
        return self

    def write(self, directory: Path) -> list[Path]:
        """Write what is known of it, as evidence; returns the files."""
        files = write_timeline(self.timeline, directory)
        return [*files, *write_namespace(self.workload.api, self.workload.namespace, directory)]


class Rehearsals:
    """Rehearsals with copies of one Deployment, each made once, by whoever asks for it first.

    Args:
        cluster: where they happen.
        manifest: the Deployment that is copied.
    """

    def __init__(self, cluster: ClusterUnderTest, manifest: ManifestObject) -> None:
        self._cluster = cluster
        self._manifest = manifest
        self._suffix = secrets.token_hex(2)
        self._begun: dict[str, Rehearsed] = {}
        self._lock = threading.Lock()
        self._to_run: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for number in range(cluster.side_by_side(SIDE_BY_SIDE)):
            threading.Thread(target=self._run_forever, name=f"rehearsals-{number}", daemon=True).start()

    def begin(self, rehearsals: Iterable[Rehearsal]) -> list[Rehearsed]:
        """The rehearsals, in the same order; those that nobody has asked for yet begin, side by side."""
        return [self._begin(rehearsal) for rehearsal in rehearsals]

    def close(self) -> None:
        """Delete the copies, without waiting."""
        for rehearsed in self._begun.values():
            self._cluster.api.delete("Namespace", rehearsed.workload.namespace)

    def _begin(self, rehearsal: Rehearsal) -> Rehearsed:
        with self._lock:
            if rehearsal.name in self._begun:
                return self._begun[rehearsal.name]
            namespace = f"netproof-{rehearsal.name}-{self._suffix}"
            workload = Workload(self._cluster.api, namespace, self._manifest.name, self._cluster.timeouts)
            rehearsed = Rehearsed(workload, Timeline(namespace, workload.name))
            self._begun[rehearsal.name] = rehearsed
            self._to_run.put(partial(rehearsed.run, self._cluster, self._manifest, rehearsal))
            return rehearsed

    def _run_forever(self) -> None:
        while True:
            self._to_run.get()()
