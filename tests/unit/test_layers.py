"""Who imports whom, as CONTRIBUTING.md says: data flows one way, from a submission to a report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
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
    "grading": PYTEST_ALONE | {"netproof.cluster", "netproof.commands", "netproof.observe", "netproof.classroom"},
    "classroom": PYTEST_ALONE | {"netproof.cluster", "netproof.commands", "netproof.observe"},
    "nightly": PYTEST_ALONE | {"netproof.cluster", "netproof.commands", "netproof.observe", "netproof.submission"},
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


def test_no_two_packages_need_each_other():
    needs = {}
    for file in PACKAGE.rglob("*.py"):
        part = part_of(".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts))
        needs.setdefault(part, set()).update(
            part_of(module) for module in imported(file) if module.startswith("netproof.")
        )
    for part, needed in needs.items():
        needed.discard(part)

    TopologicalSorter(needs).prepare()  # raises CycleError, which names them


def test_the_package_imports_no_suite():
    assert not [file for file in PACKAGE.rglob("*.py") if any(one.startswith("suites") for one in imported(file))]


def part_of(module: str) -> str:
    """The package that a module is in, or the module itself where it is in none."""
    return ".".join(module.split(".")[:2])


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
