"""A virtual machine as a machine of a cluster."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """A machine behind a link; a program started on it before it is up waits until it is.

    Attributes:
        name: what it is called in messages.
        link: the socket of its link.
    """

    name: str
    link: Path

    def enter_by_hand(self) -> list[str]:
        """What leads a person's command line into it, with input and terminal; the command is to be appended."""
        command = self.enter(())
        return [*command[:-1], "--interactive", command[-1]]

    def enter(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str] | None = None,
        after: str = "",
        forward: tuple[Path, Path] | None = None,
    ) -> list[str]:
        """The command line that runs ``argv`` in it, as :meth:`netproof.node.machine.Machine.enter`.

        Args:
            argv: the program and its arguments.
            environment: what is added to its environment.
            after: a unix socket in it that must be listened on before.
            forward: two unix sockets: connections to the first, outside, lead to the second, inside.
        """
        options = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        options += [f"--after={after}"] if after else []
        options += [f"--forward={forward[0]}={forward[1]}"] if forward else []
        return [sys.executable, "-m", "netproof.node.vm.remote", f"--link={self.link}", *options, "--", *argv]
