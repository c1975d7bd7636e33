"""Evidence is written when a check fails, and never takes the place of its verdict."""

from pathlib import Path

from netproof.fixtures.evidence import Evidence


def test_what_cannot_be_written_keeps_nothing_else_from_being_written(tmp_path):
    evidence = Evidence()
    kept = tmp_path / "kept.txt"

    def breaks(directory: Path) -> list[Path]:
        raise KeyError("metadata")

    def works(directory: Path) -> list[Path]:
        kept.write_text("seen", encoding="utf-8")
        return [kept]

    evidence.add(breaks)
    evidence.add(works)

    assert evidence.write(lambda: tmp_path) == ([kept], ["KeyError: 'metadata'"])


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    evidence = Evidence()
    evidence.add(lambda directory: [directory])

    def denied() -> Path:
        raise PermissionError("no place for evidence")

    assert evidence.write(denied) == ([], ["PermissionError: no place for evidence"])
