"""``netproof compare``: runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netproof.errors import NetproofError
from netproof.report.compare import compare as compare_runs
from netproof.report.results import Results


def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more results.json, or the directories they are in.")],
) -> None:
    """Print the verdicts of several runs side by side, such as those of the proxy modes, as a Markdown table."""
    if len(results) < 2:
        raise NetproofError("one run cannot be compared", "name two or more: netproof compare reports/A reports/B")
    files = [path / "results.json" if path.is_dir() else path for path in results]
    for path in files:
        if not path.is_file():
            raise NetproofError(f"there are no results in {path}", "name a results.json, or the directory of a run")
    typer.echo(compare_runs([Results.read(path) for path in files]))
