"""``netproof report``: a run in the forms that people and other tools read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.report import table
from netproof.report.conformance import to_yaml
from netproof.report.csv_report import to_csv
from netproof.report.html import to_html
from netproof.report.junit import to_junit
from netproof.report.markdown_report import to_markdown
from netproof.report.record import results_file
from netproof.report.results import Results

_STANDARD_OUTPUT = Path("-")
_LEAST_WIDTH = 120
"""Where the output is no terminal."""


def report(
    results: Annotated[Path, typer.Argument(help="A results.json, or the directory that it is in.")] = Path(
        "reports/latest"
    ),
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page, with a timeline of the checks.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write what matters as Markdown.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    conformance: Annotated[
        Path | None, typer.Option("--conformance", metavar="FILE", help="Write a conformance report in YAML.")
    ] = None,
    as_csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a row for each check.")] = None,
) -> None:
    """Show a run again as it was shown at its end, or write it in other forms; - as a FILE is standard output."""
    file = results_file(results)
    run = Results.read(file)
    forms: list[tuple[Path | None, Callable[[Path], str]]] = [
        (html, lambda to: to_html(run, run_directory=_way(to, file))),
        (markdown, lambda _: to_markdown(run)),
        (junit, lambda _: to_junit(run)),
        (conformance, lambda _: to_yaml(run)),
        (as_csv, lambda _: to_csv(run)),
    ]
    wanted = [(to, form) for to, form in forms if to is not None]
    for to, form in wanted:
        _write(to, form(to))
    if not wanted:
        _show(run)


def _way(page: Path, results: Path) -> str:
    """The way from where a page is written to the directory of the run; empty where that is the same."""
    directory = Path.cwd() if page == _STANDARD_OUTPUT else page.absolute().parent
    way = os.path.relpath(results.resolve().parent, directory.resolve())
    return "" if way == "." else way


def _write(to: Path, text: str) -> None:
    if to == _STANDARD_OUTPUT:
        typer.echo(text, nl=False)
        return
    try:
        write_atomically(to, text)
    except OSError as problem:
        raise NetproofError(
            f"cannot write {to}: {problem.strerror or problem}", "name a file in a directory that can be written to"
        ) from problem


def _show(run: Results) -> None:
    colour = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if colour else _LEAST_WIDTH
    parts = [*table.sections(run, width=width), *table.adaptations(run), *table.troubles(run), table.counts(run)]
    typer.echo(table.render(parts, width=width, colour=colour))
