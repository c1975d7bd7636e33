"""Evidence is written when a check fails, and never takes the place of its verdict; what is kept is there always."""

from pathlib import Path

from netproof.fixtures.evidence import Evidence
from netproof.verdict import Verdict

pytest_plugins = "pytester"

KEEPING = """
@a_check("a.holds")
def test_that_holds(evidence):
    "It holds."
    evidence.keep("seen.txt").write_text("whole")
    evidence.keep("unseen.txt")
    evidence.add(lambda directory: [directory / "failure.txt"])

@a_check("a.breaks")
def test_that_breaks(evidence):
    "It holds."
    evidence.keep("seen.txt").write_text("broken")
    assert False
"""


def test_what_cannot_be_written_keeps_nothing_else_from_being_written(tmp_path):
    evidence = Evidence(lambda: tmp_path)
    kept = tmp_path / "kept.txt"

    def breaks(directory: Path) -> list[Path]:
        raise KeyError("metadata")

    def works(directory: Path) -> list[Path]:
        kept.write_text("seen", encoding="utf-8")
        return [kept]

    evidence.add(breaks)
    evidence.add(works)

    assert evidence.write() == ([kept], ["KeyError: 'metadata'"])


def test_a_directory_that_cannot_be_made_is_told():
    def denied() -> Path:
        raise PermissionError("no place for evidence")

    evidence = Evidence(denied)
    evidence.add(lambda directory: [directory])

    assert evidence.write() == ([], ["PermissionError: no place for evidence"])


def test_what_is_kept_is_in_the_results_whatever_the_verdict(run_checks, results):
    run_checks("-p", "netproof.fixtures.evidence", test_a=KEEPING)

    holds, breaks = results().checks
    assert (holds.verdict, holds.evidence) == (Verdict.PASSED, ["evidence/a.holds/seen.txt"])
    assert (breaks.verdict, breaks.evidence) == (Verdict.FAILED, ["evidence/a.breaks/seen.txt"])
