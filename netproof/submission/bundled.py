"""Where the manifests that come with netproof are: in the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from netproof.errors import NetproofError
from netproof.resources import data_directory


def bundled_manifests(name: str) -> Path:
    """The directory ``manifests/<name>`` that comes with netproof (``reference``, ``mutants``, ``addons``).

    Raises:
        NetproofError: this installation has no such directory.
    """
    directory = data_directory("manifests") / name
    if directory.is_dir():
        return directory
    raise NetproofError(f"this installation of netproof has no manifests/{name}", "reinstall netproof")
