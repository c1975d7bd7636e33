"""What clients saw while something was switched on a living node: moments, and the requests lost between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from netproof.observe.replies import Replies


@dataclass(slots=True)
class SwitchTimeline:
    """Moments of a switch and a steady load beside it, in seconds of the clock of the node where the load was.

    Attributes:
        title: what was switched.
        clock: tells the node's time; a virtual machine has a clock of its own.
        moments: when what happened.
        replies: what each request of the load got.
    """

    title: str
    clock: Callable[[], float]
    moments: list[tuple[float, str]] = field(default_factory=list)
    replies: Replies = field(default_factory=lambda: Replies(()))

    def mark(self, what: str) -> None:
        """Something happened now."""
        self.moments.append((self.clock(), what))

    def summary(self) -> str:
        """One line: how many requests were lost, and for how long at most."""
        lost = self.replies.lost
        if not lost:
            return f"{self.title}: none of {len(self.replies)} requests lost"
        starts = [reply.start for reply in lost]
        return (
            f"{self.title}: {len(lost)} of {len(self.replies)} requests lost "
            f"within {max(starts) - min(starts):.2f} s ({lost})"
        )

    def render(self) -> str:
        """All moments and losses in the order of time, in seconds since the first moment."""
        begin = self.moments[0][0] if self.moments else 0.0
        lines = [(when, what) for when, what in self.moments]
        lines += [(reply.start, f"lost: {reply.failure or reply.status} {reply.detail}") for reply in self.replies.lost]
        drawn = [f"{when - begin:9.3f}  {what}" for when, what in sorted(lines)]
        return "\n".join([self.summary(), *drawn, ""])
