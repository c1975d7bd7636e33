"""Text of others in Markdown: shown as it is, and never read as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONGEST, _LONGEST_SPAN = 2000, 300


def code(text: str) -> str:
    """A code span with a text; a line break in it is a blank, and it is cut where it is long."""
    plain = _plain(text).replace("\n", " ").strip()
    plain = plain if len(plain) <= _LONGEST_SPAN else f"{plain[:_LONGEST_SPAN]} ..."
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def block(text: str) -> str:
    """A block of code with a text, cut where it is very long."""
    plain = _plain(text).strip("\n")
    if len(plain) > _LONGEST:
        plain = plain[:_LONGEST] + " ..."
    fence = "`" * max(3, max(map(len, re.findall("`+", plain)), default=0) + 1)
    return f"{fence}text\n{plain}\n{fence}"


def cell(text: str) -> str:
    """A text of ours, or a code span, in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, of_numbers: bool = True) -> str:
    """A table of cells that are ready to be shown.

    Args:
        head: the names of the columns.
        rows: a cell for each column.
        of_numbers: whether all but the first of each row are numbers.
    """
    alignment = ["---", *(["---:" if of_numbers else "---"] * (len(head) - 1))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, alignment, *rows))


def words(text: str) -> str:
    """A name of others in running text, such as a heading: what Markdown or HTML would read is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", _plain(text).replace("\n", " "))


def number(points: float) -> str:
    """Points, without a fraction where there is none."""
    return f"{points:g}" if points == int(points) else f"{points:.2f}".rstrip("0")


def _plain(text: str) -> str:
    """Without what a terminal or a browser would obey: control characters, and marks that turn the direction."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\t", "    "))
