"""``netproof compare``: runs side by side."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from netproof.errors import NetproofError
from netproof.report.compare import Comparison, Standing
from netproof.report.compare_text import for_terminal, to_markdown
from netproof.report.record import results_file
from netproof.report.results import Results
from netproof.report.table import render

_LEAST_WIDTH = 120
"""Where the output is no terminal."""


def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more results.json, or the directories they are in.")],
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
    only_differences: Annotated[
        bool,
        typer.Option("--only-differences", help="Count the checks with the same verdict in all, and list the rest."),
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 where verdicts differ.")] = False,
) -> None:
    """Print the verdicts of several runs side by side, such as those of the proxy modes: differences first."""
    if len(results) < 2:
        raise NetproofError("one run cannot be compared", "name two or more: netproof compare reports/A reports/B")
    comparison = Comparison.of([Results.read(results_file(path)) for path in results])
    if as_markdown:
        typer.echo(to_markdown(comparison, with_alike=not only_differences), nl=False)
    else:
        colour = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if colour else _LEAST_WIDTH
        typer.echo(render(for_terminal(comparison, with_alike=not only_differences), width=width, colour=colour))
    if exit_code and comparison.standing(Standing.DIFFERS):
        raise typer.Exit(1)
