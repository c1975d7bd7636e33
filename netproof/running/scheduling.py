"""Handing out checks to the workers of pytest-xdist so that no wait for a prerequisite can last for ever.

All workers collect the same items in the same order, in which every check comes after all that it needs
(:mod:`netproof.running.order`). A worker waits before a check until the verdicts of what it needs have arrived at the
controller. That ends, because:

1. Items are handed out from the front, and each worker runs its own in rising order. So consider the first item of the
   order that is not finished: all that it needs is finished, all before it in its worker's queue is finished, and if it
   is in no queue, then no later one is, so the next worker that asks gets it. It can always run.
2. A worker starts an item only when it knows the next one, or that there is none (``WorkerInteractor.run_one_test``).
   The scheduler keeps two items with each worker as long as there are any, and says so when there are none: it looks
   after each finished item, and that an item is finished depends on no other worker.
3. No wait for a prerequisite happens while the lock of :mod:`netproof.running.exclusive` is held.

xdist's own LoadScheduling keeps 1 and 2 until a worker dies: then it appends the dead worker's items to the end, where
they can come to lie behind a check that waits for them. Hence this scheduler. When items will never run (stopped by
``-x``, by Ctrl-C, or by too many dead workers), the ledger is abandoned and every wait ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:

    class LoadScheduling:
        """The part of xdist's scheduler that is used here: xdist declares no types to those who import it."""

        pending: list[int]
        node2pending: dict[Any, list[int]]
        collection: list[str] | None
        maxschedchunk: int | None

        def __init__(self, config: pytest.Config) -> None: ...
else:
    from xdist.scheduler import LoadScheduling

LONG_SECONDS = 0.1
"""A worker whose last item took this long, and that has two more, is not sent others yet (as in LoadScheduling)."""


class RisingScheduling(LoadScheduling):
    """LoadScheduling, with each worker's items in rising order also after a worker died."""

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Send the worker more items if it is short of them, or tell it that there are none for it."""
        if node.shutting_down:
            return
        queue = self.node2pending[node]
        following = [index for index in self.pending if not queue or index > queue[-1]]
        share = len(self.pending) // len(self.node2pending)
        busy = duration >= LONG_SECONDS and len(queue) >= 2
        if following and len(queue) < max(2, share // 4) and not busy:
            room = min(max(2, share // 2) - len(queue), max(2 - len(queue), self.maxschedchunk or len(following)))
            sent = following[:room]
            self.pending[:] = [index for index in self.pending if index not in set(sent)]
            queue.extend(sent)
            node.send_runtest_some(sent)
        # What a dead worker left behind may be needed by the one item that this worker holds: another one must run it.
        if not self.pending or (not following and len(queue) == 1):
            node.shutdown()

    def remove_node(self, node: Any) -> str | None:
        """Take back the items of a worker that is gone; the one that it was running is returned."""
        queue = self.node2pending.pop(node)
        if not queue:
            return None
        running, *left = queue
        self.pending[:] = sorted([*self.pending, *left])
        return self.collection[running] if self.collection else None


def scheduler_for(config: pytest.Config) -> RisingScheduling | None:
    """The scheduler of a run with ``--dist load``, which ``-n`` implies; None for every other distribution."""
    return RisingScheduling(config) if config.getoption("dist") == "load" else None
