"""Grading works: what has to be run is run, at most so many at once, and all that was run before is kept."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from netproof.classroom.desk import WORKS, Desk, Record
from netproof.classroom.repository import work_in
from netproof.errors import NetproofError
from netproof.grading.grade import Grade, State, Work
from netproof.grading.language import Language
from netproof.grading.manifests import Manifests
from netproof.grading.rubric import Rubric
from netproof.programs import Programs, StoppedError, TookTooLongError
from netproof.suite_run import end_of, run_suites
from netproof.waiting import SCALE_VARIABLE, scale_from_environment

PROCESSORS_A_WORK = 2
"""How many processors a work keeps busy."""

LOOK_SECONDS, LOOK_BYTES = 120.0, 4 << 30
"""What looking a submission over without a cluster may take: it is a second, and a hundred MiB."""
BROKEN_OFF = "grading was broken off while this work was run"
"""What is said of a work from the beginning of its run until there is something else to say."""
_USAGE = 4

OnGraded = Callable[[Grade, bool], None]
"""Told of each work that has a grade, and whether it was run for that now."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        out: the directory of the grades.
        rubric: what each check gives.
        language: of the feedback.
        kubernetes_version: in full, such as 1.37.2.
        jobs: how many works are run at once.
        seconds: how long one may take.
        again: whether all are run, also those that have not changed.
    """

    out: Path
    rubric: Rubric
    language: Language
    kubernetes_version: str
    jobs: int = 1
    seconds: float = 600
    again: bool = False


class Classroom:
    """Grades works.

    Args:
        order: what is asked for.
        on_graded: told of each.

    Raises:
        NetproofError: ``NETPROOF_TIMEOUT_SCALE`` is no positive number.
    """

    def __init__(self, order: Order, on_graded: OnGraded) -> None:
        self._order = order
        self._on_graded = on_graded
        self._programs = Programs({SCALE_VARIABLE: f"{scale_from_environment() * slowness(order.jobs):g}"})

    def grade(self, directories: Sequence[Path]) -> None:
        """Grade the works in some directories, and write what each of them is told.

        Raises:
            KeyboardInterrupt: it was broken off; all that was graded until then is kept.
            OSError: the directory of the grades cannot be written to.
        """
        with ThreadPoolExecutor(self._order.jobs, thread_name_prefix="work") as pool:
            waiting: list[Future[tuple[Desk, Record, bool]]] = [pool.submit(self._run, one) for one in directories]
            told: set[Future[tuple[Desk, Record, bool]]] = set()
            try:
                for done in as_completed(waiting):
                    told.add(done)
                    self._finish(*done.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._programs.stop()
                for one in waiting:
                    if one not in told:
                        self._finish_what_ended(one)
                raise

    def grades(self) -> list[Grade]:
        """The grades of all works that were ever graded here, by name; their feedback is written anew.

        Raises:
            OSError: it cannot be written.
        """
        found = []
        for directory in sorted((self._order.out / WORKS).glob("*")):
            desk = Desk(directory)
            if record := desk.record():
                graded = desk.grade(self._order.rubric, record)
                desk.publish(self._order.rubric, graded, self._order.language)
                found.append(graded)
        return sorted(found, key=lambda grade: grade.work.name.casefold())

    def _finish(self, desk: Desk, record: Record, was_run: bool) -> None:
        graded = desk.grade(self._order.rubric, record)
        desk.publish(self._order.rubric, graded, self._order.language)
        self._on_graded(graded, was_run)

    def _finish_what_ended(self, one: Future[tuple[Desk, Record, bool]]) -> None:
        try:
            self._finish(*one.result())
        except (CancelledError, StoppedError):
            return

    def _run(self, directory: Path) -> tuple[Desk, Record, bool]:
        """Run what has to be run for a work; returns its desk, what was run, and whether it was now."""
        desk = Desk(self._order.out.resolve() / WORKS / directory.resolve().name)
        try:
            work = work_in(directory)
        except NetproofError as problem:
            work = Work(name=directory.resolve().name, directory=str(directory.resolve()))
            return desk, self._kept(desk, Record(work=work, state=State.NOT_GRADED, said=problem.message)), True
        fingerprint = fingerprint_of(work, self._order)
        kept = desk.record()
        holds = kept is not None and kept.fingerprint == fingerprint and self._has_grade(desk, kept)
        if kept and holds and not self._order.again:
            return desk, self._kept(desk, kept.model_copy(update={"work": work})), False
        desk.directory.mkdir(parents=True, exist_ok=True)
        if not holds:
            self._kept(desk, Record(work=work, state=State.NOT_GRADED, said=BROKEN_OFF))
        return desk, self._kept(desk, self._run_work(desk, work, fingerprint)), True

    def _has_grade(self, desk: Desk, record: Record) -> bool:
        return desk.grade(self._order.rubric, record).state is not State.NOT_GRADED

    def _run_work(self, desk: Desk, work: Work, fingerprint: str) -> Record:
        if made := self._look(desk, work):
            return made
        arguments = [
            f"--check={','.join(self._order.rubric.checks)}",
            f"--submission={work.directory}",
            f"--kubernetes-version={self._order.kubernetes_version}",
            "--images=stand-in",
            "--untrusted",
        ]
        run = run_suites(
            self._programs,
            arguments,
            directory=desk.directory,
            reports=desk.runs,
            log=desk.log,
            seconds=self._order.seconds,
        )
        if run.directory is None or run.said:
            return Record(work=work, state=State.NOT_GRADED, said=run.said)
        name = run.directory.relative_to(desk.directory).as_posix()
        return Record(work=work, state=State.GRADED, fingerprint=fingerprint, run=name)

    def _look(self, desk: Desk, work: Work) -> Record | None:
        """Look a work over without a cluster; returns what becomes of one that cannot be run."""
        version = self._order.kubernetes_version
        errors = desk.directory / "look.log"
        argv = [sys.executable, "-m", "netproof", "check", work.directory, "--json", "--kubernetes-version", version]
        try:
            code = self._programs.run(
                argv,
                directory=desk.directory,
                output=desk.manifests,
                errors=errors,
                seconds=LOOK_SECONDS,
                memory_bytes=LOOK_BYTES,
            )
        except TookTooLongError:
            said = f"reading the manifests took longer than {LOOK_SECONDS:g} s"
            return Record(work=work, state=State.NOT_GRADED, said=said)
        if code == _USAGE:
            return Record(work=work, state=State.EMPTY, said=end_of(errors).removeprefix("netproof: "))
        try:
            Manifests.read(desk.manifests)
        except NetproofError:
            said = f"reading the manifests ended with exit code {code}:\n{end_of(errors)}"
            return Record(work=work, state=State.NOT_GRADED, said=said)
        errors.unlink(missing_ok=True)
        return None

    @staticmethod
    def _kept(desk: Desk, record: Record) -> Record:
        desk.keep(record)
        return record


def slowness(jobs: int) -> float:
    """By what factor a work may take longer where so many are run at once: 1 where each has its processors."""
    return max(1.0, jobs * PROCESSORS_A_WORK / len(os.sched_getaffinity(0)))


def fingerprint_of(work: Work, order: Order) -> str:
    """A digest of all that the outcome of a run depends on."""
    depends_on = [work.digest, order.kubernetes_version, sorted(order.rubric.checks), metadata.version("netproof")]
    return hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()


def states(grades: Iterable[Grade]) -> dict[State, int]:
    """How many works are in each state."""
    counted = dict.fromkeys(State, 0)
    for grade in grades:
        counted[grade.state] += 1
    return counted
