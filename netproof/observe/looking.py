"""Commands that only look: all that netproof runs on machines that are not its own."""

from __future__ import annotations

from collections.abc import Sequence

from netproof.observe.agent_standpoint import AgentStandpoint
from netproof.observe.protocol import Completed, ExecRequest
from netproof.verdict import UnsupportedError

_LOOKING = (
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
    if not any(tuple(argv[: len(known)]) == known for known in _LOOKING):
        raise UnsupportedError(
            f"'{' '.join(argv)}' may change {place}, and netproof changes no machine that is not its own",
            "--cluster local",
        )


class LookingStandpoint(AgentStandpoint):
    """The place of an agent on a machine that is not netproof's own."""

    def execute(self, request: ExecRequest) -> Completed:
        """Run a command that only looks.

        Raises:
            UnsupportedError: it may change something.
        """
        require_looking(request.argv, self.name)
        return super().execute(request)
