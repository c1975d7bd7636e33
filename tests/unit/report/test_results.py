"""results.json: what is in it when, and that it can be read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netproof.check import HOMEWORK, SUBMISSION
from netproof.errors import NetproofError
from netproof.report.record import RunRecord, new_run_id
from netproof.report.results import CheckFacts, CheckResult, Component, Results, Run
from netproof.report.schema import field_tables, json_schema
from netproof.verdict import Verdict

DOCS = Path(__file__).parents[3] / "docs"


def facts(check_id: str) -> CheckFacts:
    return CheckFacts(
        id=check_id,
        title="It holds.",
        section=check_id.partition(".")[0],
        level=HOMEWORK,
        subject=SUBMISSION,
        test="t.py::t",
    )


def result(check_id: str, verdict: Verdict = Verdict.PASSED) -> CheckResult:
    return CheckResult(**facts(check_id).model_dump(), verdict=verdict, duration_seconds=1.5)


def test_what_is_written_is_read_back_equal_and_obeys_the_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    run = Run(id="r", started=datetime(2026, 1, 2, tzinfo=UTC), components=[Component(name="etcd", version="3.7.3")])
    written = Results(run=run, checks=[result("a.b", Verdict.FAILED)], not_run=["a.c"])

    written.write(tmp_path / "results.json")

    assert Results.read(tmp_path / "results.json") == written
    jsonschema.validate(json.loads((tmp_path / "results.json").read_text()), json_schema())


def test_a_file_of_another_schema_version_is_refused_by_name(tmp_path):
    file = tmp_path / "results.json"
    file.write_text('{"schema_version": 2, "run": {"id": "r", "started": "2026-01-02T00:00:00Z"}}')

    with pytest.raises(NetproofError, match="schema_version"):
        Results.read(file)


def test_the_file_holds_each_verdict_at_once_and_no_end_before_the_end(tmp_path):
    record = RunRecord(tmp_path / new_run_id())
    record.select([facts("a.one"), facts("a.two")])

    record.enter(result("a.one"))

    so_far = Results.read(tmp_path / "latest" / "results.json")
    assert [check.id for check in so_far.checks] == ["a.one"]
    assert so_far.not_run == ["a.two"]
    assert (so_far.run.selected, so_far.run.finished, so_far.run.exit_code) == (2, None, None)
    record.finish(exit_code=2, interrupted=True)
    at_the_end = Results.read(record.path)
    assert at_the_end.run.finished is not None
    assert (at_the_end.run.interrupted, at_the_end.run.exit_code) == (True, 2)
    assert "interrupted" in record.page.read_text()


def test_a_phase_is_timed_and_told_also_when_it_fails(tmp_path):
    told: list[str] = []
    record = RunRecord(tmp_path / "r", announce=told.append)

    with record.phase("boot"):
        pass
    with pytest.raises(OSError, match="no"), record.phase("apply"):
        raise OSError("no")

    assert record.results is not None
    assert [(phase.name, phase.failed) for phase in record.results.run.phases] == [("boot", False), ("apply", True)]
    assert [line.split()[0] for line in told] == ["boot", "apply"]
    assert told[1].endswith("failed")


def test_a_field_that_a_run_does_not_have_is_refused(tmp_path):
    with pytest.raises(TypeError, match="kubernets_version"):
        RunRecord(tmp_path / "r").set(kubernets_version="v1")


def test_a_report_directory_that_cannot_be_written_is_one_message_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(NetproofError, match="--report-dir"):
        RunRecord(tmp_path / "file" / "r").select([facts("a.one")])


def test_the_documentation_lists_every_field_of_the_schema():
    documented = (DOCS / "results.md").read_text()

    assert field_tables() in documented, "put what `python -m netproof.report.schema --fields` prints there"
