"""Images of netproof's own that a running cluster is given: those of add-ons that were not asked for at its start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.images.followed import FollowedFile


def add_images(path: Path, digests: Mapping[str, str]) -> None:
    """Make a running image server know further images, beside those it was given so before.

    Args:
        path: the file that the server was configured with.
        digests: by image name, the digests of their manifests in the server's blob store.
    """
    with FileLock(path.with_suffix(".lock")):
        write_atomically(path, json.dumps({**read_added(path), **digests}, indent=1, sort_keys=True) + "\n")


def read_added(path: Path) -> Mapping[str, str]:
    """The digests in this file by image name; empty where there is no file.

    Raises:
        NetproofError: the file holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise NetproofError(f"the file of added images {path} cannot be read: {problem}") from problem
    if not isinstance(document, dict):
        raise NetproofError(f"the file of added images {path} is not of its form")
    return {str(name): str(digest) for name, digest in document.items()}


class AddedImages(FollowedFile[Mapping[str, str]]):
    """The added images, by name, as their file says now."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_added, initial={}, what="list of added images")
