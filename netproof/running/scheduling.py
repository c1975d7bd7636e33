"""Handing out checks to the workers of pytest-xdist: to each its share at once, so that no wait can last for ever.

All workers collect the same items in the same order, in which every check comes after all that it needs
(:mod:`netproof.running.order`). A worker waits before a check until the verdicts of what it needs have arrived at the
controller. That ends, because:

1. Each item is in the share of one worker, which runs its share in rising order. So consider the first item of the
   order that is not finished: all that it needs is finished, and so is all before it in its worker's share. It can
   always run.
2. A worker starts an item only when it knows the next one, or that there is none (``WorkerInteractor.run_one_test``).
   It is sent its whole share, and then told that this is all.
3. What a dead worker leaves goes to the one that xdist starts in its place, in rising order.
4. No wait for a prerequisite happens while the lock of :mod:`netproof.running.exclusive` is held.

A share is made of whole modules: what a module's fixtures prepare for its tests, such as rehearsals of rollouts, is
then prepared once. And each worker knows its share from the start, so that it can begin checks before their turn
(:mod:`netproof.running.ahead`). xdist's LoadScheduling knows neither modules nor the order, and its other schedulers
hand out by and by. When items will never run (stopped by ``-x``, by Ctrl-C, or by too many dead workers), the ledger is
abandoned and every wait ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:

    class LoadScheduling:
        """The part of xdist's scheduler that is used here: xdist declares no types to those who import it."""

        pending: list[int]
        node2pending: dict[Any, list[int]]
        node2collection: dict[Any, list[str]]
        collection: list[str] | None

        def __init__(self, config: pytest.Config) -> None: ...

        def _check_nodes_have_same_collection(self) -> bool: ...
else:
    from xdist.scheduler import LoadScheduling

NUMBER = "netproof_number"
"""The key of pytest-xdist's workerinput under which a worker finds its number; no other worker has had it."""


def shares(nodeids: Sequence[str], workers: int) -> list[list[int]]:
    """The positions of the items that each of the workers runs: whole modules, in numbers as even as can be."""
    modules: defaultdict[str, list[int]] = defaultdict(list)
    for position, nodeid in enumerate(nodeids):
        modules[nodeid.partition("::")[0]].append(position)
    found: list[list[int]] = [[] for _ in range(workers)]
    for positions in sorted(modules.values(), key=len, reverse=True):
        min(found, key=len).extend(positions)
    return [sorted(share) for share in found]


def items_of_worker(items: list[pytest.Item], number: int, workers: int) -> list[pytest.Item]:
    """The items that the worker of this number will run; none where it replaces another, for then nobody knows yet."""
    if number >= workers:
        return []
    return [items[position] for position in shares([item.nodeid for item in items], workers)[number]]


class ShareScheduling(LoadScheduling):
    """Sends each worker its share as soon as all have collected."""

    def schedule(self) -> None:
        """Send the shares; later, what dead workers have left."""
        if self.collection is not None:
            for node in self.node2pending:
                self.check_schedule(node)
            return
        if not self._check_nodes_have_same_collection():
            return
        self.collection = next(iter(self.node2collection.values()))
        found = dict(enumerate(shares(self.collection, len(self.node2pending))))
        numbers = {node: node.workerinput[NUMBER] for node in self.node2pending}
        for node, number in sorted(numbers.items(), key=lambda each: each[1]):
            # One that has replaced another before it began has a number of its own, and takes what is over.
            share = found.pop(number) if number in found else found.pop(min(found.keys() - numbers.values()))
            self._send_all(node, share)

    def check_schedule(self, node: Any, **_: object) -> None:
        """Send a worker that is new what was left behind."""
        if not node.shutting_down:
            left, self.pending[:] = sorted(self.pending), []
            self._send_all(node, left)

    def remove_node(self, node: Any) -> str | None:
        """Take back the items of a worker that is gone; the one that it was running is returned."""
        queue = self.node2pending.pop(node)
        if not queue:
            return None
        running, *left = queue
        self.pending.extend(left)
        return self.collection[running] if self.collection else None

    def _send_all(self, node: Any, positions: list[int]) -> None:
        if positions:
            self.node2pending[node].extend(positions)
            node.send_runtest_some(positions)
        node.shutdown()


def scheduler_for(config: pytest.Config) -> ShareScheduling | None:
    """The scheduler of a run with ``--dist load``, which ``-n`` implies; None for every other distribution."""
    return ShareScheduling(config) if config.getoption("dist") == "load" else None
