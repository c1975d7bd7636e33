"""No check waits for ever: the scheduler against simulated workers that wait for what a check needs, and that die."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netproof.running.scheduling import NUMBER, ShareScheduling, shares

pytest_plugins = "pytester"


@dataclass(eq=False)
class SimulatedWorker:
    """Behaves as xdist's worker does: it starts an item only when it knows the next, or that there is none."""

    queue: list[int] = field(default_factory=list)
    shutting_down: bool = False
    number: int = 0
    gateway: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(id="gw"))

    @property
    def workerinput(self) -> dict[str, int]:
        return {NUMBER: self.number}

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.queue += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    def item(self) -> int | None:
        """The item that it runs, or waits with."""
        return self.queue[0] if len(self.queue) > 1 or (self.queue and self.shutting_down) else None


@dataclass
class SimulatedRun:
    scheduler: ShareScheduling
    needs: list[set[int]]
    number_of_workers: int
    finished: set[int] = field(default_factory=set)
    workers: list[SimulatedWorker] = field(default_factory=list)

    def start(self) -> None:
        self.workers = [SimulatedWorker(number=number) for number in range(self.number_of_workers)]
        for worker in self.workers:
            self.scheduler.add_node(worker)
        for worker in self.workers:
            self.scheduler.add_node_collection(worker, [str(index) for index in range(len(self.needs))])
        self.scheduler.schedule()
        self.after_event()

    def able(self) -> list[SimulatedWorker]:
        """Workers whose item has all that it needs."""
        return [w for w in self.workers if (item := w.item()) is not None and self.needs[item] <= self.finished]

    def finish_item(self, worker: SimulatedWorker) -> None:
        item = worker.queue.pop(0)
        assert item not in self.finished
        self.finished.add(item)
        self.scheduler.mark_test_complete(worker, item, 1.0)
        self.after_event()

    def die(self, worker: SimulatedWorker) -> None:
        """The worker dies, its item gets a verdict, and another worker takes its place, as DSession does it."""
        self.workers.remove(worker)
        crashed = self.scheduler.remove_node(worker)
        assert crashed == str(worker.queue[0])
        self.finished.add(worker.queue[0])
        clone = SimulatedWorker(number=self.number_of_workers)
        self.workers.append(clone)
        self.scheduler.add_node(clone)
        self.scheduler.add_node_collection(clone, [str(index) for index in range(len(self.needs))])
        self.scheduler.schedule()
        self.after_event()

    def after_event(self) -> None:
        if self.scheduler.tests_finished:
            for worker in self.workers:
                worker.shutdown()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_item_is_run_whatever_it_needs_and_whichever_worker_dies(pytester, data):
    number = data.draw(st.integers(1, 4), label="workers")
    size = data.draw(st.integers(1, 24), label="items")
    needs = [data.draw(st.sets(st.integers(0, index - 1), max_size=2)) if index else set() for index in range(size)]
    config = _config_of(pytester, number)
    run = SimulatedRun(ShareScheduling(config), needs, number)
    run.start()

    while len(run.finished) < size:
        able = run.able()
        assert able, f"all wait: {[worker.queue for worker in run.workers]}, pending {run.scheduler.pending}"
        if data.draw(st.integers(0, 9)) == 0:
            run.die(data.draw(st.sampled_from([worker for worker in run.workers if worker.item() is not None])))
        else:
            run.finish_item(data.draw(st.sampled_from(able)))


def test_the_checks_of_a_module_are_run_by_one_worker_and_the_shares_are_even():
    nodeids = [f"test_{name}.py::test_{number}" for name in "abcde" for number in range({"a": 6, "b": 3}.get(name, 2))]

    found = shares(nodeids, 3)

    modules = [{nodeids[position].partition("::")[0] for position in share} for share in found]
    assert sorted(map(len, found)) == [4, 5, 6]
    assert not modules[0] & modules[1] | modules[1] & modules[2] | modules[0] & modules[2]
    assert sorted(position for share in found for position in share) == list(range(len(nodeids)))
    assert all(share == sorted(share) for share in found)


_CONFIGS: dict[int, pytest.Config] = {}


def _config_of(pytester: pytest.Pytester, workers: int) -> pytest.Config:
    if workers not in _CONFIGS:
        _CONFIGS[workers] = pytester.parseconfig("-p", "no:netproof", "-p", "no:cacheprovider", f"--tx={workers}*popen")
    return _CONFIGS[workers]
