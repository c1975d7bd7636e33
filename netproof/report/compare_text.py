"""A comparison of runs as text: for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netproof.report.compare import Comparison, Part
from netproof.report.table import STYLES

_STYLES = {str(verdict): style for verdict, style in STYLES.items()}


def for_terminal(comparison: Comparison, *, with_alike: bool = True) -> Iterator[RenderableType]:
    """What :func:`netproof.report.table.render` makes text of."""
    for number, part in enumerate(comparison.parts(with_alike=with_alike)):
        yield Text(f"{'' if number == 0 else chr(10)}{part.heading}", style="bold")
        if part.rows:
            yield Padding(_table(comparison.columns, part), (0, 0, 0, 2))
        if part.remarks:
            yield Padding(_bullets(part.remarks), (1 if part.rows else 0, 0, 0, 2))


def to_markdown(comparison: Comparison, *, with_alike: bool = True) -> str:
    """The same as a Markdown document without a title: a heading of the third level for each part."""
    return "\n".join(line for part in comparison.parts(with_alike=with_alike) for line in _lines(comparison, part))


def _table(columns: Iterable[str], part: Part) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(overflow="fold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for name, *cells in part.rows:
        table.add_row(Text(name), *(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    return table


def _bullets(remarks: Iterable[str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for line in remarks:
        table.add_row(Text("-", style="dim"), Text(line))
    return table


def _lines(comparison: Comparison, part: Part) -> Iterator[str]:
    yield f"### {part.heading[0].upper()}{part.heading[1:]}"
    yield ""
    if part.rows:
        yield _row(("", *comparison.columns))
        yield _row(["---"] * (len(comparison.columns) + 1))
        yield from (_row(cells) for cells in part.rows)
        yield ""
    if part.remarks:
        yield from (f"- {line}" for line in part.remarks)
        yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
