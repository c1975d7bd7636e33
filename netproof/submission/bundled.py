"""Where the manifests that come with netproof are: in the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from netproof.errors import NetproofError

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_manifests(name: str) -> Path:
    """The directory ``manifests/<name>`` that comes with netproof (``reference``, ``mutants``, ``addons``).

    Raises:
        NetproofError: this installation has no such directory.
    """
    for base in (_PACKAGE / "_data" / "manifests", _PACKAGE.parent / "manifests"):
        if (base / name).is_dir():
            return base / name
    raise NetproofError(f"this installation of netproof has no manifests/{name}", "reinstall netproof")
