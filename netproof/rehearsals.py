"""Rehearsals: what is done to copies of a Deployment, each in a namespace of its own, recorded side by side."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from netproof.cluster.recorder import recording
from netproof.cluster.under_test import ClusterUnderTest
from netproof.diagnostics import write_namespace, write_timeline
from netproof.fixtures.workspace import make_workspace
from netproof.observe.replies import Replies
from netproof.observe.timeline import Timeline
from netproof.submission import ManifestObject
from netproof.submission.derive import Patch
from netproof.workload import Workload

SIDE_BY_SIDE = 3
"""How many rehearsals run at once: starting a pod costs about half a second of a core."""

Action = Callable[[Workload], Replies | None]
"""What is done with a copy that has settled; returns the replies of a load that it kept meanwhile, if any."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One copy and what is done with it.

    Attributes:
        changes: what is changed in the copy.
        action: what is done.
    """

    changes: tuple[Patch, ...]
    action: Action = Workload.roll_out


class Rehearsals:
    """All rehearsals are run, some side by side, when the first timeline is asked for.

    Args:
        cluster: where they happen.
        manifest: the Deployment that is copied.
        rehearsals: what to try, by name.
    """

    def __init__(
        self, cluster: ClusterUnderTest, manifest: ManifestObject, rehearsals: Mapping[str, Rehearsal]
    ) -> None:
        self._cluster = cluster
        self._manifest = manifest
        self._rehearsals = rehearsals
        suffix = secrets.token_hex(2)
        self._namespaces = {name: f"netproof-{name}-{suffix}" for name in rehearsals}
        self._timelines: dict[str, Timeline] = {}
        self._running: dict[str, Future[None]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._rehearsals)

    def workload(self, name: str) -> Workload:
        """The copy of this name."""
        return Workload(self._cluster.api, self._namespaces[name], self._manifest.name, self._cluster.timeouts)

    def timeline(self, name: str) -> Timeline:
        """What happened in the rehearsal of this name; the same record each time.

        Raises:
            TimedOutError: the copy did not settle, before or after its action.
        """
        if not self._running:
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                self._running = {name: pool.submit(self._rehearse, name) for name in self._rehearsals}
        self._running[name].result()
        return self._timelines[name]

    def write(self, directory: Path) -> list[Path]:
        """Write what is known of all rehearsals, as evidence; returns the files."""
        files = [file for timeline in self._timelines.values() for file in write_timeline(timeline, directory)]
        for namespace in self._namespaces.values():
            files += write_namespace(self._cluster.api, namespace, directory)
        return files

    def close(self) -> None:
        """Delete the copies, without waiting."""
        for namespace in self._namespaces.values():
            self._cluster.api.delete("Namespace", namespace)

    def _rehearse(self, name: str) -> None:
        rehearsal = self._rehearsals[name]
        space = make_workspace(self._cluster, self._namespaces[name])
        workload = space.derived(self._manifest, *rehearsal.changes)
        workload.wait_settled()
        timeline = self._timelines[name] = Timeline(workload.namespace, workload.name)
        with recording(self._cluster.api, timeline):
            replies = rehearsal.action(workload)
        timeline.add_load(replies or ())
