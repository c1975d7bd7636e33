"""The hooks that netproof asks; a plugin or a conftest.py that knows the cluster answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from netproof.check import Check
from netproof.running.ahead import Maker
from netproof.verdict import UnsupportedError


@pytest.hookspec(firstresult=True)
def pytest_netproof_missing_feature(config: pytest.Config, feature: str) -> UnsupportedError | None:
    """Say that the cluster lacks ``feature``, before a check that needs it runs.

    Returns:
        What is missing and what would enable it, or None where the feature is there. A feature that nobody
        calls missing counts as there.
    """


@pytest.hookspec(firstresult=True)
def pytest_netproof_broken_cluster(config: pytest.Config) -> str | None:
    """Say that a component of the cluster is broken, after a check failed and before it is called failed.

    Returns:
        Which component, with its last log lines and the path of its log; None where the cluster is sound.
    """


@pytest.hookspec(firstresult=True)
def pytest_netproof_not_at_fault(config: pytest.Config, check: Check) -> UnsupportedError | None:
    """Say that ``check``, which has failed, may have failed for what its subject is not to blame for.

    Returns:
        What that is and what would make the check judge the subject alone; None where the failure stands.
    """


@pytest.hookspec
def pytest_netproof_own_fixtures() -> Mapping[str, Maker] | None:
    """Name fixtures of function scope that can be made before the turn of their check (:mod:`netproof.running.ahead`).

    Returns:
        By the fixture's name what makes its value, in any thread, for an item, from the shared fixtures by name. When
        the turn of the item comes, the fixture must give that same value.
    """


@pytest.hookspec
def pytest_netproof_failed_ahead(item: pytest.Item, shared: Mapping[str, Any]) -> None:
    """Write down what tells of the failure of a check that has run before its turn; called at once, in any thread.

    Args:
        item: its test.
        shared: the shared fixtures that it uses, by name.
    """
