"""A run as CSV: a row for each check."""

from __future__ import annotations

from netproof.report.results import CheckResult, Results
from netproof.report.spreadsheet import harmless
from netproof.report.spreadsheet import to_csv as table_to_csv

_COLUMNS = (
    "check",
    "section",
    "level",
    "subject",
    "verdict",
    "seconds",
    "setup_seconds",
    "started",
    "reason",
    "expected",
    "observed",
    "remedy",
    "measured",
    "evidence",
    "title",
    "test",
)


def to_csv(results: Results) -> str:
    """The rows, in the order of the verdicts, then what was not run; no cell is a formula to a spreadsheet."""
    rows = [_row(check) for check in results.checks]
    rows += [[harmless(key), *([""] * 3), "not run", *([""] * (len(_COLUMNS) - 5))] for key in results.not_run]
    return table_to_csv(_COLUMNS, rows)


def _row(check: CheckResult) -> list[str]:
    return [
        harmless(check.key),
        check.section,
        check.level,
        check.subject,
        check.verdict,
        f"{check.duration_seconds:.3f}",
        f"{check.setup_seconds:.3f}",
        check.started.isoformat() if check.started else "",
        harmless(check.reason or check.message),
        harmless(check.expected),
        harmless(check.observed),
        harmless(check.remedy),
        " ".join(f"{name}={value:g}" for name, value in sorted(check.measured.items())),
        harmless(" ".join(check.evidence)),
        harmless(check.title),
        harmless(check.test),
    ]
