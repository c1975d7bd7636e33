"""The directory in which one work is graded, and what is kept there so that nothing is run twice.

::

    <name>/
      feedback.md      what the student is told
      grade.json       the same as data
      record.json      what was run, so that a rerun knows whether that still holds
      runs/<run>/      results.json, evidence and logs of the run
      run.log          what pytest printed
      manifests.json   what ``netproof check --json`` printed
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.grading.feedback import feedback
from netproof.grading.grade import Grade, State, Work, empty, grade, not_graded
from netproof.grading.language import Language
from netproof.grading.manifests import Manifests
from netproof.grading.rubric import Rubric
from netproof.report.record import RESULTS_FILE
from netproof.report.results import Results

WORKS = "works"
"""Where, in the directory of the grades, each work has its own."""


class Record(BaseModel):
    """What was run for a work.

    Attributes:
        work: whose it is.
        state: what came of it, before it is scored.
        fingerprint: of all that its outcome depends on; empty where it has to be run again anyway.
        run: the directory of the run, from the desk; empty where there was none.
        said: why there was none.
    """

    model_config = ConfigDict(extra="ignore")

    work: Work
    state: State
    fingerprint: str = ""
    run: str = ""
    said: str = ""


class Desk:
    """The directory in which a work is graded.

    Attributes:
        directory: where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def runs(self) -> Path:
        """Where runs leave their reports."""
        return self.directory / "runs"

    @property
    def manifests(self) -> Path:
        """What ``netproof check --json`` prints."""
        return self.directory / "manifests.json"

    @property
    def log(self) -> Path:
        """What a run prints."""
        return self.directory / "run.log"

    @property
    def feedback(self) -> Path:
        """What the student is told."""
        return self.directory / "feedback.md"

    def record(self) -> Record | None:
        """What was run here; None where nothing was, or where that cannot be told."""
        try:
            return Record.model_validate_json(self._record.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def keep(self, record: Record) -> None:
        """Remember what was run, and remove runs before it.

        Raises:
            OSError: that cannot be written.
        """
        write_atomically(self._record, record.model_dump_json(indent=2) + "\n")
        for old in self.runs.glob("*"):
            if old.is_dir() and not old.is_symlink() and f"runs/{old.name}" != record.run:
                shutil.rmtree(old, ignore_errors=True)

    def grade(self, rubric: Rubric, record: Record) -> Grade:
        """The grade that a rubric makes of what was run."""
        if record.state is State.EMPTY:
            return empty(record.work, record.said)
        if not record.run:
            return not_graded(record.work, record.said)
        try:
            results = Results.read(self.directory / record.run / RESULTS_FILE)
            return grade(rubric, record.work, results, Manifests.read(self.manifests))
        except NetproofError as problem:
            return not_graded(record.work, problem.message)

    def publish(self, rubric: Rubric, graded: Grade, language: Language) -> None:
        """Write the grade and the feedback.

        Raises:
            OSError: they cannot be written.
        """
        graded.write(self.directory / "grade.json")
        write_atomically(self.feedback, feedback(rubric, graded, language))

    @property
    def _record(self) -> Path:
        return self.directory / "record.json"
