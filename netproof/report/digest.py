"""What a reader is told of a run, in whatever form: the facts, what is wrong, what was not judged, what took long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

_MOST_SLOW = 10

NOT_JUDGED = (Verdict.BLOCKED, Verdict.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Told:
    """Checks of which one and the same thing is to be said.

    Attributes:
        verdict: theirs.
        text: the reason, or what went wrong.
        remedy: what would mend it; empty where nothing can be said.
        checks: which they are.
    """

    verdict: Verdict
    text: str
    remedy: str
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that a check measured.

    Attributes:
        check: the check's key.
        name: what it is, with its unit.
        value: how much.
    """

    check: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Digest:
    """A run as it is told.

    Attributes:
        results: the whole of it.
    """

    results: Results

    @property
    def title(self) -> str:
        """What was run, in a few words."""
        run = self.results.run
        cluster = " ".join(filter(None, (run.kubernetes_version, run.proxy_mode)))
        return f"Kubernetes {cluster}" if cluster else f"netproof {run.id}"

    @property
    def counts(self) -> str:
        """How many checks have each verdict, such as ``2 checks: 1 passed, 1 failed``."""
        return counted(self.results)

    @property
    def state(self) -> str:
        """How the run ended, in words; empty where it came to its end."""
        run = self.results.run
        if run.interrupted:
            return "interrupted before its last check"
        return "" if run.finished else "not finished: it runs, or was killed"

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the run as a whole, without what is not known."""
        run = self.results.run
        nodes = "" if run.node_count is None else f"{run.node_count} {'node' if run.node_count == 1 else 'nodes'}"
        found = {
            "Kubernetes": run.kubernetes_version,
            "kube-proxy's mode": run.proxy_mode,
            "cluster": ", ".join(filter(None, (run.provider, nodes, run.node_kind))),
            "images": run.image_policy,
            "submission": run.submission,
            "started": f"{run.started:%Y-%m-%d %H:%M:%S} UTC",
            "took": duration(self.seconds),
            "ended": self.state or f"with exit code {run.exit_code}",
            "netproof": run.netproof_version,
            "arguments": " ".join(run.command_line),
            "workers": str(run.workers or ""),
            "run": run.id,
        }
        return {name: text for name, text in found.items() if text}

    @property
    def seconds(self) -> float:
        """How long the run took; of one that has no end, until its last check ended."""
        run = self.results.run
        ends = [run.finished] if run.finished else [end for check in self.results.checks if (end := ended(check))]
        return max((end - run.started).total_seconds() for end in [run.started, *ends])

    @property
    def sections(self) -> dict[str, list[CheckResult]]:
        """The checks by section, in the order in which the sections first ran."""
        found: dict[str, list[CheckResult]] = {}
        for check in self.results.checks:
            found.setdefault(check.section, []).append(check)
        return found

    @property
    def failed(self) -> list[CheckResult]:
        """The checks that failed."""
        return [check for check in self.results.checks if check.verdict is Verdict.FAILED]

    @property
    def errors(self) -> list[Told]:
        """The errors, those of one message together."""
        return _together(check for check in self.results.checks if check.verdict is Verdict.ERROR)

    @property
    def not_judged(self) -> list[Told]:
        """What was blocked and what is unsupported, that of one reason together."""
        return _together(check for check in self.results.checks if check.verdict in NOT_JUDGED)

    @property
    def measured(self) -> list[Measured]:
        """What the checks measured."""
        return [
            Measured(check.key, name, value)
            for check in self.results.checks
            for name, value in sorted(check.measured.items())
        ]

    @property
    def slowest(self) -> list[CheckResult]:
        """The checks that took longest, with their fixtures, longest first."""
        return sorted(self.results.checks, key=whole_seconds, reverse=True)[:_MOST_SLOW]


def whole_seconds(check: CheckResult) -> float:
    """How long a check took with its fixtures."""
    return check.setup_seconds + check.duration_seconds + check.teardown_seconds


def counted(results: Results) -> str:
    """How many checks have each verdict, in words."""
    parts = [f"{number} {verdict}" for verdict, number in results.counts().items() if number]
    parts += [f"{len(results.not_run)} not run"] if results.not_run else []
    number = len(results.checks) + len(results.not_run)
    return f"{number} {'check' if number == 1 else 'checks'}: {', '.join(parts) or 'none'}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them: ``3.2 s``, ``2 min 20 s``, ``1 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, of_hour = divmod(minutes, 60)
    return f"{hours} h {of_hour:02} min" if hours else f"{minutes} min {rest:02} s"


def ended(check: CheckResult) -> datetime | None:
    """When a check itself ended, UTC; None where it never began."""
    return check.started + timedelta(seconds=check.duration_seconds) if check.started else None


def _together(checks: Iterable[CheckResult]) -> list[Told]:
    found: dict[tuple[Verdict, str, str], list[CheckResult]] = {}
    for check in checks:
        found.setdefault((check.verdict, check.reason or check.message, check.remedy), []).append(check)
    return [Told(*what, tuple(of_it)) for what, of_it in found.items()]
