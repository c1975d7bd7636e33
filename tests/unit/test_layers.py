"""Who imports whom, as CONTRIBUTING.md says: data flows one way, from a submission to a report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import netproof

PACKAGE = Path(netproof.__file__).parent
PYTEST_ALONE = {"pytest", "netproof.fixtures", "netproof.running"}
"""What only runs of checks are made of."""

KNOWS_NOTHING_OF = {
    "submission": PYTEST_ALONE | {"netproof.cluster", "netproof.observe", "netproof.report"},
    "hygiene": PYTEST_ALONE | {"netproof.cluster", "netproof.observe", "netproof.report"},
    "observe": PYTEST_ALONE | {"netproof.cluster", "netproof.report", "netproof.submission"},
    "node": PYTEST_ALONE | {"netproof.cluster", "netproof.observe", "netproof.submission"},
    "toolchain": PYTEST_ALONE | {"netproof.cluster", "netproof.observe", "netproof.submission"},
    "cluster": PYTEST_ALONE | {"netproof.applying", "netproof.commands", "netproof.submission"},
    "applying": PYTEST_ALONE | {"netproof.report"},
    "workloads": PYTEST_ALONE | {"netproof.report", "netproof.services"},
    "services": PYTEST_ALONE | {"netproof.report"},
    "report": PYTEST_ALONE | {"netproof.cluster", "netproof.observe", "netproof.submission"},
    "running": {"netproof.cluster", "netproof.fixtures", "netproof.observe", "netproof.submission"},
    "upstream": PYTEST_ALONE | {"netproof.commands", "netproof.submission"},
}


@pytest.mark.parametrize("package", KNOWS_NOTHING_OF)
def test_a_package_imports_nothing_that_it_should_not_know(package):
    strange = [
        f"{file.relative_to(PACKAGE.parent)} imports {module}"
        for file in sorted((PACKAGE / package).rglob("*.py"))
        for module in imported(file)
        if any(module == one or module.startswith(f"{one}.") for one in KNOWS_NOTHING_OF[package])
    ]

    assert not strange


def test_the_package_imports_no_suite():
    assert not [file for file in PACKAGE.rglob("*.py") if any(one.startswith("suites") for one in imported(file))]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
