"""Submissions: loading them, finding the homework's parts in them, planning their application, changing copies."""

from netproof.submission.bundled import bundled_manifests
from netproof.submission.derive import derive
from netproof.submission.documents import load
from netproof.submission.guard import Danger, Guarded, Withheld, guard
from netproof.submission.layout import Found, Layout, LocatedPart, Part
from netproof.submission.manifest import Manifest, ManifestObject, Source
from netproof.submission.mutate import Mutant, load_mutants, mutate, write_mutated
from netproof.submission.plan import NamespaceOrigin, Plan, Step, plan
from netproof.submission.problem import Position, Problem, ProblemKind
from netproof.submission.standin import StandIn, stand_ins
from netproof.submission.submission import Submission

__all__ = [
    "Danger",
    "Found",
    "Guarded",
    "Layout",
    "LocatedPart",
    "Manifest",
    "ManifestObject",
    "Mutant",
    "NamespaceOrigin",
    "Part",
    "Plan",
    "Position",
    "Problem",
    "ProblemKind",
    "Source",
    "StandIn",
    "Step",
    "Submission",
    "Withheld",
    "bundled_manifests",
    "derive",
    "guard",
    "load",
    "load_mutants",
    "mutate",
    "plan",
    "stand_ins",
    "write_mutated",
]
