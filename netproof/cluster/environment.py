"""What of a user's environment the components of a cluster see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KEPT: Final = frozenset({"HOME", "LANG", "LD_LIBRARY_PATH", "PATH"})
_KEPT_BEGINNINGS: Final = ("LC_", "NETPROOF_", "PYTHON", "XDG_")


def of_components(environment: Mapping[str, str]) -> dict[str, str]:
    """What is passed on: where programs and netproof's files are, and the language.

    All else is about the host. A proxy does not reach the cluster's addresses, and would be asked for them; a directory
    for temporary files need not be there on a node, where runc would fail for want of it.
    """
    return {name: value for name, value in environment.items() if name in _KEPT or name.startswith(_KEPT_BEGINNINGS)}
