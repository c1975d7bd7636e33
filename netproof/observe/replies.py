"""Replies of several HTTP requests, to be asked in the words of a check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from netproof.observe.protocol import Failure, HttpReply

UNNAMED_SERVER = "(unnamed)"
"""Stands in counts for a server whose reply does not name it."""

SERVER_NAME_PATTERNS = (
    re.compile(r"export HOSTNAME=['\"]?(?P<name>[a-zA-Z0-9.-]+)"),
    re.compile(r"\A(?P<name>[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)\s*\Z"),
)
"""How a reply names the pod that served it: the homework's page (its init script writes the environment), and agnhost's
``/hostname``, whose whole body is the name."""


@dataclass(frozen=True, slots=True)
class Replies(Sequence[HttpReply]):
    """The replies, in the order in which their requests started."""

    all: tuple[HttpReply, ...]

    def __len__(self) -> int:
        return len(self.all)

    @overload
    def __getitem__(self, index: int) -> HttpReply: ...
    @overload
    def __getitem__(self, index: slice) -> Replies: ...
    def __getitem__(self, index: int | slice) -> HttpReply | Replies:
        return Replies(self.all[index]) if isinstance(index, slice) else self.all[index]

    def __iter__(self) -> Iterator[HttpReply]:
        return iter(self.all)

    def __str__(self) -> str:
        counts: Counter[str] = Counter(_outcome(reply) for reply in self)
        return ", ".join(f"{count} x {outcome}" for outcome, count in counts.most_common()) or "no replies"

    @property
    def statuses(self) -> Counter[int]:
        """How often each status code came; requests without a reply are in :attr:`failures`."""
        return Counter(reply.status for reply in self if reply.status is not None and reply.failure is None)

    @property
    def failures(self) -> Replies:
        """The requests that got no whole reply."""
        return Replies(tuple(reply for reply in self if reply.failure is not None))

    @property
    def failure_kinds(self) -> Counter[Failure]:
        """How often each kind of failure came."""
        return Counter(reply.failure for reply in self if reply.failure is not None)

    @property
    def lost(self) -> Replies:
        """The requests that got no whole reply, or a server's error (5xx)."""
        return Replies(tuple(reply for reply in self if reply.failure is not None or (reply.status or 0) >= 500))

    @property
    def all_ok(self) -> bool:
        """Whether there were requests and each got status 200."""
        return bool(self.all) and self.statuses == Counter({200: len(self)})

    @property
    def all_failed(self) -> bool:
        """Whether there were requests and none got a reply."""
        return bool(self.all) and len(self.failures) == len(self)

    @property
    def duration_seconds(self) -> float:
        """From the start of the first request to the end of the last."""
        if not self.all:
            return 0.0
        return max(reply.start + reply.duration_seconds for reply in self) - min(reply.start for reply in self)

    def served_by(self, pattern: str | re.Pattern[str] | None = None) -> Counter[str]:
        """How many of the replies each server gave.

        Args:
            pattern: finds the server's name in a body, as its group ``name``, its first group or the whole match; by
                default :data:`SERVER_NAME_PATTERNS`. Where nothing is found, it counts for :data:`UNNAMED_SERVER`.
        """
        patterns = SERVER_NAME_PATTERNS if pattern is None else (re.compile(pattern),)
        return Counter(_server_name(reply.body, patterns) for reply in self if reply.failure is None)

    def only_from(self, names: Iterable[str]) -> bool:
        """Whether all requests got 200 and every reply came from one of ``names``."""
        return self.all_ok and self.served_by().keys() <= set(names)

    def from_each_of(self, names: Iterable[str]) -> bool:
        """Whether all requests got 200 and exactly ``names`` replied, each at least once."""
        return self.all_ok and self.served_by().keys() == set(names)


def _outcome(reply: HttpReply) -> str:
    return str(reply.status) if reply.failure is None else f"{reply.failure} ({reply.detail})"


def _server_name(body: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        found = pattern.search(body)
        if found:
            return str(found["name"] if "name" in pattern.groupindex else found[min(1, pattern.groups)])
    return UNNAMED_SERVER
