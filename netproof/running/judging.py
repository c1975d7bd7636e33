"""Judging: a check does not run before it may, and its report gets the outcome and the wording of its verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest

from netproof.errors import NetproofError
from netproof.report.record import RunRecord
from netproof.report.results import CheckResult
from netproof.running.ahead import Ahead, Begun
from netproof.running.collected import CollectedCheck, check_of
from netproof.running.exclusive import RunningLock
from netproof.running.judgement import Judgement, When, finding
from netproof.running.ledger import AbandonedError, Ledger
from netproof.running.selection import REQUIRED_KEYS
from netproof.verdict import BlockedError, UnsupportedError, Verdict

REPORT_ATTRIBUTE = "netproof"
"""On a report of pytest: what netproof has to say with it, as plain values that pytest-xdist can carry."""

_HINDRANCE = pytest.StashKey[Exception | None]()
_BEGUN = pytest.StashKey[Begun | None]()
_JUDGEMENT = pytest.StashKey[Judgement]()


def note_measured(item: pytest.Item, name: str, value: float) -> None:
    """Put a measured value into the result of the check that runs; its unit belongs into the name."""
    item.stash[_JUDGEMENT].fields.setdefault("measured", {})[name] = round(value, 3)


class Judge:
    """Runs where the checks run: keeps each from running before it may, and judges it.

    Args:
        ledger: the verdicts so far.
        record: where evidence is attached.
        lock: what keeps exclusive checks apart from all others.
        ahead: what has checks begin before their turn.
        worker: the id of this pytest-xdist worker; empty without.
    """

    def __init__(self, ledger: Ledger, record: RunRecord, lock: RunningLock, ahead: Ahead, worker: str = "") -> None:
        self._ledger = ledger
        self._record = record
        self._lock = lock
        self._ahead = ahead
        self._worker = worker

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Wait for the verdicts that the check needs, then for its turn; neither counts as its duration."""
        found = check_of(item)
        if found is None:
            return (yield)
        item.stash[_JUDGEMENT] = Judgement()
        item.stash[_HINDRANCE] = self._hindrance(item, found)
        begun = item.stash[_BEGUN] = self._ahead.await_turn(item)
        with contextlib.nullcontext() if begun else self._lock.held(alone=found.check.exclusive):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """End the check before its fixtures if it cannot be judged."""
        if hindrance := item.stash.get(_HINDRANCE, None):
            raise hindrance

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge the phase, and give the report the outcome and the wording of the verdict."""
        report = yield
        found = check_of(item)
        if found is None or call.when not in {"setup", "call", "teardown"}:
            return report
        carried: dict[str, Any] = {"events": self._record.take_events()}
        report.__dict__[REPORT_ATTRIBUTE] = carried
        if isinstance(broken_off := item.stash[_HINDRANCE], AbandonedError):
            if report.failed:
                report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"not run: {broken_off}")
            return report
        problem = call.excinfo.value if call.excinfo is not None and not report.passed else None
        verdict, fields = self._finding(item, call.when, problem, report)
        if isinstance(problem, NetproofError):
            report.longrepr = str(problem)
        if verdict in {Verdict.BLOCKED, Verdict.UNSUPPORTED}:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), item.location[1] or 0, f"{verdict}: {fields['reason']}")
        judgement = item.stash[_JUDGEMENT]
        judgement.add(verdict, fields)
        self._enter_times(item, call, report, judgement)
        carried["verdict"] = verdict.value
        if call.when == "teardown":
            carried["result"] = self._result(found, judgement).model_dump(mode="json")
        return report

    def _enter_times(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, judgement: Judgement
    ) -> None:
        """When a phase began and how long it took: where the check has run ahead, in its own time."""
        started = datetime.fromtimestamp(call.start, UTC)
        if call.when == "call" and (begun := item.stash[_BEGUN]):
            report.duration, started = begun.seconds, begun.started or started
        of_phase = "duration_seconds" if call.when == "call" else f"{call.when}_seconds"
        judgement.fields[of_phase] = round(report.duration, 3)
        if call.when != "teardown":
            judgement.fields["started"] = started

    def _hindrance(self, item: pytest.Item, found: CollectedCheck) -> Exception | None:
        """Why the check cannot be judged; None where it can.

        A missing feature comes first: no verdict on another check changes it, and it says what would enable the check.
        """
        for feature in found.check.features:
            missing: UnsupportedError | None = item.config.hook.pytest_netproof_missing_feature(
                config=item.config, feature=feature
            )
            if missing is not None:
                return missing
        in_the_way: dict[str, str] = {}
        for key in item.stash[REQUIRED_KEYS]:
            try:
                verdict = self._ledger.wait_for(key)
            except (AbandonedError, NetproofError) as problem:
                return problem
            else:
                if verdict is not Verdict.PASSED:
                    in_the_way[key] = _HOW_IT_STANDS[verdict]
        if in_the_way:
            reason = "needs " + ", and ".join(f"{key}, which {how}" for key, how in in_the_way.items())
            return BlockedError(reason, in_the_way)
        return None

    def _finding(
        self, item: pytest.Item, when: When, problem: BaseException | None, report: pytest.TestReport
    ) -> tuple[Verdict, dict[str, Any]]:
        if problem is None:
            # An xfail that passes against its mark fails without an exception.
            return (Verdict.FAILED, {"message": str(report.longrepr)}) if report.failed else (Verdict.PASSED, {})
        if report.skipped and isinstance(getattr(report, "wasxfail", None), str):
            return Verdict.UNSUPPORTED, {"reason": f"known not to hold: {report.wasxfail}"}
        verdict, fields = finding(when, problem)
        if verdict in {Verdict.FAILED, Verdict.ERROR}:
            broken: str | None = item.config.hook.pytest_netproof_broken_cluster(config=item.config)
            if broken:
                return Verdict.ERROR, {**fields, "message": "\n".join([broken, fields["message"]])}
        found = check_of(item)
        if verdict is Verdict.FAILED and found is not None:
            excuse: UnsupportedError | None = item.config.hook.pytest_netproof_not_at_fault(
                config=item.config, check=found.check
            )
            if excuse:
                return Verdict.UNSUPPORTED, {**fields, "reason": excuse.reason, "remedy": excuse.enable}
        return verdict, fields

    def _result(self, found: CollectedCheck, judgement: Judgement) -> CheckResult:
        evidence = [*judgement.fields.pop("evidence", ())]
        return CheckResult.model_validate(
            {
                **found.facts.model_dump(),
                **judgement.fields,
                "verdict": judgement.verdict,
                "expected": judgement.fields.get("expected") or (found.check.title if _is_failed(judgement) else ""),
                "evidence": [
                    *map(self._record.relative, evidence),
                    *self._record.take_evidence(found.key),
                    *(self._record.take_evidence(found.check.id) if found.key != found.check.id else ()),
                ],
                "worker": self._worker,
            }
        )


_HOW_IT_STANDS = {
    Verdict.FAILED: "failed",
    Verdict.BLOCKED: "is blocked itself",
    Verdict.UNSUPPORTED: "is unsupported here",
    Verdict.ERROR: "ended in an error",
}


def _is_failed(judgement: Judgement) -> bool:
    return judgement.verdict is Verdict.FAILED
