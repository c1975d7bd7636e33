"""Rows for spreadsheets: CSV in which no text is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as CSV, with a line for the names of the columns.

    Args:
        columns: their names.
        rows: a cell for each column; those with texts of others have gone through :func:`harmless`.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return written.getvalue()


def harmless(text: str) -> str:
    """A text that a spreadsheet shows and does not run: what it would take for a formula begins with an apostrophe."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return f"'{plain}" if text.lstrip(" ").startswith(_FORMULA) else plain
