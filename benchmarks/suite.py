"""How long the checks take, and what they wait for: N runs, phases and sections, the longest checks, the critical path.

Run as root: ``python benchmarks/suite.py --runs 3 -- [arguments of pytest]``, such as ``-m homework`` or ``-n 2``.
Programs are taken from the cache; run ``netproof setup`` first. All is read from the results.json of each run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

CHECKOUT = Path(__file__).resolve().parents[1]
LONGEST = 10
AT_ONCE_SECONDS = 1.0
"""What ends this little before a check begins may be what it waited for."""


@dataclass(frozen=True, slots=True)
class Span:
    """A check on the time line of a run, in seconds from its start."""

    check: CheckResult
    start: float
    end: float


def run_once(arguments: list[str], reports: Path) -> tuple[float, Results]:
    """Run the checks; the seconds from nothing to the report, and the results."""
    start = time.monotonic()
    command = [sys.executable, "-m", "pytest", "suites/networking", "-q", "--report-dir", str(reports), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if not (reports / "latest").exists():
        sys.exit(done.stdout + done.stderr)
    return seconds, Results.read(reports / "latest" / "results.json")


def spans(results: Results) -> list[Span]:
    """The checks that ran, by their start."""

    def seconds(moment: datetime) -> float:
        return (moment - results.run.started).total_seconds()

    found = [
        Span(check, seconds(check.started), seconds(check.started) + check.duration_seconds)
        for check in results.checks
        if check.started is not None and check.duration_seconds
    ]
    return sorted(found, key=lambda span: span.start)


def critical_path(all_spans: list[Span]) -> list[Span]:
    """From the check that ended last back to the first: before each, what it needed, or what ended as it began."""
    path: list[Span] = []
    latest = max(all_spans, key=lambda span: span.end, default=None)
    while latest is not None:
        path.insert(0, latest)
        before = [span for span in all_spans if span.end <= latest.start + 0.05 and span is not latest]
        needed = [span for span in before if span.check.id in latest.check.needs]
        ended = [span for span in before if latest.start - span.end < AT_ONCE_SECONDS]
        latest = max(ended or needed, key=lambda span: (span in needed, span.end), default=None)
    return path


def is_bad(check: CheckResult) -> bool:
    """Whether a check found something, or broke."""
    return check.verdict in {Verdict.FAILED, Verdict.ERROR}


def rows(name: str, seconds: Iterable[float]) -> str:
    """A line of the table."""
    values = list(seconds)
    return f"{name:<44} {min(values):7.1f} {statistics.median(values):7.1f} {max(values):7.1f}"


def report(runs: list[tuple[float, Results]]) -> Iterator[str]:
    """The lines to print."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    checks: defaultdict[str, list[float]] = defaultdict(list)
    for seconds, results in runs:
        times["from nothing to the report"].append(seconds)
        for phase in results.run.phases:
            times[f"phase: {phase.name}"].append(phase.seconds)
        for span in spans(results):
            checks[span.check.key].append(span.end - span.start)
    yield f"{'seconds':<44}     min  median     max"
    yield from (rows(name, values) for name, values in times.items())
    yield ""
    yield f"the longest checks of {len(checks)}"
    longest = sorted(checks.items(), key=lambda item: statistics.median(item[1]), reverse=True)[:LONGEST]
    yield from (rows(name, values) for name, values in longest)
    seconds, results = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    found = spans(results)
    together = sum(span.end - span.start for span in found)
    yield ""
    yield f"the run of {seconds:.1f} s: one after the other its checks would take {together:.1f} s; its critical path"
    for span in critical_path(found):
        yield f"  {span.start:7.1f} to {span.end:7.1f}  {span.check.key}"
    for seconds, results in runs:
        verdicts = ", ".join(f"{number} {verdict}" for verdict, number in results.counts().items() if number)
        yield f"{results.run.id}: {seconds:.1f} s, {verdicts}"
        yield from (
            f"  {one.verdict}: {one.key}: {one.observed or one.message}" for one in results.checks if is_bad(one)
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("arguments", nargs="*", help="arguments of pytest, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as reports:
        runs = [run_once(options.arguments, Path(reports, str(number))) for number in range(options.runs)]
    print("\n".join(report(runs)))


if __name__ == "__main__":
    main()
