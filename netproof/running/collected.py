"""From a collected pytest item to its check, with the parameters entered in its id."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

import pytest

from netproof.check import ID_PATTERN, Check, declared_check
from netproof.errors import NetproofError
from netproof.report.results import CheckFacts

_FOUND = pytest.StashKey["CollectedCheck | None"]()


@dataclass(frozen=True, slots=True)
class CollectedCheck:
    """A check as pytest collected it.

    Attributes:
        declared: as its function declares it.
        check: with the parameters entered in its id.
        facts: what the results say of it.
    """

    declared: Check
    check: Check
    facts: CheckFacts

    @property
    def key(self) -> str:
        """The id, with dimensions: unique in a run."""
        return self.facts.key


def check_of(item: pytest.Item) -> CollectedCheck | None:
    """The check that ``item`` runs; None for an ordinary test.

    Raises:
        NetproofError: its parameters do not make a valid id.
    """
    if _FOUND not in item.stash:
        item.stash[_FOUND] = _find(item)
    return item.stash[_FOUND]


class OneMessageCollection:
    """Reports a :class:`NetproofError` met while collecting as its message, not as a traceback."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Shorten the report of a file that cannot be collected."""
        report = yield
        call: pytest.CallInfo[object] | None = report.__dict__.get("call")
        if call is not None and call.excinfo is not None and isinstance(call.excinfo.value, NetproofError):
            report.longrepr = f"{collector.nodeid}: {call.excinfo.value}"
        return report


def _find(item: pytest.Item) -> CollectedCheck | None:
    declared = declared_check(getattr(item, "function", None))
    if declared is None:
        return None
    callspec = getattr(item, "callspec", None)
    values: dict[str, object] = callspec.params if callspec else {}
    dimensions = {name: _text(values[name]) for name in declared.dimensions if name in values}
    check = declared
    if callspec and len(dimensions) < len(values):
        extension = (
            callspec.id
            if not dimensions
            else "-".join(_text(value) for name, value in values.items() if name not in dimensions)
        )
        check = dataclasses.replace(declared, id=f"{declared.id}.{_slug(extension)}")
    if not ID_PATTERN.fullmatch(check.id):
        raise NetproofError(f"{item.nodeid}: {check.id!r} is no valid id", "give the parameters ids of a-z, 0-9 and -")
    facts = CheckFacts(
        id=check.id,
        dimensions=dimensions,
        title=check.title,
        section=check.section,
        level=check.level,
        subject=check.subject,
        needs=list(check.needs),
        features=list(check.features),
        needs_cluster="cluster" in getattr(item, "fixturenames", ()),
        test=item.nodeid,
    )
    return CollectedCheck(declared, check, facts)


def _text(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
