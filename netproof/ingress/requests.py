"""The requests that a path of an Ingress is meant for."""

from __future__ import annotations

import re

from netproof.submission.routes import Route

_PATTERN_BEGINS = re.compile(r"[(\[{?*+^$\\|]|\.(?=[*+?])")
"""Where a path that is a regular expression stops to be taken literally."""


def prefix_of(route: Route) -> str:
    """What the paths of a route's requests begin with, such as ``/web``; empty where any will do."""
    found = _PATTERN_BEGINS.search(route.path)
    return (route.path[: found.start()] if found else route.path).rstrip("/")


def headers_of(route: Route) -> dict[str, str]:
    """The headers that a request needs to be for a route's host."""
    return {"Host": route.host} if route.host else {}
