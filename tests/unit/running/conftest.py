from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import netproof.running.plugin  # loaded once here, else again by each run inside this process
from netproof.report.results import Results

RunChecks = Callable[..., pytest.RunResult]

PLUGINS = [
    *("-p", "no:netproof"),  # the plugin that brings clusters
    *("-p", netproof.running.plugin.__name__),
    *("-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
]

PREAMBLE = """
import time
from pathlib import Path
import pytest
from netproof.check import DERIVED, EXTENDED, OWN, SUBMISSION, check, none_because
from netproof.errors import NetproofError
from netproof.running.plugin import run_record
from netproof.verdict import ClusterBrokeError, UnmetError, blocked, unsupported

def a_check(check_id, **more):
    return check(check_id, subject=OWN, control="a twin", mutants=["a mutant"], **more)
"""


@pytest.fixture
def run_checks(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    """Runs pytest with netproof's hooks on files of checks, given as the body of each after the usual imports."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str, **files: str) -> pytest.RunResult:
        for name, body in files.items():
            pytester.makepyfile(**{name: PREAMBLE + body})
        return pytester.runpytest_inprocess(*PLUGINS, "--strict-markers", *arguments)

    return run


@pytest.fixture
def plugins() -> list[str]:
    """The options of pytest that load what runs checks and no more."""
    return PLUGINS


@pytest.fixture
def results(pytester: pytest.Pytester) -> Callable[[], Results]:
    """Reads what the last run wrote."""
    return lambda: Results.read(Path(pytester.path) / "reports" / "latest" / "results.json")
