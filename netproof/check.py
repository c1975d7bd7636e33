"""What a check says about itself: the decorator of its test function and the record that it leaves there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from netproof.errors import NetproofError

ID_PATTERN: Final = re.compile(r"[a-z]+(\.[a-z0-9-]+)+")
"""A check's id: a section in letters, then one or more parts, such as ``rollout.surge-first``."""

_ATTRIBUTE: Final = "netproof_check"

Function = TypeVar("Function", bound=Callable[..., Any])


class Subject(StrEnum):
    """Whose objects a check works on."""

    SUBMISSION = "submission"
    """The submission's own objects as they are."""
    DERIVED = "derived"
    """A copy of the submission's objects with one thing patched, in a namespace of ours."""
    OWN = "own"
    """Objects of ours."""


class Level(StrEnum):
    """Where the demand comes from; also the name of the marker that selects it."""

    HOMEWORK = "homework"
    """The homework's text says what a person saw."""
    CORE = "core"
    """Kubernetes' own conformance for networking."""
    EXTENDED = "extended"
    """Beyond both."""


SUBMISSION: Final = Subject.SUBMISSION
DERIVED: Final = Subject.DERIVED
OWN: Final = Subject.OWN
HOMEWORK: Final = Level.HOMEWORK
CORE: Final = Level.CORE
EXTENDED: Final = Level.EXTENDED


@dataclass(frozen=True, slots=True)
class NoneBecause:
    """The stated reason why a check has no control, or no mutants."""

    reason: str


def none_because(reason: str) -> NoneBecause:
    """A control, or mutants, left out on purpose.

    Raises:
        NetproofError: the reason is empty.
    """
    if not reason.strip():
        raise NetproofError("none_because() needs a reason", "say why there is no control, or no mutant")
    return NoneBecause(reason)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold.

    Attributes:
        id: the stable name, such as ``rollout.surge-first``; with parameters, extended by them.
        title: what holds, in one sentence: the first line of the docstring.
        subject: whose objects it works on.
        level: where the demand comes from.
        needs: ids of the checks that must pass first.
        features: what the cluster or controller must have.
        control: the negative twin, in words.
        mutants: the changes to a submission, or to the check's own setting, that it must catch.
        dimensions: names of parameters that are a dimension of the result, not a part of the id.
        exclusive: whether it changes cluster-wide state, so that no other check may run beside it.
        source: file name and function, for messages.
    """

    id: str
    title: str
    subject: Subject
    level: Level
    needs: tuple[str, ...]
    features: tuple[str, ...]
    control: str | NoneBecause
    mutants: tuple[str, ...] | NoneBecause
    dimensions: tuple[str, ...]
    exclusive: bool
    source: str

    @property
    def section(self) -> str:
        """The part of the id before the first dot."""
        return self.id.partition(".")[0]


def check(
    check_id: str,
    *,
    subject: Subject,
    level: Level = HOMEWORK,
    needs: Iterable[str] = (),
    features: Iterable[str] = (),
    control: str | NoneBecause = "",
    mutants: Iterable[str] | NoneBecause = (),
    dimensions: Iterable[str] = (),
    exclusive: bool = False,
) -> Callable[[Function], Function]:
    """Make a test function a check, and give it the markers that select it.

    A parametrised check stands for several: each id is extended by the ids of its parameters
    (``services.affinity`` with the parameter ``udp`` is ``services.affinity.udp``), except for those named in
    ``dimensions``, which are recorded beside the id.

    Args:
        check_id: the stable name.
        subject: whose objects it works on.
        level: where the demand comes from.
        needs: ids of checks that must pass first; an id without parameters means all that extend it.
        features: what the cluster or controller must have, else the verdict is unsupported.
        control: the negative twin, in words, or :func:`none_because`.
        mutants: what it must catch, or :func:`none_because`.
        dimensions: parameters that are a dimension of the result.
        exclusive: whether no other check may run beside it.

    Raises:
        NetproofError: the declaration is not complete; the message names all that is wrong with it.
    """

    def declare(function: Function) -> Function:
        declared = Check(
            id=check_id,
            title=(inspect.getdoc(function) or "").partition("\n")[0].strip(),
            subject=subject,
            level=level,
            needs=tuple(needs),
            features=tuple(features),
            control=control,
            mutants=mutants if isinstance(mutants, NoneBecause) else tuple(mutants),
            dimensions=tuple(dimensions),
            exclusive=exclusive,
            source=f"{Path(inspect.getfile(function)).name}::{function.__qualname__}",
        )
        if faults := list(_faults(declared)):
            raise NetproofError(
                f"the check {check_id!r} ({declared.source}) is not finished: {'; '.join(faults)}",
                "complete its docstring and the arguments of @check; none_because('...') leaves one out on purpose",
            )
        function.__dict__[_ATTRIBUTE] = declared
        marks = [pytest.mark.networking, getattr(pytest.mark, level.value)]
        if declared.needs:
            marks.append(pytest.mark.needs(*declared.needs))
        if exclusive:
            marks.append(pytest.mark.exclusive)
        for mark in marks:
            function = mark(function)
        return function

    return declare


def declared_check(function: object) -> Check | None:
    """The check that ``function`` was made by :func:`check`; None for any other function."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Check) else None


def _faults(declared: Check) -> Iterable[str]:
    if not ID_PATTERN.fullmatch(declared.id):
        yield f"the id does not match {ID_PATTERN.pattern}"
    if not declared.title:
        yield "its docstring is missing, whose first line says what holds"
    if not declared.control:
        yield "its control is missing"
    if not declared.mutants:
        yield "its mutants are missing"
    if declared.id in declared.needs:
        yield "it needs itself"
