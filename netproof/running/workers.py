"""The controller's and the worker's side of a run with pytest-xdist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from xdist.dsession import get_default_max_worker_restart

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.report.record import RunRecord
from netproof.report.results import CheckFacts
from netproof.running.collected import CollectedCheck
from netproof.running.ledger import Ledger
from netproof.running.recording import Recorder
from netproof.running.scheduling import NUMBER, scheduler_for

RUN_DIRECTORY = "netproof_run_directory"
"""The key of pytest-xdist's workerinput under which a worker finds the directory of the run."""

_EVENTS = "netproof_events"
_PLAN, _USAGE_ERROR = "plan.json", "usage-error.txt"
_FACTS = TypeAdapter(list[CheckFacts])


def shared_directory(run_directory: Path) -> Path:
    """Where the processes of a run meet."""
    return run_directory / ".shared"


class Controller:
    """In the controller: tells workers where to meet, and takes in what they say.

    Args:
        record: the record of the run.
        ledger: abandoned when items will never run.
        recorder: told which checks the workers will run, and when one was interrupted.
    """

    def __init__(self, record: RunRecord, ledger: Ledger, recorder: Recorder) -> None:
        self._record = record
        self._ledger = ledger
        self._recorder = recorder
        self._shared = shared_directory(record.directory)
        self._died = 0
        self._workers = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker the directory of the run, and its number."""
        node.workerinput[RUN_DIRECTORY] = str(self._record.directory.absolute())
        node.workerinput[NUMBER] = self._workers
        self._workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> object:
        """Hand out items so that no check waits for ever."""
        return scheduler_for(config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Read which checks were selected, or why they could not be.

        Raises:
            pytest.UsageError: the selection is not possible.
        """
        if (problem := self._shared / _USAGE_ERROR).exists():
            raise pytest.UsageError(problem.read_text())
        if not (plan := self._shared / _PLAN).exists():
            return
        config: pytest.Config = node.config
        if (dist := config.getoption("dist")) != "load":
            raise pytest.UsageError(
                f"checks run in an order that --dist {dist} does not keep\n  remedy: use --dist load"
            )
        self._record.set(workers=node.workerinput["workercount"])
        try:
            self._recorder.select(_FACTS.validate_json(plan.read_text()))
        except NetproofError as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take in what a worker had left to say, and end all waits if its items will not run."""
        output: dict[str, Any] = getattr(node, "workeroutput", {})
        self._record.absorb(output.pop(_EVENTS, ()))
        interrupted = output.get("exitstatus") == pytest.ExitCode.INTERRUPTED
        if interrupted:
            self._recorder.interrupted = True
        elif error:
            self._died += 1
            self._record.note(f"worker {node.gateway.id}: {error}", "problems")
        if interrupted or output.get("shouldfail") or output.get("shouldstop") or self._too_many_died(node.config):
            self._ledger.abandon("the run was broken off")

    def _too_many_died(self, config: pytest.Config) -> bool:
        limit = get_default_max_worker_restart(config)
        return limit is not None and self._died > limit


class Worker:
    """In a worker: says what it knows to the controller.

    Args:
        record: the record of what happens in this worker.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._shared = shared_directory(record.directory)

    def select(self, checks: list[CollectedCheck]) -> None:
        """Tell the controller which checks were selected; all workers tell it the same."""
        write_atomically(self._shared / _PLAN, _FACTS.dump_json([found.facts for found in checks]).decode())

    def refuse(self, message: str) -> None:
        """Tell the controller that the selection is not possible."""
        write_atomically(self._shared / _USAGE_ERROR, message)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what no report carried."""
        output: dict[str, Any] = getattr(session.config, "workeroutput", {})
        output[_EVENTS] = self._record.take_events()
