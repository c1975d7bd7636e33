"""Beginning checks before their turn: while pytest waits for one check, others already run, several at a time.

pytest runs one test after the other, and a check mostly waits: for pods, for probes, for rules. So threads run the
functions of later checks meanwhile, and when pytest comes to such a check, it takes the outcome for its own. Nothing
else changes: pytest sets up and tears down the fixtures of each check, reports and verdicts come in the order of the
run, and a failure belongs to the check whose function raised it.

A check can begin when

* its fixtures can be had without pytest, which makes fixtures in one thread and in the order of the tests only: shared
  ones that pytest has set up already, and those of the check's own that a plugin knows how to make
  (:func:`netproof.running.hookspecs.pytest_netproof_own_fixtures`). A check with any other fixture waits for its turn,
  and so does one that shares nothing with others, for it has nothing to wait for;
* it is not exclusive, and no exclusive check runs;
* all that it needs has passed, and the cluster has the features that it needs.

Those marked ``long`` begin before others, for the last of them to begin decides when a run ends.

No wait can last for ever. A check occupies a thread only while its function runs, never while it waits for a verdict.
When pytest comes to a check that has not begun, it takes it back and runs it as ever. And while it waits for one that
has begun, it does not hold the lock of :mod:`netproof.running.exclusive`, for which that one may wait.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from netproof.running.collected import check_of
from netproof.running.exclusive import RunningLock
from netproof.running.ledger import Ledger
from netproof.running.selection import REQUIRED_KEYS
from netproof.verdict import UnsupportedError, Verdict

AT_ONCE: Final = 6
"""How many checks run at once: starting a pod costs about half a second of a core, and then a check waits."""

Maker = Callable[[pytest.Item, Mapping[str, Any]], object]
"""Makes a fixture for one check from the shared ones, by name; the fixture itself must then give the same value."""

AHEAD = pytest.StashKey["Ahead"]()
"""In the configuration of a process that runs checks: what has them begin."""

_LOOK_SECONDS = 0.2
_BEGUN = pytest.StashKey["Begun"]()


@dataclass(eq=False)
class Begun:
    """A check that has begun before its turn, and what became of it.

    Attributes:
        item: its test.
        key: the check's key.
        shared: the shared fixtures that it uses, by name.
        makers: what makes those of its own.
        started: when its function was called.
        seconds: how long that took.
        problem: what it raised; None where it returned.
        arguments: what it was called with; None where that could not be made, so that it did not run.
    """

    item: pytest.Function
    key: str
    shared: Mapping[str, Any]
    makers: Mapping[str, Maker]
    started: datetime | None = None
    seconds: float = 0
    problem: BaseException | None = None
    arguments: dict[str, Any] | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self, lock: RunningLock) -> None:
        """Run the check in this thread."""
        try:
            with lock.held(alone=False):
                self._call()
        finally:
            self._ended.set()

    def wait(self) -> None:
        """Return when it has ended."""
        self._ended.wait()

    def deliver(self, funcargs: Mapping[str, Any]) -> None:
        """Return, or raise, as the check's function did.

        Raises:
            RuntimeError: pytest has other values for its fixtures than those it ran with.
        """
        for name, value in (self.arguments or {}).items():
            if funcargs[name] is not value:
                raise RuntimeError(
                    f"the check ran with another {name!r} than its own: an override of a shared fixture?"
                )
        if self.problem is not None:
            raise self.problem

    def _call(self) -> None:
        try:
            own = {name: make(self.item, self.shared) for name, make in self.makers.items()}
        except BaseException:  # also pytest's own for a skip: it will be met again in the set-up of the check
            return
        everything = {**self.shared, **own}
        self.arguments = {name: everything[name] for name in _parameters(self.item)}
        self.started = datetime.now(UTC)
        start = time.monotonic()
        try:
            self.item.obj(**self.arguments)
        except BaseException as problem:  # raised where pytest awaits it, whatever it is
            self.problem = problem
        self.seconds = time.monotonic() - start
        if self.problem is not None and not isinstance(self.problem, UnsupportedError):
            # What cannot be kept now, as where the cluster is ending, is tried again at the turn of the check.
            with contextlib.suppress(Exception):
                self.item.ihook.pytest_netproof_failed_ahead(item=self.item, shared=self.shared)


class Ahead:
    """Where checks run: has them begin.

    Args:
        ledger: the verdicts so far.
        lock: what keeps exclusive checks apart.
        at_once: how many run at once.
        mine: chooses the items that this process will run.
    """

    def __init__(
        self,
        ledger: Ledger,
        lock: RunningLock,
        *,
        at_once: int = AT_ONCE,
        mine: Callable[[list[pytest.Item]], Iterable[pytest.Item]] = iter,
    ) -> None:
        self._ledger, self._lock, self._at_once, self._mine = ledger, lock, at_once, mine
        self._makers: dict[str, Maker] = {}
        self._shared: dict[pytest.FixtureDef[Any], tuple[object, object]] = {}
        self._not_yet: list[pytest.Function] = []
        self._able: list[Begun] = []
        self._outcomes: dict[str, bool] = {}
        self._threads: list[threading.Thread] = []
        self._change = threading.Condition()
        self._closed = False

    def limit(self, bearable: Callable[[int], int]) -> None:
        """Run no more at once than can be borne, told the number that is usual; heard before any has begun.

        Where no more than one can be, that is the one whose turn it is.
        """
        self._at_once = bearable(self._at_once)
        self._closed = self._at_once <= 1

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take up the checks that may begin."""
        for makers in session.config.hook.pytest_netproof_own_fixtures():
            self._makers |= makers
        self._not_yet = [
            item
            for item in self._mine(session.items)
            if isinstance(item, pytest.Function) and (found := check_of(item)) and not found.check.exclusive
        ]

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Remember what is shared, and begin what can begin with it."""
        value = yield
        if fixturedef.scope != "function":
            self._shared[fixturedef] = request.node, value
            self._begin_what_can()
        return value

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Forget what is no longer shared."""
        self._shared.pop(fixturedef, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Deliver the outcome of a check that has run already."""
        begun = pyfuncitem.stash.get(_BEGUN, None)
        if begun is None:
            return None
        begun.deliver(pyfuncitem.funcargs)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Begin nothing any more."""
        with self._change:
            self._closed = True
            self._able.clear()
            self._change.notify_all()

    def await_turn(self, item: pytest.Item) -> Begun | None:
        """Return the check at its turn, once its function has ended; None where it has yet to run."""
        with self._change:
            self._not_yet = [each for each in self._not_yet if each is not item]
            self._able = [begun for begun in self._able if begun.item is not item]
        begun = item.stash.get(_BEGUN, None)
        if begun is None:
            return None
        begun.wait()
        if begun.arguments is None:
            del item.stash[_BEGUN]
            return None
        return begun

    @contextmanager
    def idle(self) -> Iterator[None]:
        """While the block of a check waits for what others do, another check may run in its place."""
        over = threading.Event()
        threading.Thread(target=self._run_checks, args=(over,), name="ahead-in-place", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _begin_what_can(self) -> None:
        with self._change:
            for item in list(self._not_yet):
                if begun := self._prepared(item):
                    self._not_yet.remove(item)
                    self._able.append(begun)
            self._able.sort(key=lambda begun: begun.item.get_closest_marker("long") is None)
            self._change.notify_all()
            while self._able and len(self._threads) < self._at_once:
                name = f"ahead-{len(self._threads)}"
                thread = threading.Thread(target=self._run_checks, args=(threading.Event(),), name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _prepared(self, item: pytest.Function) -> Begun | None:
        found = check_of(item)
        there = self._shared_with(item)
        shared: dict[str, Any] = {}
        makers: dict[str, Maker] = {}
        parameters = _parameters_of(item)
        if parameters is None:
            return None
        for name in item.fixturenames:
            if name in parameters:
                continue
            if name in there:
                shared[name] = there[name]
            elif name in self._makers:
                makers[name] = self._makers[name]
            elif name != "request":
                return None
        able = found and shared and "request" not in _parameters(item) and not _lacks_feature(item)
        return Begun(item, found.key, {**shared, **parameters}, makers) if able and found else None

    def _shared_with(self, item: pytest.Item) -> dict[str, object]:
        """The shared fixtures that an item sees, by name: those of its module before those of a plugin."""
        chain = item.listchain()
        seen = [
            (len(fixturedef.baseid), fixturedef.argname, value)
            for fixturedef, (node, value) in self._shared.items()
            if node in chain and _is_in(item.nodeid, fixturedef.baseid)
        ]
        return {name: value for _, name, value in sorted(seen, key=lambda each: each[0])}

    def _run_checks(self, over: threading.Event) -> None:
        """Run one check after the other, until it is over with that."""
        while True:
            with self._change:
                begun = None
                while not (self._closed or over.is_set()) and (begun := self._next()) is None:
                    self._change.wait(_LOOK_SECONDS)  # verdicts of other processes come without a word
                if begun is None:
                    return
                begun.item.stash[_BEGUN] = begun
            begun.run(self._lock)
            with self._change:
                self._outcomes[begun.key] = begun.arguments is not None and begun.problem is None
                self._change.notify_all()

    def _next(self) -> Begun | None:
        """The first check that can begin now; one that needs what did not pass is left to its turn."""
        for begun in list(self._able):
            passed = [self._has_passed(key) for key in begun.item.stash[REQUIRED_KEYS]]
            if all(passed) or False in passed:
                self._able.remove(begun)
            if all(passed):
                return begun
        return None

    def _has_passed(self, key: str) -> bool | None:
        """Whether a check has passed; None as long as that is not known."""
        verdict = self._ledger.verdict(key)
        return self._outcomes.get(key) if verdict is None else verdict is Verdict.PASSED


def _parameters(item: pytest.Function) -> list[str]:
    return [name for name in inspect.signature(item.function).parameters if name != "self"]


def _parameters_of(item: pytest.Function) -> dict[str, object] | None:
    """The parameters of the test itself; None where a fixture has some: what it makes of them is for pytest to know."""
    names: set[str] = set()
    for mark in item.iter_markers("parametrize"):
        if not mark.kwargs.get("indirect"):
            given = mark.args[0]
            names.update(given.replace(",", " ").split() if isinstance(given, str) else given)
    callspec = getattr(item, "callspec", None)
    parameters: dict[str, object] = dict(callspec.params) if callspec else {}
    return parameters if parameters.keys() <= names else None


def _lacks_feature(item: pytest.Item) -> bool:
    found = check_of(item)
    ask = item.config.hook.pytest_netproof_missing_feature
    return found is not None and any(ask(config=item.config, feature=feature) for feature in found.check.features)


def _is_in(nodeid: str, baseid: str) -> bool:
    return not baseid or nodeid == baseid or nodeid.startswith((f"{baseid}/", f"{baseid}::"))
