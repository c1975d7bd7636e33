"""Grading that is broken off: what was run has a row, and what had a grade keeps it."""

from __future__ import annotations

import os
import threading

import pytest

from netproof.classroom import classroom
from netproof.classroom.classroom import BROKEN_OFF, Classroom, Order, fingerprint_of, slowness
from netproof.classroom.desk import Desk, Record
from netproof.classroom.repository import work_in
from netproof.grading.grade import State
from netproof.grading.language import Language
from netproof.grading.rubric import Rubric, Section
from netproof.programs import StoppedError

SMALL = Rubric(section=(Section(id="one", title={"ru": "Раз", "en": "One"}, points={"clusterip.reachable": 1}),))
WRONG_USAGE = 4


class ProgramsThatDoNotEnd:
    """In place of the programs of grading: that of the work "empty" finds nothing once another runs on."""

    def __init__(self, environment):
        self.environment = environment
        self._begun, self._stopped = threading.Event(), threading.Event()

    def run(self, *_, directory, **__):
        if directory.name == "empty":
            assert self._begun.wait(60)
            return WRONG_USAGE
        self._begun.set()
        self._stopped.wait(60)
        raise StoppedError

    def stop(self):
        self._stopped.set()


@pytest.fixture
def works(tmp_path):
    """Two works: one in which there is nothing, and one that takes long."""
    for name in ("empty", "long"):
        (tmp_path / name).mkdir()
    return [tmp_path / "empty", tmp_path / "long"]


@pytest.fixture
def break_off(tmp_path, works, monkeypatch):
    """Grades the works, and breaks off as soon as the first has a grade; returns what is told of them then, by name."""

    def grade(*, again=False):
        monkeypatch.setattr(classroom, "Programs", ProgramsThatDoNotEnd)
        order = Order(tmp_path / "out", SMALL, Language.ENGLISH, "1.37.2", jobs=2, again=again)

        def interrupt(graded, was_run):
            raise KeyboardInterrupt

        room = Classroom(order, interrupt)
        with pytest.raises(KeyboardInterrupt):
            room.grade(works)
        return {one.work.name: one for one in room.grades()}

    return grade


@pytest.mark.parametrize(("jobs", "slower"), [(1, 1), (2, 1), (4, 2)])
def test_works_that_share_processors_may_take_longer(jobs, slower, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})

    assert slowness(jobs) == slower


def test_a_work_that_was_being_run_is_told_as_not_graded(break_off, tmp_path):
    told = break_off()

    assert {name: one.state for name, one in told.items()} == {"empty": State.EMPTY, "long": State.NOT_GRADED}
    assert told["long"].said == BROKEN_OFF
    assert BROKEN_OFF in (tmp_path / "out" / "works" / "long" / "feedback.md").read_text()


def test_one_that_was_run_again_keeps_its_grade(break_off, works, tmp_path):
    work = work_in(works[1])
    order = Order(tmp_path / "out", SMALL, Language.ENGLISH, "1.37.2")
    desk = Desk(tmp_path / "out" / "works" / "long")
    desk.directory.mkdir(parents=True)
    desk.keep(Record(work=work, state=State.EMPTY, fingerprint=fingerprint_of(work, order), said="as before"))

    told = break_off(again=True)

    assert (told["long"].state, told["long"].said) == (State.EMPTY, "as before")


def test_a_grade_of_what_the_work_was_before_does_not_stay(break_off, works, tmp_path):
    desk = Desk(tmp_path / "out" / "works" / "long")
    desk.directory.mkdir(parents=True)
    desk.keep(Record(work=work_in(works[1]), state=State.EMPTY, fingerprint="of before", said="as before"))

    told = break_off()

    assert told["long"].said == BROKEN_OFF
