"""What became of each object of a submission: taken, refused by the API, waiting for an add-on, or withheld."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from netproof.submission import ManifestObject
from netproof.submission.plan import DEFAULT_NAMESPACE
from netproof.verdict import UnmetError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object.

    Attributes:
        place: file and line it was read from.
        kind: its kind.
        name: its name.
        namespace: where it went; empty for kinds without namespaces.
        refusal: the API's message; empty where it was taken.
        waits_for: the add-on that it needs and that is not there.
        withheld: why netproof does not apply it: the cluster is not its own, or an add-on has an object of this name.
    """

    place: str
    kind: str
    name: str
    namespace: str
    refusal: str = ""
    waits_for: str = ""
    withheld: str = ""

    def __str__(self) -> str:
        what = f"{self.kind}/{self.name}" + (f" in {self.namespace}" if self.namespace else "")
        if self.withheld:
            return f"{what} ({self.place}): not applied: {self.withheld}"
        if self.waits_for:
            return f"{what} ({self.place}): not applied, it needs {self.waits_for}"
        return f"{what} ({self.place}): {self.refusal or 'applied'}"


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcomes of a plan, in its order."""

    outcomes: tuple[Outcome, ...]

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """What the API did not take."""
        return tuple(one for one in self.outcomes if one.refusal)

    def of(self, found: ManifestObject) -> Outcome | None:
        """What became of an object of the submission; None where the plan left it out."""
        return next((one for one in self.outcomes if one.place == str(found.source) and one.name == found.name), None)

    def namespace_of(self, found: ManifestObject) -> str:
        """The namespace that an object of the submission went to; ``default`` where the plan left it out."""
        outcome = self.of(found)
        return outcome.namespace if outcome else DEFAULT_NAMESPACE

    def require(self, found: ManifestObject) -> Outcome:
        """The outcome of an object that the API has taken.

        Raises:
            UnmetError: it has not; with the API's message and the place in the file.
            UnsupportedError: it was withheld from a cluster that is not netproof's own.
        """
        outcome = self.of(found)
        if outcome is not None and outcome.withheld:
            raise UnsupportedError(str(outcome), "--cluster local")
        if outcome is None or outcome.refusal or outcome.waits_for:
            said = str(outcome) if outcome else "it is not part of the plan"
            raise UnmetError(f"{found.kind} {found.name} to be accepted by the API", said, objects=[str(found)])
        return outcome


def as_json(applied: Applied) -> list[dict[str, Any]]:
    """The outcomes as plain values."""
    return [asdict(outcome) for outcome in applied.outcomes]


def from_json(values: list[dict[str, Any]]) -> Applied:
    """The outcomes that :func:`as_json` wrote."""
    return Applied(tuple(Outcome(**value) for value in values))
