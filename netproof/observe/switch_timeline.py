"""What clients saw while something was switched on a living node: each request of a steady load, and what happened."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from netproof.observe.protocol import HttpReply
from netproof.observe.replies import Replies

_ANSWERED, _SERVER_ERROR = ".", "5"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened.

    Attributes:
        when: seconds, on the clock of the agent that sends the load.
        what: in words.
    """

    when: float
    what: str


@dataclass(slots=True)
class SwitchTimeline:
    """The moments of a switch, and two steady loads beside them.

    Attributes:
        title: what was switched.
        moments: when what happened; the first is zero of the drawing.
        service: what each request to a Service got.
        pod: what each request to its pod itself got, which no rule of a Service leads: the control.
    """

    title: str
    moments: list[Moment] = field(default_factory=list)
    service: Replies = field(default_factory=lambda: Replies(()))
    pod: Replies = field(default_factory=lambda: Replies(()))

    def mark(self, reply: HttpReply, what: str) -> None:
        """Something was the case when a request was sent, by the agent that sends the loads, too."""
        self.moments.append(Moment(reply.start, what))

    def summary(self) -> str:
        """One line: how many requests were lost, for how long, and how many of the control's."""
        lost = self.service.lost
        said = f"{self.title}: {len(lost)} of {len(self.service)} requests to the Service lost"
        if lost:
            starts = [reply.start for reply in lost]
            said += f" within {max(starts) - min(starts):.1f} s"
        return f"{said}, {len(self.pod.lost)} of {len(self.pod)} to its pod"

    def render(self) -> str:
        """The drawing: a row for each second, a letter for each request, and what happened in that second."""
        everything = [moment.when for moment in self.moments] + [one.start for one in (*self.service, *self.pod)]
        if not everything:
            return f"{self.summary()}\n"
        zero = self.moments[0].when if self.moments else min(everything)
        rows = range(math.floor(min(everything) - zero), math.floor(max(everything) - zero) + 1)
        of_service, of_pod = _letters(self.service, zero), _letters(self.pod, zero)
        width = max(map(len, [*of_service.values(), *of_pod.values(), "Service"]))
        lines = [f"{'seconds':>8}  {'Service':{width}}  {'pod':{width}}  what happened"]
        for row in rows:
            happened = [one for one in self.moments if math.floor(one.when - zero) == row]
            said = "; ".join(f"{one.when - zero:.1f}: {one.what}" for one in happened)
            lines.append(f"{row:8}  {of_service.get(row, ''):{width}}  {of_pod.get(row, ''):{width}}  {said}".rstrip())
        return "\n".join([self.summary(), "", *lines, "", f"{_ANSWERED} answered{self._legend()}", ""])

    def _legend(self) -> str:
        seen = {_letter(reply): str(reply.failure or reply.status) for reply in (*self.service.lost, *self.pod.lost)}
        return "".join(f", {letter} {what}" for letter, what in sorted(seen.items()))


def _letters(replies: Replies, zero: float) -> dict[int, str]:
    """A letter for each request, by the second in which it was sent."""
    found: dict[int, str] = {}
    for reply in replies:
        row = math.floor(reply.start - zero)
        found[row] = found.get(row, "") + _letter(reply)
    return found


def _letter(reply: HttpReply) -> str:
    if reply.failure is not None:
        return reply.failure.value[0]
    return _SERVER_ERROR if (reply.status or 0) >= 500 else _ANSWERED
