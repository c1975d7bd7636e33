"""The plan of stand-ins: which of netproof's images takes the place of which image of the submission."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError
from netproof.images.followed import FollowedFile
from netproof.images.reference import ImageReference

_DEFAULT_WEB_PORT = 8000
"""The port a web stand-in serves where nothing says another; the one homework 1 asks for."""

KINDS = ("web", "busybox")
"""What an image can be replaced by: a web server of the pod's files, or a shell with small tools."""


_SHELL_IMAGES = frozenset({"alpine", "busybox", "curl", "wget"})


class StandInLike(Protocol):
    """What a submission says of one image; :class:`PlannedStandIn` and the submission's own type both fit."""

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""

    @property
    def ports(self) -> Sequence[int]:
        """The TCP ports that the pods and Services of the submission expect of it."""


@dataclass(frozen=True, slots=True)
class PlannedStandIn:
    """What takes the place of one image.

    Attributes:
        kind: ``web`` or ``busybox``.
        ports: the TCP ports that a web stand-in serves.
    """

    kind: str
    ports: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise NetproofError(f"the stand-in kind {self.kind!r} is not one of {', '.join(KINDS)}")
        if not all(isinstance(port, int) and 0 < port < 65536 for port in self.ports):
            raise NetproofError(f"the ports {list(self.ports)} of a stand-in are not all between 1 and 65535")


Plan = Mapping[ImageReference, PlannedStandIn]
"""Stand-ins by canonical image name."""


def default_stand_in(image: ImageReference) -> PlannedStandIn:
    """What takes the place of an image that no plan names: a shell for busybox and its like, else a web server."""
    if image.repository.rpartition("/")[2] in _SHELL_IMAGES:
        return PlannedStandIn("busybox")
    return PlannedStandIn("web", (_DEFAULT_WEB_PORT,))


def write_plan(path: Path, stand_ins: Mapping[str, StandInLike]) -> None:
    """Writes the plan in one step, so that a server which rereads it never sees half of it.

    Args:
        path: the plan file that the server was configured with.
        stand_ins: by image name as the submission writes it. What is not an image name is left out: no node can ask
            for it.
    """
    images: dict[str, dict[str, object]] = {}
    for name, stand_in in stand_ins.items():
        try:
            canonical = str(ImageReference.parse(name))
        except NetproofError:
            continue
        images[canonical] = {"kind": stand_in.kind, "ports": list(stand_in.ports)}
    write_atomically(path, json.dumps({"images": images}, indent=1, sort_keys=True) + "\n")


def read_plan(path: Path) -> Plan:
    """The plan in this file; empty where there is no file.

    Raises:
        NetproofError: the file is no plan.
    """
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise NetproofError(f"the plan of stand-ins {path} cannot be read: {problem}") from problem
    try:
        return {
            ImageReference.parse(name): PlannedStandIn(entry["kind"], tuple(entry.get("ports", ())))
            for name, entry in document["images"].items()
        }
    except (AttributeError, KeyError, TypeError) as problem:
        raise NetproofError(f"the plan of stand-ins {path} is not of its form: {problem!r}") from problem


class PlanFile(FollowedFile[Plan]):
    """A plan that follows its file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_plan, initial={}, what="plan")
