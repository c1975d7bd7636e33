"""Recording, in the controlling process: each verdict enters the ledger and results.json as its report arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netproof.report.record import RunRecord
from netproof.report.results import CheckFacts, CheckResult
from netproof.running.judging import REPORT_ATTRIBUTE
from netproof.running.ledger import Ledger
from netproof.verdict import Verdict

_EXIT_OF_ERRORS = pytest.ExitCode.INTERNAL_ERROR
"""The exit code of a run in which nothing failed, but netproof or the cluster broke."""


class Recorder:
    """Keeps the results of the run.

    Args:
        record: the record of the run.
        ledger: where the verdicts are entered for those who wait for them.

    Attributes:
        interrupted: whether the run, or a worker of it, was interrupted; a check that was running then has no verdict.
    """

    def __init__(self, record: RunRecord, ledger: Ledger) -> None:
        self._record = record
        self._ledger = ledger
        self._facts: dict[str, CheckFacts] = {}
        self._ordinary_failures = 0
        self.interrupted = False

    def select(self, facts: list[CheckFacts]) -> None:
        """Take up the checks that will run.

        Raises:
            NetproofError: the results cannot be written.
        """
        if not self._facts:
            self._facts = {fact.test: fact for fact in facts}
            self._record.select(facts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter what a report carries; a report without a phase says that a worker died."""
        carried: dict[str, Any] = getattr(report, REPORT_ATTRIBUTE, None) or {}
        self._record.absorb(carried.get("events", ()))
        if result := carried.get("result"):
            self._enter(CheckResult.model_validate(result))
        elif (
            report.when not in {"setup", "call", "teardown"}
            and not self.interrupted
            and (facts := self._facts.get(report.nodeid))
        ):
            self._enter(
                CheckResult.model_validate(
                    {**facts.model_dump(), "verdict": Verdict.ERROR, "message": report.longreprtext}
                )
            )
        if report.failed and report.nodeid not in self._facts:
            self._ordinary_failures += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Remember that the run was interrupted."""
        self.interrupted = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """Enter that pytest or a plugin broke."""
        last_line = str(excrepr).strip().rpartition("\n")[2]
        self._record.note(f"internal error: {last_line}", "problems")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Choose the exit code and write the results for the last time."""
        if not self._facts:
            return
        results = self._record.results
        counts = results.counts() if results else {}
        only_errors = counts.get(Verdict.ERROR) and not counts.get(Verdict.FAILED) and not self._ordinary_failures
        if exitstatus == pytest.ExitCode.TESTS_FAILED and only_errors:
            exitstatus = session.exitstatus = _EXIT_OF_ERRORS
        self._record.finish(exit_code=int(exitstatus), interrupted=self.interrupted)

    def _enter(self, result: CheckResult) -> None:
        self._record.enter(result)
        self._ledger.record(result.key, result.verdict)


def default_report_directory(config: pytest.Config) -> Path:
    """``reports`` of the checkout where pytest's root directory has one, else of the directory of the invocation."""
    of_checkout = config.rootpath / "reports"
    return of_checkout if of_checkout.is_dir() else config.invocation_params.dir / "reports"
