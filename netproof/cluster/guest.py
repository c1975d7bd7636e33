"""Who a run is in a cluster that is not netproof's own, and how its namespaces are told from all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RUN_LABEL = "netproof.io/run"
"""The label of every namespace that netproof makes; its value is the id of the run."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A run in a cluster that is not netproof's own.

    Attributes:
        run: the id of the run.
        namespace: the run's own namespace, which takes the place of ``default``.
    """

    run: str
    namespace: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every namespace of this run."""
        return {RUN_LABEL: self.run, "app.kubernetes.io/managed-by": "netproof"}

    def has_made(self, namespace: dict[str, Any]) -> bool:
        """Whether this run has made a Namespace that is there."""
        return (namespace["metadata"].get("labels") or {}).get(RUN_LABEL) == self.run
