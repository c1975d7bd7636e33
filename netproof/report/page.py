"""Pages of HTML: one file without a script and without anything from elsewhere, in which every text is only a text."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["Markup", "page", "render_page"]

_HERE = "netproof.report"


def render_page(template: str, *, package: str = _HERE, **context: Any) -> str:
    """A page made from a template.

    Args:
        template: its name, such as ``run.html``; it extends ``page.html``.
        package: the package whose directory ``templates`` has it.
        context: what it is given; texts are escaped, but for :class:`Markup`.
    """
    return _templates(package).get_template(template).render(context)


def page(title: str, body: Markup, *, language: str = "en") -> str:
    """A page with a body that is HTML already."""
    return render_page("body.html", title=title, body=body, language=language)


@cache
def _templates(package: str) -> Environment:
    packages = dict.fromkeys((package, _HERE))
    return Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
