"""The work of a night: each run in a process of its own, and whatever breaks one of them stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.nightly.history import History
from netproof.nightly.night import Night, NightRun, State, results_of
from netproof.programs import Programs
from netproof.report.changes import Changes
from netproof.report.html import REPORT_FILE, to_html
from netproof.report.results import Results
from netproof.suite_run import newest_run, run_suites
from netproof.verdict import Verdict

_LOG = "run.log"

Prepare = Callable[[str], None]
"""Gets what a Kubernetes version needs; raises NetproofError where that cannot be had."""


@dataclass(frozen=True, slots=True)
class Job:
    """The work.

    Attributes:
        history: the nights before.
        night: this one.
        prepare: called once for each version that is to be run.
        on_ended: told of each run that has ended.
        seconds: how long a run may take.
    """

    history: History
    night: Night
    prepare: Prepare
    on_ended: Callable[[NightRun], None]
    seconds: float

    @property
    def directory(self) -> Path:
        """The night's directory."""
        return self.history.directory / self.night.name

    def work(self) -> None:
        """Run what waits, or was interrupted.

        Raises:
            KeyboardInterrupt: the night was broken off; the run that was under way is entered as far as it came.
            OSError: the directory cannot be written to.
        """
        unprepared: dict[str, str | None] = {}
        for run in self.night.runs:
            if run.state in {State.FINISHED, State.BROKEN}:
                continue
            if run.version not in unprepared:
                unprepared[run.version] = self._lack_of(run.version)
            self._run(run, unprepared[run.version])
            self.night.write(self.directory)
            self.on_ended(run)
        self.night.finished = datetime.now(UTC)
        self.night.write(self.directory)

    def _lack_of(self, version: str) -> str | None:
        """Why a version cannot be run; None where it can."""
        try:
            self.prepare(version)
        except NetproofError as problem:
            return str(problem)
        return None

    def _run(self, run: NightRun, lack: str | None) -> None:
        run.directory = run.said = ""
        if lack:
            run.state, run.said = State.BROKEN, lack
            return
        home = self.directory / run.name
        home.mkdir(parents=True, exist_ok=True)
        before = newest_run(home)
        run.state = State.INTERRUPTED
        self.night.write(self.directory)
        try:
            ended = run_suites(
                Programs(),
                [
                    f"--kubernetes-version={run.version}",
                    f"--proxy-mode={run.mode}",
                    *self.night.order.arguments,
                ],
                directory=Path.cwd(),
                reports=home,
                log=home / _LOG,
                seconds=self.seconds,
            )
        except KeyboardInterrupt:
            newest = newest_run(home)
            self._enter(run, newest if newest != before else None)
            self.night.write(self.directory)
            raise
        self._enter(run, ended.directory)
        run.said = ended.said or why_broken(results_of(run, self.directory))
        run.state = State.BROKEN if run.said else State.FINISHED

    def _enter(self, run: NightRun, directory: Path | None) -> None:
        """Enter where the results of a run are, and what changed, and see to it that there is a page of them."""
        if directory is None:
            return
        run.directory = directory.relative_to(self.directory).as_posix()
        if not (results := results_of(run, self.directory)):
            return
        if not (directory / REPORT_FILE).is_file():
            write_atomically(directory / REPORT_FILE, to_html(results))
        if why_nothing_was_judged(results):
            return
        before = self.history.before(run, self.night)
        changes = Changes.since(before.results if before else None, results)
        run.compared_with = before.directory if before else ""
        run.changes = {change: [one.key for one in checks] for change, checks in changes.by_change.items()}


def why_broken(results: Results | None) -> str:
    """Why a run cannot be called finished; empty where it can."""
    if results is None:
        return "its results cannot be read"
    if results.run.finished is None:
        return "the run was killed"
    if results.run.interrupted:
        return "the run was interrupted"
    return why_nothing_was_judged(results)


def why_nothing_was_judged(results: Results) -> str:
    """Why nothing is known of the version, such as a cluster that did not come up; empty where something is."""
    on_cluster = [check for check in results.checks if check.needs_cluster]
    errors = [check for check in on_cluster if check.verdict is Verdict.ERROR]
    if errors and not any(check.verdict in {Verdict.PASSED, Verdict.FAILED} for check in on_cluster):
        return str(NetproofError(errors[0].message, errors[0].remedy))
    return "" if results.checks else "no check has a verdict"
