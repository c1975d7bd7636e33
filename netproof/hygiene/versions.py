"""The versions of Kubernetes that a submission can be examined for: those whose schemas are at hand."""

from __future__ import annotations

import re

from netproof.errors import NetproofError
from netproof.hygiene.schemas import known_versions, numbers_of


def version_to_examine(wanted: str | None) -> tuple[int, int]:
    """Major and minor version of ``1.36``, ``v1.36`` or ``1.36.3``; the newest for None.

    Raises:
        NetproofError: there are no schemas of it; the remedy names those that there are.
    """
    known = sorted(known_versions())
    if wanted is None:
        return known[-1]
    given = re.fullmatch(r"v?(\d+\.\d+)(\.\d+)?", wanted.strip())
    numbers = numbers_of(given[1]) if given else None
    if numbers not in known:
        first, last = (".".join(map(str, one)) for one in (known[0], known[-1]))
        raise NetproofError(f"there are no schemas of Kubernetes {wanted!r}", f"name a version from {first} to {last}")
    return numbers
