"""Selecting checks by id, pulling in what the selected ones need, and putting all in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable

import pytest

from netproof.errors import NetproofError
from netproof.running.collected import CollectedCheck, check_of
from netproof.running.order import needs_first, unknown_check

REQUIRED_KEYS = pytest.StashKey[tuple[str, ...]]()
"""On the item of a check: the keys of all checks that must have passed before it."""


class Selection:
    """Chooses and orders the items, after -k, -m and all plugins had their say.

    Args:
        selected: told the checks that will run, in their order, if there are any.
        refused: told why the selection is not possible; nothing will run then.
    """

    def __init__(
        self, selected: Callable[[list[CollectedCheck]], None], refused: Callable[[NetproofError], None]
    ) -> None:
        self._selected = selected
        self._refused = refused

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None]:
        """Narrow by ``--check``, add what is needed, order."""
        collected = list(items)
        yield
        try:
            self._choose(session, config, items, collected)
        except NetproofError as problem:
            items.clear()
            self._refused(problem)

    def _choose(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item], collected: list[pytest.Item]
    ) -> None:
        catalogue = Catalogue(collected)
        names = [name for text in config.getoption("netproof_checks") for name in text.split(",") if name.strip()]
        if names:
            _keep_named(config, items, catalogue, [name.strip() for name in names])
        if not any(check_of(item) for item in items):
            return
        kept = set(items)
        needs = _closure(session, items, catalogue)
        keys = {item: _name(item) for item in [*items, *needs]}
        by_key = {key: item for item, key in keys.items()}
        needed_keys = {keys[item]: [keys[need] for need in needed] for item, needed in needs.items()}
        # Alone, a check waits until all others have ended: so those that run alone come last.
        items.sort(key=lambda item: (found := check_of(item)) is not None and found.check.exclusive)
        items[:] = [by_key[key] for key in needs_first([keys[item] for item in items], needed_keys)]
        _count_as_selected(config, [item for item in items if item not in kept])
        for item in items:
            item.stash[REQUIRED_KEYS] = tuple(needed_keys.get(keys[item], ()))
        self._selected([found for item in items if (found := check_of(item))])


class Catalogue:
    """The collected items, findable by the names of their checks.

    Raises:
        NetproofError: two items have the same id.
    """

    def __init__(self, items: Iterable[pytest.Item]) -> None:
        self.items: list[pytest.Item] = []
        self._by_key: dict[str, pytest.Item] = {}
        self._by_name: defaultdict[str, list[pytest.Item]] = defaultdict(list)
        self._nodeids: set[str] = set()
        self.add(items)

    def add(self, items: Iterable[pytest.Item]) -> None:
        """Take up items that are not here yet."""
        for item in items:
            if item.nodeid in self._nodeids:
                continue
            self._nodeids.add(item.nodeid)
            self.items.append(item)
            if found := check_of(item):
                if other := self._by_key.get(found.key):
                    raise NetproofError(
                        f"two checks have the id {found.key!r}: {other.nodeid} and {item.nodeid}", "rename one of them"
                    )
                self._by_key[found.key] = item
                for name in {found.key, found.check.id, found.declared.id}:
                    self._by_name[name].append(item)

    def named(self, name: str) -> list[pytest.Item]:
        """The items of the check with this id; several where the check has parameters."""
        return self._by_name.get(name, [])

    def in_section(self, section: str) -> list[pytest.Item]:
        """The items of the checks of a section."""
        return [item for item in self._by_key.values() if (found := check_of(item)) and found.check.section == section]

    @property
    def names(self) -> set[str]:
        """Every name that :meth:`named` knows."""
        return set(self._by_name)


def _keep_named(config: pytest.Config, items: list[pytest.Item], catalogue: Catalogue, names: list[str]) -> None:
    named: set[pytest.Item] = set()
    for name in names:
        found = catalogue.named(name) or catalogue.in_section(name)
        if not found:
            raise unknown_check(name, catalogue.names, "--check")
        named.update(found)
    dropped = [item for item in items if item not in named]
    items[:] = [item for item in items if item in named]
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _closure(
    session: pytest.Session, items: list[pytest.Item], catalogue: Catalogue
) -> dict[pytest.Item, list[pytest.Item]]:
    """What each item needs, for the items and all that they need, directly or not."""
    needs: dict[pytest.Item, list[pytest.Item]] = {}
    looked_in: set[pytest.Item] = set()
    queue = list(items)
    while queue:
        item = queue.pop()
        found = check_of(item)
        if found is None or item in needs:
            continue
        needs[item] = []
        for name in found.check.needs:
            if not catalogue.named(name) and item not in looked_in:
                looked_in.add(item)
                catalogue.add(_collect_beside(session, item, catalogue.items))
            if not catalogue.named(name):
                raise unknown_check(name, catalogue.names, f"{found.check.id} ({found.check.source}) needs")
            needs[item] += [each for each in catalogue.named(name) if each not in needs[item]]
        queue += needs[item]
    return needs


def _collect_beside(session: pytest.Session, item: pytest.Item, known: list[pytest.Item]) -> list[pytest.Item]:
    """All items of the directory that ``item`` lies in: what a run of one file, or of one test, left out."""
    module = item.getparent(pytest.Module)
    if module is None or not isinstance(module.parent, pytest.Collector):
        return []
    modules = {each.path: parent for each in known if (parent := each.getparent(pytest.Module))}
    found: list[pytest.Item] = []
    for path in sorted(module.path.parent.glob("*.py")):
        collectors = (
            [modules[path]]
            if path in modules
            else module.parent.ihook.pytest_collect_file(file_path=path, parent=module.parent)
        )
        for collector in collectors:
            found += session.genitems(collector)
    return found


def _count_as_selected(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take items off pytest's count of those deselected."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and (deselected := reporter.stats.get("deselected")):
        brought_back = set(items)
        deselected[:] = [item for item in deselected if item not in brought_back]


def _name(item: pytest.Item) -> str:
    found = check_of(item)
    return found.key if found else item.nodeid
