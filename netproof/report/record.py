"""The record of a run in the making: where fixtures say what happens, and what keeps results.json up to date."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.report.html import REPORT_FILE, to_html
from netproof.report.results import CheckFacts, CheckResult, Phase, Results, Run

RESULTS_FILE = "results.json"

NoteKind = Literal["notes", "adaptation", "plan", "news", "problems"]

Event = dict[str, Any]
"""What a worker tells, in plain values: ``{"set": {...}}``, ``{"phase": {...}}`` or ``{"notes": text}``."""

_JSON: TypeAdapter[Any] = TypeAdapter(Any)


def new_run_id() -> str:
    """An id for a run that starts now: UTC time and four random hexadecimal digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def results_file(path: Path) -> Path:
    """The results that a path means: a file, or the one in a directory.

    Raises:
        NetproofError: there are none.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    if not file.is_file():
        raise NetproofError(f"there are no results in {path}", f"name a {RESULTS_FILE}, or the directory of a run")
    return file


class RunRecord:
    """What is known of this run so far.

    In the controlling process it holds the results and writes them; in a worker it keeps what happens there until the
    next report carries it to the controller (:meth:`take_events`, :meth:`absorb`).

    Attributes:
        directory: the run's directory; it exists once something was written.
        results: the results so far; None in a worker.
        needs_cluster: whether a selected check asks for a cluster.
    """

    def __init__(
        self, directory: Path, *, worker: bool = False, announce: Callable[[str], None] = lambda _: None
    ) -> None:
        self.directory = directory
        self.results = None if worker else Results(run=Run(id=directory.name, started=datetime.now(UTC)))
        self._announce = announce
        self._events: list[Event] = []
        self._evidence: defaultdict[str, list[str]] = defaultdict(list)
        self._opened = False
        self.needs_cluster = False
        if self.results is not None:
            self.results.run.netproof_version = _own_version()

    @property
    def path(self) -> Path:
        """Where results.json lies."""
        return self.directory / RESULTS_FILE

    @property
    def page(self) -> Path:
        """Where the page lies that is made at the end."""
        return self.directory / REPORT_FILE

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase of the run, record it, and print a line with its time when it ends."""
        start = time.monotonic()
        failed = True
        try:
            yield
            failed = False
        finally:
            self._tell({"phase": {"name": name, "seconds": round(time.monotonic() - start, 3), "failed": failed}})

    def set(self, **fields: Any) -> None:
        """Set fields of :class:`netproof.report.results.Run`.

        Raises:
            TypeError: there is no such field.
        """
        if unknown := fields.keys() - Run.model_fields.keys():
            raise TypeError(f"a run has no field {', '.join(sorted(unknown))}")
        self._tell({"set": _JSON.dump_python(fields, mode="json")})

    def note(self, text: str, kind: NoteKind = "notes") -> None:
        """Add a line to one of the lists of the run, such as its adaptation or its news; the same line only once."""
        self._tell({kind: text})

    def attach(self, check_id: str, path: Path) -> None:
        """Add a file to the evidence of a check; only what is attached before the check ends is reported.

        Args:
            check_id: the check's id (its key, where it has dimensions).
            path: the file, best one in :meth:`evidence_directory`.
        """
        self._evidence[check_id].append(self.relative(path))

    def evidence_directory(self, check_id: str) -> Path:
        """A directory for evidence of a check, inside the run's; it is made if need be.

        Raises:
            OSError: it cannot be made.
        """
        directory = self.directory / "evidence" / check_id
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def relative(self, path: Path) -> str:
        """The path from the run's directory where it lies in it, otherwise the absolute one."""
        absolute, home = path.absolute(), self.directory.absolute()
        return str(absolute.relative_to(home)) if absolute.is_relative_to(home) else str(absolute)

    def take_evidence(self, check_id: str) -> list[str]:
        """What was attached for a check and not yet taken."""
        return self._evidence.pop(check_id, [])

    def take_events(self) -> list[Event]:
        """What happened in this worker since the last call."""
        events, self._events = self._events, []
        return events

    def absorb(self, events: Iterable[Event]) -> None:
        """Enter what happened, here or in a worker."""
        for event in events:
            for kind, value in event.items():
                self._enter(kind, value)

    def select(self, facts: Iterable[CheckFacts]) -> None:
        """Enter which checks the run is to make, and write the file for the first time.

        Raises:
            NetproofError: the directory for reports cannot be written to.
        """
        results, facts = self._own_results(), list(facts)
        self.needs_cluster = any(fact.needs_cluster for fact in facts)
        results.not_run = [fact.key for fact in facts]
        results.run.selected = len(results.not_run)
        try:
            self.save()
            self._opened = True
            self._point_latest_here()
        except OSError as problem:
            raise NetproofError(
                f"cannot write the results to {self.directory}: {problem.strerror or problem}",
                "name a directory that can be written to with --report-dir",
            ) from problem

    def enter(self, result: CheckResult) -> None:
        """Enter the verdict of a check and write the file.

        Raises:
            OSError: the file cannot be written.
        """
        results = self._own_results()
        results.checks.append(result)
        results.not_run = [key for key in results.not_run if key != result.key]
        self.save()

    def finish(self, *, exit_code: int, interrupted: bool) -> None:
        """Enter the end of the run; where checks were selected, write the file, and the page that is made from it.

        Raises:
            OSError: the file cannot be written.
        """
        run = self._own_results().run
        run.finished, run.exit_code, run.interrupted = datetime.now(UTC), exit_code, interrupted
        if self._opened:
            self.save()
            write_atomically(self.page, to_html(self._own_results()))

    def save(self) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
        """
        self._own_results().write(self.path)

    def _own_results(self) -> Results:
        if self.results is None:
            raise RuntimeError("the results are kept by the controlling process")
        return self.results

    def _tell(self, event: Event) -> None:
        if self.results is None:
            self._events.append(event)
        else:
            self.absorb([event])

    def _enter(self, kind: str, value: Any) -> None:
        run = self._own_results().run
        if kind == "phase":
            phase = Phase.model_validate(value)
            run.phases.append(phase)
            self._announce(f"  {phase.name:<32} {phase.seconds:7.1f} s{'  failed' if phase.failed else ''}")
        elif kind == "set":
            for name, content in value.items():
                setattr(run, name, content)
        elif value not in (lines := getattr(run, kind)):
            lines.append(value)

    def _point_latest_here(self) -> None:
        latest = self.directory.parent / "latest"
        if latest.exists() and not latest.is_symlink():
            return
        temporary = self.directory.parent / f".latest.{self.directory.name}"
        temporary.symlink_to(self.directory.name)
        temporary.replace(latest)


def _own_version() -> str:
    try:
        return metadata.version("netproof")
    except metadata.PackageNotFoundError:
        return "0+source"
