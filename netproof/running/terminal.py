"""What a run of checks prints beside pytest's own progress and closing line."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from netproof.report import table
from netproof.report.record import RunRecord
from netproof.running.collected import check_of
from netproof.running.judging import REPORT_ATTRIBUTE
from netproof.verdict import Verdict

_STATUS: dict[Verdict, tuple[str, str, str]] = {
    Verdict.ERROR: ("error", "E", "ERROR"),
    Verdict.BLOCKED: ("skipped", "b", "BLOCKED"),
    Verdict.UNSUPPORTED: ("skipped", "u", "UNSUPPORTED"),
}


class Announcer:
    """Prints a line at once, also while pytest captures the output of a test.

    Args:
        config: the configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._plugins = config.pluginmanager

    def __call__(self, line: str) -> None:
        """Print the line; nothing is printed with -q, or without a terminal reporter."""
        reporter = self._plugins.getplugin("terminalreporter")
        if reporter is None or reporter.verbosity < 0:
            return
        capture = self._plugins.getplugin("capturemanager")
        if capture is None:
            self._write(reporter, line)
            return
        with capture.global_and_fixture_disabled():
            self._write(reporter, line)

    def _write(self, reporter: pytest.TerminalReporter, line: str) -> None:
        reporter.ensure_newline()
        writer = self._config.get_terminal_writer()
        if writer.width_of_current_line:  # letters of progress, which with pytest-xdist belong to no file
            writer.line()
        reporter.write_line(line)
        reporter.flush()


class Summary:
    """The table of verdicts, what went wrong, and the counts, before pytest's closing line.

    Args:
        record: the record of the run.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Show the progress of checks as letters alone: their order is not that of the files, the table names them."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        only_checks = bool(session.items) and all(check_of(item) for item in session.items)
        if reporter is not None and only_checks and reporter.verbosity == 0:
            reporter.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
        """Show error, blocked and unsupported by letters and words of their own; the counts stay pytest's."""
        carried: dict[str, Any] = getattr(report, REPORT_ATTRIBUTE, None) or {}
        return _STATUS.get(Verdict(carried["verdict"])) if "verdict" in carried else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config, exitstatus: int
    ) -> Generator[None]:
        """Keep pytest's sections to ordinary tests unless tracebacks are asked for, then print ours.

        A user's mistake is pytest's one message alone: no check was begun.
        """
        results = self._record.results
        if results is None or not (results.checks or results.not_run) or exitstatus == pytest.ExitCode.USAGE_ERROR:
            yield
            return
        shown = terminalreporter.stats
        whole = {category: list(reports) for category, reports in shown.items()}
        if not _tracebacks_wanted(config):
            for category, reports in whole.items():
                shown[category] = [report for report in reports if not hasattr(report, REPORT_ATTRIBUTE)]
        try:
            yield
        finally:
            shown.update(whole)  # pytest's closing line counts them
        writer = config.get_terminal_writer()
        width, colour = writer.fullwidth, writer.hasmarkup
        verbosity = config.get_verbosity()
        writer.sep("=", "checks")
        parts = [*table.sections(results, width=width), *table.adaptations(results)] if verbosity >= 0 else []
        parts += table.troubles(results)
        writer.line(table.render(parts, width=width, colour=colour))
        writer.line()
        # Each path stands whole on a line of its own, so that it can be copied and searched for.
        writer.line(table.render([table.counts(results)], width=width, colour=colour))
        if self._record.page.is_file():
            writer.line(f"report: {_from_here(self._record.page, config.invocation_params.dir)}")
        writer.line(f"results: {_from_here(self._record.path, config.invocation_params.dir)}")


def _tracebacks_wanted(config: pytest.Config) -> bool:
    """Whether tracebacks are asked for, by -v or by a style of --tb other than the default."""
    return config.get_verbosity() > 0 or config.getoption("tbstyle") not in {"auto", "no"}


def _from_here(path: Path, directory: Path) -> str:
    relative = os.path.relpath(path, directory)
    return str(path) if relative.startswith("..") else relative
