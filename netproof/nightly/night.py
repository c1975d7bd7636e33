"""A night: which runs it has, and what came of each; kept in ``night.json``, so that it can be taken up again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.report.record import RESULTS_FILE
from netproof.report.results import Results

NIGHT_FILE = "night.json"


class State(StrEnum):
    """What came of a run of a night."""

    WAITING = "waiting"
    """It has not begun."""
    INTERRUPTED = "interrupted"
    """The night was broken off while it ran."""
    BROKEN = "error"
    """It judged nothing, or did not come to its end: netproof or the cluster broke."""
    FINISHED = "finished"


class _Model(BaseModel):
    model_config = ConfigDict(validate_assignment=True, extra="ignore")


class Order(_Model):
    """What is asked for.

    Attributes:
        runs: the version in full and the mode of each run, in their order.
        arguments: what else pytest is told.
    """

    runs: list[tuple[str, str]]
    arguments: list[str] = []


class NightRun(_Model):
    """One run of a night.

    Attributes:
        version: of Kubernetes, in full.
        mode: kube-proxy's.
        state: what came of it.
        directory: where its results lie, from the night's directory; empty where there are none.
        said: why it broke.
        compared_with: the directory of the run that it is compared with, from that of all nights; empty without one.
        changes: which checks are not as they were there, by change.
    """

    version: str
    mode: str
    state: State = State.WAITING
    directory: str = ""
    said: str = ""
    compared_with: str = ""
    changes: dict[str, list[str]] = {}

    @property
    def name(self) -> str:
        """The version and the mode: what its directory is called."""
        return f"{self.version}-{self.mode}"

    @property
    def minor(self) -> str:
        """The minor version, such as 1.37."""
        return self.version.rpartition(".")[0]


class Night(_Model):
    """A night.

    Attributes:
        name: its date, and a number where it is not the first of it: the name of its directory.
        started: when it began, UTC.
        finished: when its last run had ended, UTC; None until then.
        order: what was asked for.
        runs: its runs, in their order.
    """

    name: str
    started: datetime
    finished: datetime | None = None
    order: Order
    runs: list[NightRun]

    @classmethod
    def read(cls, directory: Path) -> Night | None:
        """The night in a directory; None where there is none, or one that cannot be read."""
        try:
            return cls.model_validate_json((directory / NIGHT_FILE).read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def write(self, directory: Path) -> None:
        """Write it into its directory.

        Raises:
            OSError: that cannot be written to.
        """
        write_atomically(directory / NIGHT_FILE, self.model_dump_json(indent=2) + "\n")


def results_of(run: NightRun, directory: Path) -> Results | None:
    """The results of a run of the night in a directory; None where it has none that can be read."""
    return read_results(directory / run.directory) if run.directory else None


def read_results(directory: Path) -> Results | None:
    """The results in the directory of a run; None where there are none that can be read."""
    try:
        return Results.read(directory / RESULTS_FILE)
    except NetproofError:
        return None
