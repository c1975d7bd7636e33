"""What an adaptation is: one documented change to a manifest, which keeps its meaning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from netproof.submission.layout import Part
from netproof.submission.manifest import Manifest, ManifestObject
from netproof.submission.problem import Position
from netproof.submission.submission import Submission

TRAEFIK = "traefik"


class Group(StrEnum):
    """What a rule makes up for."""

    ERA = "era"
    """The cluster is newer than the manifest: it no longer serves the API that the manifest is written for."""
    CONTROLLER = "controller"
    """The ingress controller is not ingress-nginx, and reads something otherwise."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a submission is adapted to.

    Attributes:
        kubernetes: major and minor version of the cluster.
        ingress: the ingress controller: ``traefik``, or ``ingress-nginx``, for which no rule of its group applies.
    """

    kubernetes: tuple[int, int]
    ingress: str = TRAEFIK


@dataclass(frozen=True, slots=True)
class Edit:
    """What a rule makes of one object.

    Attributes:
        of: the object as it was.
        becomes: what stands in its place; the first is its successor.
        changes: where in the text of the author something is read otherwise, and what.
    """

    of: ManifestObject
    becomes: tuple[ManifestObject, ...]
    changes: tuple[tuple[Position, str], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One adaptation.

    Attributes:
        id: its name.
        group: what it makes up for.
        does: what it changes, in a sentence.
        because: why the change is needed.
        source: where it is written that the changed manifest means the same.
        concerns: whether it is needed at all for a target.
        edits: what it makes of a submission, object by object; nothing of an object that it does not concern.
    """

    id: str
    group: Group
    does: str
    because: str
    source: str
    concerns: Callable[[Target], bool]
    edits: Callable[[Submission], Iterable[Edit]]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was adapted.

    Attributes:
        rule: the rule that did it.
        kind: the object's kind.
        name: the object's name.
        position: the place in the author's text.
        what: what is read otherwise.
        part: the part of the homework that the object belongs to.
    """

    rule: Rule
    kind: str
    name: str
    position: Position
    what: str
    part: Part | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name} ({self.position}): {self.what} [{self.rule.id}]"


@dataclass(slots=True)
class Draft:
    """A changed copy of an object in the making.

    Attributes:
        of: the object, which is not touched.
        manifest: the copy, to be changed in place.
        changes: what was changed so far.
    """

    of: ManifestObject
    manifest: Manifest = field(init=False)
    changes: list[tuple[Position, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.manifest = copy.deepcopy(self.of.manifest)

    def note(self, at: Sequence[str | int], what: str) -> None:
        """Remember a change at a place of the author's text."""
        self.changes.append((self.of.position_of(at), what))

    def edit(self, *beside: ManifestObject) -> Edit:
        """The edit: the changed copy, and further objects beside it."""
        return Edit(self.of, (self.of.with_manifest(self.manifest), *beside), tuple(self.changes))


def traefik(target: Target) -> bool:
    """Whether the controller is Traefik."""
    return target.ingress == TRAEFIK
