"""Whether a run pulls the images it is told, or stands in for them."""

from __future__ import annotations

import enum
import http.client
import queue
import threading
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

_PROBED_REGISTRY = "https://registry-1.docker.io/v2/"
"""The registry API that ``auto`` asks; most images of submissions come from there."""

_PROBE_TIMEOUT_SECONDS = 2.0
"""How long ``auto`` waits for that answer."""


class ImagePolicy(enum.StrEnum):
    """What becomes of the image names of a submission (``--images``)."""

    AUTO = "auto"
    """``pull`` where a registry can be reached, else ``stand-in``."""
    PULL = "pull"
    """Every image comes from the registry its name says; nothing is replaced."""
    STAND_IN = "stand-in"
    """Every image name of the submission resolves to an image of netproof's own."""


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """The policy of a run, never ``auto``, and why, in words for the report."""

    policy: ImagePolicy
    reason: str


def decide(
    policy: ImagePolicy, *, registry: str = _PROBED_REGISTRY, timeout_seconds: float = _PROBE_TIMEOUT_SECONDS
) -> PolicyDecision:
    """What this policy comes to on this machine.

    Args:
        policy: as the user asked.
        registry: the address of a registry's API, asked where the policy is ``auto``.
        timeout_seconds: how long that may take in all, name resolution included.
    """
    if policy is not ImagePolicy.AUTO:
        return PolicyDecision(policy, f"asked for with --images {policy}")
    lack = _why_unreachable(registry, timeout_seconds)
    if lack:
        return PolicyDecision(ImagePolicy.STAND_IN, f"no image can be pulled: {lack}")
    return PolicyDecision(ImagePolicy.PULL, f"the registry at {registry} answers")


def _why_unreachable(registry: str, timeout_seconds: float) -> str:
    """What speaks against pulling from the registry; empty where nothing does."""
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    # the C library's resolver obeys no timeout of ours, so the question is asked in a thread that may be left behind
    threading.Thread(target=lambda: answers.put(_ask(registry, timeout_seconds)), daemon=True).start()
    try:
        return answers.get(timeout=timeout_seconds)
    except queue.Empty:
        return f"{registry} did not answer within {timeout_seconds:g} s"


def _ask(registry: str, timeout_seconds: float) -> str:
    parts = urlsplit(registry)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout_seconds)
    try:
        connection.request("GET", parts.path or "/v2/")
        status = connection.getresponse().status
    except TimeoutError:
        return f"{registry} did not answer within {timeout_seconds:g} s"
    except (OSError, http.client.HTTPException) as problem:
        words = problem.strerror if isinstance(problem, OSError) else ""
        return f"{registry} cannot be reached ({words or type(problem).__name__})"
    finally:
        connection.close()
    # a registry that wants a token for everything answers 401, and hands tokens for public images to anybody
    if status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
        return ""
    return f"{registry} answers {status}, as no registry does"
