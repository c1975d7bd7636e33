"""What is kept of a work: a rerun finds what was run, and another rubric scores it anew."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netproof.check import Level, Subject
from netproof.classroom.classroom import Order, fingerprint_of
from netproof.classroom.desk import Desk, Record
from netproof.grading.grade import State, Work
from netproof.grading.language import Language
from netproof.grading.rubric import Rubric, Section
from netproof.report.results import CheckResult, Results, Run
from netproof.verdict import Verdict

START = datetime(2026, 3, 14, tzinfo=UTC)


def rubric(points):
    return Rubric(
        section=(Section(id="one", title={"ru": "Раз", "en": "One"}, points={"clusterip.reachable": points}),)
    )


@pytest.fixture
def desk(tmp_path):
    """A desk with one run, whose only check passed."""
    desk = Desk(tmp_path / "ann")
    passed = CheckResult(
        id="clusterip.reachable",
        title="it answers",
        section="clusterip",
        level=Level.HOMEWORK,
        subject=Subject.SUBMISSION,
        test="t",
        verdict=Verdict.PASSED,
    )
    run = Run(id="r", started=START, finished=START)
    Results(run=run, checks=[passed]).write(desk.runs / "r" / "results.json")
    desk.manifests.write_text("{}")
    return desk


def test_another_rubric_scores_what_was_run(desk):
    desk.keep(Record(work=Work(name="ann"), state=State.GRADED, run="runs/r"))

    totals = [desk.grade(rubric(points), desk.record()).score.earned for points in (1, 2.5)]

    assert totals == [1, 2.5]


def test_runs_before_the_last_are_removed(desk):
    (desk.runs / "before").mkdir()

    desk.keep(Record(work=Work(name="ann"), state=State.GRADED, run="runs/r"))

    assert [path.name for path in desk.runs.iterdir()] == ["r"]


def test_results_that_are_lost_or_broken_are_no_grade(desk):
    record = Record(work=Work(name="ann"), state=State.GRADED, run="runs/r")
    (desk.runs / "r" / "results.json").write_text("{")

    assert desk.grade(rubric(1), record).state is State.NOT_GRADED


def test_a_check_that_was_not_run_is_no_grade(desk):
    other = Rubric(section=(Section(id="one", title={"ru": "Раз", "en": "One"}, points={"dns.udp": 1}),))

    assert desk.grade(other, Record(work=Work(name="ann"), state=State.GRADED, run="runs/r")).state is State.NOT_GRADED


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_a_record_that_is_broken_is_none(desk, text):
    (desk.directory / "record.json").write_text(text)

    assert desk.record() is None


def test_a_run_holds_as_long_as_all_that_it_depends_on(tmp_path):
    def of(digest="a", version="1.37.2", points=1):
        order = Order(tmp_path, rubric(points), Language.RUSSIAN, version)
        return fingerprint_of(Work(name="ann", digest=digest), order)

    assert of() == of(points=2)
    assert len({of(), of(digest="b"), of(version="1.36.3")}) == 3
