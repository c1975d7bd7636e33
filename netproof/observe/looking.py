"""Commands that only look: all that netproof runs on machines that are not its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netproof.observe.protocol import Completed
from netproof.observe.standpoint import AgentStandpoint
from netproof.verdict import UnsupportedError

LOOKING = (
    ("cat",),
    ("conntrack", "--dump"),
    ("ipset", "save"),
    ("iptables-save",),
    ("ipvsadm", "--list"),
    ("ipvsadm", "--save"),
    ("nft", "--json", "list"),
    ("nft", "-j", "list"),
    ("nft", "list"),
)
"""How the command lines begin that change nothing."""


def require_looking(argv: Sequence[str], place: str) -> None:
    """Make sure that a command changes nothing where it runs.

    Args:
        argv: the program and its arguments.
        place: the machine, for the message.

    Raises:
        UnsupportedError: it is not known to change nothing.
    """
    if not any(tuple(argv[: len(known)]) == known for known in LOOKING):
        raise UnsupportedError(
            f"'{' '.join(argv)}' may change {place}, and netproof changes no machine that is not its own",
            "--cluster local",
        )


class LookingStandpoint(AgentStandpoint):
    """The place of an agent on a machine that is not netproof's own."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_seconds: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command that only looks.

        Raises:
            UnsupportedError: it may change something.
        """
        require_looking(argv, self.name)
        return super().run(argv, stdin=stdin, timeout_seconds=timeout_seconds, environment=environment)
