"""Where the data of netproof lies: in a checkout beside the package, in an installed wheel inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from netproof.errors import NetproofError

DataName = Literal["suites", "manifests", "toolchain"]

_PACKAGE = Path(__file__).resolve().parent


def data_directory(name: DataName) -> Path:
    """The absolute path of the directory with the suites, the manifests or the pinned Go modules.

    Raises:
        NetproofError: the installation lacks the directory.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise NetproofError(
        f"this installation of netproof lacks {name!r} (tried {_PACKAGE / '_data'} and {_PACKAGE.parent})",
        "install netproof again from a wheel, or work in a full checkout",
    )
