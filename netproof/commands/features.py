"""``netproof features``: what ingress controllers do, and which checks rely on it."""

from __future__ import annotations

from typing import Annotated

import typer

from netproof.commands.options import AsJson
from netproof.ingress.table import checks_by_feature, to_json, to_markdown, to_text
from netproof.resources import data_directory
from netproof.running.listing import all_checks


def features(
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the Markdown of docs/ingress.md.")] = False,
) -> None:
    """List what ingress controllers do, a column for each, and the checks that rely on it."""
    found = checks_by_feature(all_checks(data_directory("suites")))
    if as_json:
        typer.echo(to_json(found))
    elif as_markdown:
        typer.echo(to_markdown(found), nl=False)
    else:
        typer.echo(to_text(found))
