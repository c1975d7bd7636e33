"""Hygiene: what can be said of a submission without a cluster, in less than two seconds."""

from netproof.hygiene.examine import Examination, examine
from netproof.hygiene.finding import Finding, Severity

__all__ = ["Examination", "Finding", "Severity", "examine"]
