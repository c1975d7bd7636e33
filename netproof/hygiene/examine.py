"""Examining a submission by all rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netproof.hygiene.finding import Finding, Severity
from netproof.hygiene.rule import HygieneRule
from netproof.hygiene.rules import RULES
from netproof.hygiene.rules.removed_api import Era, era_of
from netproof.hygiene.view import View
from netproof.submission import Submission

_ORDER = {severity: index for index, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        submission: what was examined.
        kubernetes: major and minor version that it was examined for.
        era: the versions that serve every API version it names.
        findings: the gravest first, then by place.
    """

    submission: Submission
    kubernetes: tuple[int, int]
    era: Era
    findings: tuple[Finding, ...]

    @property
    def to_be_mended(self) -> tuple[Finding, ...]:
        """All findings but notes."""
        return tuple(one for one in self.findings if one.is_to_be_mended)

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(one.severity is severity for one in self.findings)


def examine(submission: Submission, kubernetes: tuple[int, int], rules: Iterable[HygieneRule] = RULES) -> Examination:
    """What rules find in a submission, were it applied to a version of Kubernetes."""
    view = View(submission, kubernetes)
    found = dict.fromkeys(finding for rule in rules for finding in rule.findings(view))
    ordered = sorted(found, key=lambda one: (_ORDER[one.severity], one.position, one.rule))
    return Examination(submission, kubernetes, era_of(view.relevant_as_written), tuple(ordered))
