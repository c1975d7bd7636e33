"""The pytest plugin that runs checks; ``pytest_plugins = ["netproof.running.plugin"]`` loads it.

It adds ``--check`` and ``--report-dir``, the markers of checks, and the hooks of :mod:`netproof.running.hookspecs`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from netproof.errors import NetproofError
from netproof.report.record import RunRecord, new_run_id
from netproof.running import hookspecs
from netproof.running.ahead import AHEAD, AT_ONCE, Ahead
from netproof.running.collected import CollectedCheck, OneMessageCollection
from netproof.running.exclusive import RunningLock
from netproof.running.judging import Judge
from netproof.running.ledger import Ledger
from netproof.running.recording import Recorder, default_report_directory
from netproof.running.scheduling import NUMBER, items_of_worker
from netproof.running.selection import Selection
from netproof.running.stray_directories import refuse_stray_directories
from netproof.running.terminal import Announcer, Summary
from netproof.running.workers import RUN_DIRECTORY, Controller, Worker, shared_directory

_MARKERS: Final = (
    "networking: a check of a Kubernetes network",
    "homework: a check of what the homework demands",
    "core: a check of Kubernetes' own conformance for networking",
    "extended: a check beyond both",
    "needs(*ids): the checks that must pass first",
    "exclusive: changes cluster-wide state, so no other check runs beside it",
    "long: takes long, so it begins before others",
)

_RECORD = pytest.StashKey[RunRecord]()


def run_record(config: pytest.Config) -> RunRecord:
    """The record of this run: where phases, versions, notes and evidence are entered.

    It works in the controlling process and in workers of pytest-xdist alike; what a worker enters reaches the results
    with its next report.
    """
    return config.stash[_RECORD]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("netproof")
    group.addoption(
        "--check",
        action="append",
        default=[],
        dest="netproof_checks",
        metavar="ID[,ID...]",
        help="run these checks, by id or section, and what they need",
    )
    group.addoption(
        "--report-dir",
        dest="netproof_report_dir",
        metavar="DIR",
        help="where the directory of each run is made (default: reports)",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that netproof asks."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register what runs checks, by the part that this process plays."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    register = config.pluginmanager.register
    register(OneMessageCollection(), "netproof-collection")
    workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        _configure_worker(config, workerinput)
        return
    try:
        refuse_stray_directories(config)
    except NetproofError as problem:
        _refuse(problem)
    chosen = config.getoption("netproof_report_dir")
    home = config.invocation_params.dir / chosen if chosen else default_report_directory(config)
    record = RunRecord(home / new_run_id(), announce=Announcer(config))
    record.set(command_line=[str(argument) for argument in config.invocation_params.args])
    config.stash[_RECORD] = record
    if any(config.getoption(option) for option in ("collectonly", "showfixtures", "show_fixtures_per_test")):
        register(Selection(lambda _: None, _refuse), "netproof-selection")
        return
    distributed = config.pluginmanager.hasplugin("xdist") and config.getoption("dist") != "no"
    ledger = Ledger(shared_directory(record.directory) / "verdicts" if distributed else None)
    recorder = Recorder(record, ledger)

    def select(checks: list[CollectedCheck]) -> None:
        recorder.select([found.facts for found in checks])

    register(recorder, "netproof-recorder")
    register(Summary(record), "netproof-summary")
    if distributed:
        register(Controller(record, ledger, recorder), "netproof-controller")
    else:
        register(Selection(select, _refuse), "netproof-selection")
        lock = RunningLock(shared_directory(record.directory))
        ahead = config.stash[AHEAD] = Ahead(ledger, lock)
        register(ahead, "netproof-ahead")
        register(Judge(ledger, record, lock, ahead), "netproof-judge")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove where the processes of the run met."""
    if not hasattr(config, "workerinput") and (record := config.stash.get(_RECORD, None)):
        shutil.rmtree(shared_directory(record.directory), ignore_errors=True)


def _configure_worker(config: pytest.Config, workerinput: dict[str, Any]) -> None:
    record = RunRecord(Path(workerinput[RUN_DIRECTORY]), worker=True)
    config.stash[_RECORD] = record
    shared = shared_directory(record.directory)
    worker = Worker(record)
    register = config.pluginmanager.register
    register(worker, "netproof-worker")
    register(Selection(worker.select, lambda problem: worker.refuse(str(problem))), "netproof-selection")
    ledger, lock = Ledger(shared / "verdicts"), RunningLock(shared)
    number, workers = workerinput[NUMBER], workerinput["workercount"]
    ahead = config.stash[AHEAD] = Ahead(
        ledger, lock, at_once=max(1, AT_ONCE // workers), mine=lambda items: items_of_worker(items, number, workers)
    )
    register(ahead, "netproof-ahead")
    register(Judge(ledger, record, lock, ahead, workerinput["workerid"]), "netproof-judge")


def _refuse(problem: NetproofError) -> None:
    raise pytest.UsageError(str(problem)) from problem
