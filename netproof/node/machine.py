"""What a machine of a cluster is to those who run programs on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Machine(Protocol):
    """Something that stands for a machine: namespaces (:mod:`netproof.node.namespace`), or a virtual machine."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def enter_by_hand(self) -> list[str]:
        """What leads a person's command line onto it, with input and terminal; the command is to be appended."""
        ...

    def enter(self, argv: Sequence[str], environment: Mapping[str, str] | None = None, after: str = "") -> list[str]:
        """The command line that runs ``argv`` on it, from outside.

        Args:
            argv: the program and its arguments.
            environment: what is added to its environment.
            after: a unix socket on the machine that must be listened on before the program starts.
        """
        ...
