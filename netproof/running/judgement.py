"""The verdict of a check: from an exception in one phase of its test, and from all phases together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from netproof.errors import NetproofError
from netproof.verdict import BlockedError, ClusterBrokeError, UnmetError, UnsupportedError, Verdict
from netproof.waiting import TimedOutError

When = Literal["setup", "call", "teardown"]

_RANK = (Verdict.PASSED, Verdict.UNSUPPORTED, Verdict.BLOCKED, Verdict.ERROR, Verdict.FAILED)


@dataclass
class Judgement:
    """The verdict of a check while its phases run, with the fields of its result."""

    verdict: Verdict = Verdict.PASSED
    fields: dict[str, Any] = field(default_factory=dict)

    def add(self, verdict: Verdict, fields: dict[str, Any]) -> None:
        """Take in the finding of one more phase: the graver verdict stands, and a later message is appended."""
        graver = _RANK.index(verdict) > _RANK.index(self.verdict)
        if verdict is Verdict.PASSED:
            return
        messages = [self.fields.get("message", ""), fields.get("message", "")]
        if graver:
            self.verdict, self.fields = verdict, {**self.fields, **fields}
        self.fields["message"] = "\n".join(message for message in messages if message)


def finding(when: When, problem: BaseException) -> tuple[Verdict, dict[str, Any]]:
    """The verdict that an exception in a phase means, and the fields of the result that it fills.

    Only in the call phase does an exception speak of the subject: an assertion, a
    :class:`~netproof.verdict.UnmetError`, ``pytest.fail``, and a :class:`~netproof.waiting.TimedOutError`, which
    names a condition that did not come to hold. Fixtures are netproof's own.
    """
    match problem:
        case UnsupportedError():
            return Verdict.UNSUPPORTED, {"reason": problem.reason, "remedy": problem.enable}
        case BlockedError():
            return Verdict.BLOCKED, {"reason": problem.reason, "blocked_by": list(problem.blocked_by)}
        case pytest.skip.Exception():
            return Verdict.UNSUPPORTED, {"reason": problem.msg or "skipped"}
        case NetproofError():
            return Verdict.ERROR, {"message": problem.message, "remedy": problem.remedy}
        case ClusterBrokeError():
            return Verdict.ERROR, {"message": str(problem)}
    verdict = Verdict.FAILED if when == "call" and isinstance(problem, _ABOUT_THE_SUBJECT) else Verdict.ERROR
    said = str(problem).strip()
    where = "" if when == "call" else f" in {when}"
    fields: dict[str, Any] = {"message": said}
    match problem:
        case UnmetError():
            fields |= {
                "expected": problem.expected,
                "observed": problem.observed,
                "attempts": problem.attempts,
                "objects": list(problem.objects),
                "evidence": list(problem.evidence),
            }
        case TimedOutError():
            observed = f"{problem.last} (after {problem.timeout_seconds:g} s)"
            fields |= {"expected": problem.what, "observed": observed, "attempts": problem.attempts}
        case _ if verdict is Verdict.FAILED:
            fields |= {"observed": said or "the assertion failed without a message"}
    if verdict is Verdict.ERROR:
        fields["message"] = f"{type(problem).__name__}{where}: {said}"
    return verdict, fields


_ABOUT_THE_SUBJECT = (AssertionError, TimedOutError, pytest.fail.Exception)
