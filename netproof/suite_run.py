"""A run of the suites in a process of its own: how pytest is called, within what time, and which results it leaves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netproof.programs import Programs, TookTooLongError
from netproof.report.record import RESULTS_FILE
from netproof.resources import data_directory

_LAST_LINES, _LAST_BYTES = 12, 4000


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What came of a run.

    Attributes:
        directory: where its results lie; None where it left none.
        said: why it did not come to an end that it could report; empty where it did.
    """

    directory: Path | None
    said: str = ""


def run_suites(
    programs: Programs, arguments: Sequence[str], *, directory: Path, reports: Path, log: Path, seconds: float
) -> SuiteRun:
    """Run the suites that come with netproof, and say what came of it.

    Args:
        programs: the programs of the work that this is a part of.
        arguments: what pytest is told beside where the suites are and where reports go.
        directory: where it is run; it is made if need be.
        reports: where it makes its directory.
        log: the file that gets what it prints.
        seconds: how long it may take; one that takes longer is interrupted, and leaves what it has.

    Raises:
        StoppedError: the work was stopped meanwhile.
        KeyboardInterrupt: the thread that waits was interrupted; the run was, too, and left what it had.
        OSError: the directory or the log cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pytest"),
        *(f"--report-dir={reports.resolve()}", f"--rootdir={directory.resolve()}"),
        *("--import-mode=importlib", "-p", "no:cacheprovider"),
        *(str(data_directory("suites")), *arguments),
    ]
    before = newest_run(reports)
    try:
        code = programs.run(command, directory=directory, output=log, seconds=seconds)
    except TookTooLongError:
        run = newest_run(reports)
        return SuiteRun(run if run != before else None, f"the run took longer than {seconds:g} s")
    run = newest_run(reports)
    if run is None or run == before:
        return SuiteRun(None, f"the run ended with exit code {code} and left no results:\n{end_of(log)}")
    return SuiteRun(run)


def newest_run(reports: Path) -> Path | None:
    """The directory of the newest run that left results in a directory for reports; None where there is none."""
    found = [path.parent for path in reports.glob(f"*/{RESULTS_FILE}") if not path.parent.is_symlink()]
    return max(found, default=None)


def end_of(log: Path) -> str:
    """The last lines of what a program printed; empty where that cannot be read."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LAST_BYTES))
            lines = stream.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])
