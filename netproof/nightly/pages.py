"""The files of a night: a summary in Markdown, a page, and a page of all nights."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.nightly.history import History
from netproof.nightly.telling import Told, ToldNight
from netproof.report.html import REPORT_FILE, link_to
from netproof.report.markdown import cell, code, table, words
from netproof.report.page import render_page

_PACKAGE = "netproof.nightly"


def to_markdown(told: ToldNight) -> str:
    """The summary: what came of each run, and what changed."""
    rows = ((cell(code(one.title)), *(words(text) for text in _cells(one))) for one in told.runs)
    parts = [
        f"# Night {words(told.night.name)}: {told.outcome}",
        table(["run", "took", "verdicts", "what changed"], rows, of_numbers=False),
        *(line for one in told.runs for line in _of_run(one)),
    ]
    return "\n\n".join(parts) + "\n"


def to_html(told: ToldNight) -> str:
    """The page of a night, with links to the reports of its runs."""
    return render_page(
        "night.html",
        package=_PACKAGE,
        title=f"Night {told.night.name}: {told.outcome}",
        told=told,
        link=lambda run: link_to(REPORT_FILE, run.directory),
    )


def index_to_html(history: History) -> str:
    """The page of all nights, newest first."""
    return render_page(
        "nights.html",
        package=_PACKAGE,
        title="Nights",
        nights=[ToldNight(night) for night in reversed(history.nights())],
        link=lambda night, run: link_to(REPORT_FILE, f"{night.name}/{run.directory}"),
        to_night=lambda night: link_to("index.html", night.name),
    )


def to_text(told: ToldNight) -> Iterator[str]:
    """What changed, as lines for a terminal."""
    for one in told.runs:
        if one.parts:
            yield f"{one.title}, compared with {one.compared_with}"
        for part in one.parts:
            yield f"  {part.heading}"
            yield from (f"    {line}" for line in part.lines)


def line_of(told: Told) -> str:
    """What came of a run, in a line."""
    took = f" ({told.took})" if told.took else ""
    return f"{told.title}: {'; '.join(filter(None, (told.verdicts, told.what_changed)))}{took}"


def _cells(one: Told) -> tuple[str, str, str]:
    return one.took, one.verdicts, one.what_changed


def _of_run(one: Told) -> Iterator[str]:
    if not one.parts:
        return
    yield f"## {words(one.title)}"
    yield f"Compared with {words(one.compared_with)}."
    for part in one.parts:
        yield f"### {words(part.heading)}"
        yield "\n".join(f"- {words(line)}" for line in part.lines)
