"""The errors that a user can meet, each with its remedy."""

from __future__ import annotations


class NetproofError(Exception):
    """Something a user can mend: a wrong option, a missing tool, broken YAML, an unreachable cluster.

    The command line and the pytest plugin print it as one message, never as a traceback.

    Args:
        message: what is wrong, in one sentence that names the thing.
        remedy: what mends it: a command, an option, a change. Empty where nothing can be said.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  remedy: {self.remedy}" if self.remedy else self.message
