"""Expectations that fail with all that a reader needs: expected, observed, attempts, duration, the objects involved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from netproof.observe.protocol import Failure
from netproof.observe.replies import Replies
from netproof.verdict import UnmetError


@dataclass(frozen=True, slots=True)
class RepliesExpectation:
    """What is expected of replies; each method returns this expectation, or raises ``UnmetError``."""

    replies: Replies
    objects: tuple[str, ...] = ()

    def to_be(self, status: int) -> RepliesExpectation:
        """Every request got this status code."""
        met = bool(self.replies) and self.replies.statuses == Counter({status: len(self.replies)})
        return self._require(met, f"status {status} every time", str(self.replies))

    def to_fail_by(self, *kinds: Failure) -> RepliesExpectation:
        """No request got a reply, and each failed in one of these ways; without any named, in any way."""
        met = self.replies.all_failed and (not kinds or self.replies.failure_kinds.keys() <= set(kinds))
        return self._require(met, f"no reply ({' or '.join(kinds) or 'any failure'})", str(self.replies))

    def served_by(self, names: Iterable[str]) -> RepliesExpectation:
        """Every request got 200, and all of ``names`` and nobody else replied."""
        wanted = sorted(names)
        return self._require(
            self.replies.from_each_of(wanted),
            f"replies from each of {', '.join(wanted)} and nobody else",
            self._servers(),
        )

    def served_only_by(self, names: Iterable[str]) -> RepliesExpectation:
        """Every request got 200, and nobody but ``names`` replied."""
        wanted = sorted(names)
        return self._require(
            self.replies.only_from(wanted), f"replies from nobody but {', '.join(wanted)}", self._servers()
        )

    def to_lose_nothing(self) -> RepliesExpectation:
        """There were requests, and each got a reply below 500."""
        return self._require(
            bool(self.replies) and not self.replies.lost,
            "no request lost",
            f"{len(self.replies.lost)} lost: {self.replies.lost}",
        )

    def _servers(self) -> str:
        counts = ", ".join(f"{name} {count} x" for name, count in sorted(self.replies.served_by().items()))
        return f"{self.replies}; from {counts or 'nobody'}"

    def _require(self, met: bool, expected: str, observed: str) -> RepliesExpectation:
        if met:
            return self
        urls = tuple(sorted({reply.url for reply in self.replies}))
        attempts = len(self.replies)
        took = f" in {self.replies.duration_seconds:.2f} s" if attempts else ""
        raise UnmetError(expected, f"{observed}{took}", attempts=attempts, objects=(*self.objects, *urls))


def expect(replies: Replies, *objects: str) -> RepliesExpectation:
    """What is expected of replies: ``expect(lan.get(url), "Service web").to_be(200).served_by(pods)``."""
    return RepliesExpectation(replies, objects)


def require(
    met: object, expected: str, observed: object, *, attempts: int | None = None, objects: Iterable[str] = ()
) -> None:
    """Raise :class:`~netproof.verdict.UnmetError` unless ``met`` is truthy: for what has no expectation of its own."""
    if not met:
        raise UnmetError(expected, str(observed), attempts=attempts, objects=objects)
