"""Versions that are newer than the pinned ones: the Go module proxy is asked, through Go as the user has set it up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from netproof.errors import NetproofError
from netproof.toolchain.build import find_go
from netproof.toolchain.catalog import Component, version_order
from netproof.toolchain.fetch import UnavailableError

_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Newer:
    """A version that is newer than what is pinned.

    Attributes:
        version: the version, such as ``1.37.3`` or ``1.38.0-beta.0``.
        pinned: the version of the same minor version that is pinned; empty where the minor version is new.
    """

    version: str
    pinned: str


def published_versions(component: Component) -> tuple[str, ...]:
    """All versions of a component that the Go module proxy has, the oldest first, those before a release among them.

    Raises:
        UnavailableError: the proxy cannot be asked.
        NetproofError: the component is made of no published module, or there is no Go.
    """
    directory = component.module_directory(component.versions[-1]) if component.versions else None
    if component.module is None or not component.module.requires or directory is None:
        raise NetproofError(f"{component.name} is made of no published Go module", "look at its project's releases")
    asked = ["list", "-m", "-versions", "-json", component.module.requires]
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOWORK": "off"}
    try:
        done = subprocess.run(
            [find_go(directory).program, *asked],
            cwd="/",  # in no module, so that nothing but this one is looked for
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"no answer within {_SECONDS:g} s") from None
    if done.returncode:
        raise UnavailableError((done.stderr or done.stdout).strip())
    return tuple(version.removeprefix("v") for version in json.loads(done.stdout).get("Versions", ()))


def newer_versions(
    pinned: Iterable[str], published: Iterable[str], *, by_minor: bool, pre: bool = False
) -> list[Newer]:
    """What of the published is newer than the pinned versions, the oldest first.

    Args:
        pinned: the pinned versions.
        published: the published ones.
        by_minor: whether each pinned minor version is kept beside the others, as of Kubernetes; else only what is newer
            than the newest one counts.
        pre: whether versions before a release count.
    """
    ours = sorted(pinned, key=_order)
    of_minor = {_minor(version): version for version in ours} if by_minor else {}
    newest: dict[str, str] = {}
    for version in sorted(published, key=_order):
        against = of_minor.get(_minor(version), ours[-1])
        if _order(version) > _order(against) and (pre or "-" not in version):
            newest[_minor(version) if by_minor else ""] = version
    return [Newer(version, of_minor.get(minor, "" if by_minor else ours[-1])) for minor, version in newest.items()]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _order(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]:
    """A key as Semantic Versioning 2.0.0 has it: what is before a release comes before it, numbers before words."""
    numbers, _, before = version.partition("+")[0].partition("-")
    words = (
        tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in before.split(".")) if before else ()
    )
    return version_order(numbers), not before, words
