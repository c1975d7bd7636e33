"""What ginkgo says of each spec, and what netproof keeps of it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError

SCHEMA_VERSION = 1

_NANOSECONDS = 1e9
_NOT_COUNTED = frozenset({"passed", "skipped", "pending"})


class Outcome(StrEnum):
    """What became of a spec."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It ran as far as to say that this cluster is none it is for."""
    NOT_RUN = "not-run"
    """It was selected, and the run ended before its turn or while it ran."""


_OUTCOMES = {
    "passed": Outcome.PASSED,
    "skipped": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
    "interrupted": Outcome.NOT_RUN,
}
"""Any other of ginkgo's states is a failure."""


class Spec(BaseModel):
    """One spec of Kubernetes' tests.

    Attributes:
        name: its full name, as ``--focus`` sees it.
        file: where it is written, as a path in Kubernetes' repository, with the line.
        outcome: what became of it.
        seconds: how long it ran.
        message: why it failed or was skipped.
    """

    name: str
    file: str = ""
    outcome: Outcome = Outcome.NOT_RUN
    seconds: float = 0.0
    message: str = ""


class UpstreamRun(BaseModel):
    """A run of Kubernetes' own tests.

    Attributes:
        schema_version: raised by a change that a reader could trip over.
        id: the run's directory.
        started: when it was started.
        finished: when it ended; None if it was killed.
        kubernetes_version: of cluster and tests.
        nodes: how many nodes the cluster had.
        proxy_mode: kube-proxy's.
        processes: how many specs ran at a time.
        focus: the expressions that selected specs.
        skip: the expressions that left specs out.
        images: the image policy and why.
        stand_ins: by image name, what stood in for it.
        components: where the tests come from.
        phases: how long each part took, in seconds.
        problems: what kept specs from being judged: a suite that did not start, a component that died.
        interrupted: whether it was ended early.
        specs: what became of each selected spec.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    started: datetime
    finished: datetime | None = None
    kubernetes_version: str
    nodes: int = 0
    proxy_mode: str = ""
    processes: int = 0
    focus: list[str] = Field(default_factory=list)
    skip: list[str] = Field(default_factory=list)
    images: str = ""
    stand_ins: dict[str, str] = Field(default_factory=dict)
    components: dict[str, dict[str, str]] = Field(default_factory=dict)
    phases: dict[str, float] = Field(default_factory=dict)
    problems: list[str] = Field(default_factory=list)
    interrupted: bool = False
    specs: list[Spec] = Field(default_factory=list)

    def counts(self) -> Counter[Outcome]:
        """How many specs have each outcome."""
        return Counter(spec.outcome for spec in self.specs)

    def exit_code(self) -> int:
        """0 for a clean run, 1 where a spec failed, 2 where it was interrupted, 3 where something else broke."""
        counts = self.counts()
        if self.interrupted:
            return 2
        if counts[Outcome.FAILED]:
            return 1
        return 3 if self.problems or counts[Outcome.NOT_RUN] else 0


def selected_specs(report: Path) -> list[Spec]:
    """The specs that a dry run of ginkgo selected, by name.

    Raises:
        NetproofError: the report cannot be read.
    """
    chosen = [one for one in _nodes(report) if _is_spec(one) and one["State"] == "passed"]
    return sorted((Spec(name=_name(one), file=_file(one)) for one in chosen), key=lambda spec: spec.name)


def keep_what_ran(report: Path) -> None:
    """Take out of ginkgo's report the thousands of specs that were not selected.

    Raises:
        NetproofError: the report cannot be read.
    """
    suites = _suites(report)
    for suite in suites:
        suite["SpecReports"] = [one for one in suite.get("SpecReports") or [] if not _is_spec(one) or _ran(one)]
    write_atomically(report, json.dumps(suites, indent=1) + "\n")


def absorb(run: UpstreamRun, report: Path) -> None:
    """Enter what a run of ginkgo reports of the selected specs.

    Raises:
        NetproofError: the report cannot be read.
    """
    nodes = _nodes(report)
    judged = {_name(one): one for one in nodes if _is_spec(one) and _ran(one)}
    for spec in run.specs:
        if (one := judged.get(spec.name)) is not None:
            spec.outcome = _OUTCOMES.get(one["State"], Outcome.FAILED)
            spec.seconds = round(one.get("RunTime", 0) / _NANOSECONDS, 3)
            spec.message = _message(one)
    broken = [one for one in nodes if not _is_spec(one) and one["State"] not in _NOT_COUNTED]
    run.problems += list(dict.fromkeys(f"{one['LeafNodeType']}: {_message(one)}" for one in broken))


def _nodes(report: Path) -> list[dict[str, Any]]:
    return [one for suite in _suites(report) for one in suite.get("SpecReports") or []]


def _suites(report: Path) -> list[dict[str, Any]]:
    try:
        suites: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise NetproofError(
            f"ginkgo left no report that can be read: {problem}", "what it printed before it ended says why"
        ) from problem
    return suites


def _is_spec(node: dict[str, Any]) -> bool:
    return bool(node["LeafNodeType"] == "It")


def _ran(node: dict[str, Any]) -> bool:
    """A spec that the expressions left out is reported as skipped, too, but without a reason."""
    return node["State"] not in {"skipped", "pending"} or bool(node.get("Failure", {}).get("Message"))


def _name(node: dict[str, Any]) -> str:
    return " ".join([*(node.get("ContainerHierarchyTexts") or []), node["LeafNodeText"]])


def _file(node: dict[str, Any]) -> str:
    place = node.get("LeafNodeLocation") or {}
    _, _, inside = str(place.get("FileName", "")).partition("k8s.io/kubernetes")
    path = inside.partition("/")[2] if inside else str(place.get("FileName", ""))
    return f"{path}:{place['LineNumber']}" if path else ""


def _message(node: dict[str, Any]) -> str:
    failure = node.get("Failure") or {}
    said = str(failure.get("Message", "")).strip()
    if node["State"] in {"failed", "skipped", "passed", "pending"}:
        return said
    return f"{node['State']}: {said}" if said else str(node["State"])
