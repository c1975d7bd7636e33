"""The result model: what results.json holds. Every report is made from it, and from nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netproof.atomic_writes import write_atomically
from netproof.check import Level, Subject
from netproof.errors import NetproofError
from netproof.verdict import Verdict

SCHEMA_VERSION: Final = 1
"""Raised by every change that a reader of the file could trip over; a field that is added does not raise it."""


class _Model(BaseModel):
    model_config = ConfigDict(validate_assignment=True, extra="ignore", use_attribute_docstrings=True)


class Phase(_Model):
    """One phase of a run, such as the boot of the cluster."""

    name: str
    """What was done."""
    seconds: float
    """How long it took."""
    failed: bool = False
    """Whether it ended in an error."""


class Component(_Model):
    """One program of the cluster."""

    name: str
    """Its name, such as kube-proxy."""
    version: str
    """Its version, as it reports it."""
    source: str = ""
    """Where it came from: cache, release, build, or the cluster that was there."""


class Run(_Model):
    """The run as a whole."""

    id: str
    """Start in UTC and four random digits: the name of the run's directory."""
    started: datetime
    """When it started, UTC."""
    finished: datetime | None = None
    """When it ended, UTC; null while it runs, and for ever if it was killed."""
    interrupted: bool = False
    """Whether Ctrl-C or a stop option ended it before its last check."""
    exit_code: int | None = None
    """The exit code, as documented; null as finished is."""
    netproof_version: str = ""
    """The version of netproof."""
    command_line: list[str] = []
    """The arguments that pytest was given."""
    workers: int = 0
    """How many pytest-xdist workers ran the checks; 0 without pytest-xdist."""
    provider: str = ""
    """How the cluster came to be: local, kind or existing."""
    kubernetes_version: str = ""
    """The version that the API server reports."""
    node_count: int | None = None
    """How many nodes the cluster has."""
    node_kind: str = ""
    """What a node is: netns or vm; empty for a cluster that was there."""
    proxy_mode: str = ""
    """The mode of kube-proxy: iptables, ipvs or nftables."""
    image_policy: str = ""
    """How images were come by: pull or stand-in."""
    components: list[Component] = []
    """The programs of the cluster."""
    phases: list[Phase] = []
    """The phases in their order."""
    submission: str = ""
    """The directory of the manifests."""
    adaptation: list[str] = []
    """Each change that was made to a manifest so that it runs on this cluster."""
    plan: list[str] = []
    """In which order, and into which namespaces, the manifests were applied."""
    notes: list[str] = []
    """What else a reader should know."""
    news: list[str] = []
    """What is known of this version and was seen otherwise, such as a bug of kube-proxy that is mended."""
    problems: list[str] = []
    """What broke outside a check."""
    selected: int = 0
    """How many checks the run was to make, with those pulled in because others need them."""


class CheckFacts(_Model):
    """What is known of a check before it runs."""

    id: str
    """The stable name, extended by parameters."""
    dimensions: dict[str, str] = {}
    """Parameters that are no part of the id, such as the protocol."""
    title: str
    """What holds."""
    section: str
    """The part of the id before the first dot."""
    level: Level
    """Where the demand comes from."""
    subject: Subject
    """Whose objects it works on."""
    needs: list[str] = []
    """The checks that must pass first."""
    features: list[str] = []
    """The features it needs."""
    needs_cluster: bool = True
    """Whether it asks for a cluster; a run of none that does starts none."""
    test: str
    """The node id of the test function in pytest."""

    @property
    def key(self) -> str:
        """The id, with the dimensions in brackets where there are any: unique in a run."""
        inner = ",".join(f"{name}={value}" for name, value in sorted(self.dimensions.items()))
        return f"{self.id}[{inner}]" if inner else self.id


class CheckResult(CheckFacts):
    """What came out of a check."""

    verdict: Verdict
    """The verdict."""
    started: datetime | None = None
    """When the check itself began, UTC; of one that could not, when its fixtures were set up."""
    duration_seconds: float = 0
    """How long the check itself took, without its fixtures."""
    setup_seconds: float = 0
    """How long its fixtures took to set up; what is shared counts for the first check that asks for it."""
    teardown_seconds: float = 0
    """How long its fixtures took to clean up."""
    measured: dict[str, float] = {}
    """What the check measured, each with its unit in the name, such as failover_seconds."""
    attempts: int | None = None
    """How often the last condition was looked at, where that was counted."""
    message: str = ""
    """What went wrong, in words; empty for passed."""
    expected: str = ""
    """For failed: what should have been seen."""
    observed: str = ""
    """For failed: what was seen."""
    remedy: str = ""
    """What would mend an error, or make an unsupported feature available."""
    objects: list[str] = []
    """The objects involved."""
    blocked_by: list[str] = []
    """For blocked: the checks in the way."""
    reason: str = ""
    """For blocked and unsupported: why it was not judged."""
    evidence: list[str] = []
    """Files that show it, relative to the run's directory where they lie in it."""
    worker: str = ""
    """The pytest-xdist worker that ran it."""


class Results(_Model):
    """The whole of results.json."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """The version of this schema."""
    run: Run
    """The run as a whole."""
    checks: list[CheckResult] = []
    """The checks that have a verdict, in the order in which they got it."""
    not_run: list[str] = Field(default=[])
    """The checks that were selected and have no verdict (yet)."""

    def counts(self) -> dict[Verdict, int]:
        """How many checks have each verdict, in the order of :class:`Verdict`."""
        found = Counter(check.verdict for check in self.checks)
        return {verdict: found[verdict] for verdict in Verdict}

    def write(self, path: Path) -> None:
        """Replace the file at ``path``, in one step.

        Raises:
            OSError: it cannot be written.
        """
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """The results that a run wrote.

        Raises:
            NetproofError: the file cannot be read, or holds something else.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise NetproofError(
                f"cannot read {path}: {problem.strerror}", "name the results.json of a run"
            ) from problem
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the document"
            raise NetproofError(
                f"{path} is not a results.json of schema version {SCHEMA_VERSION}: {place}: {first['msg']}",
                "use the netproof that wrote it",
            ) from problem
