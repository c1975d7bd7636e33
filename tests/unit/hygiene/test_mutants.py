"""Each mutant of hygiene is found by exactly the rules that it names; the reference by none."""

from __future__ import annotations

from pathlib import Path

import pytest

from netproof.hygiene import examine
from netproof.hygiene.rules import RULES
from netproof.resources import data_directory
from netproof.running.listing import all_checks
from netproof.submission import bundled_manifests, load, load_mutants, mutate

SECTIONS = {rule.id.partition(".")[0] for rule in RULES}
MUTANTS = [mutant for mutant in load_mutants() if mutant.name.partition("-")[0] in SECTIONS]
VERSIONS = [(1, 34), (1, 37)]


@pytest.fixture(scope="module")
def reference():
    return load(bundled_manifests("reference"))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: ".".join(map(str, version)))
def test_nothing_is_found_in_the_reference(reference, version):
    assert examine(reference, version).findings == ()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_found_by_exactly_the_rules_it_names(reference, mutant):
    found = examine(mutate(reference, mutant), VERSIONS[-1])

    assert {one.rule for one in found.to_be_mended} == set(mutant.caught_by)


def test_there_is_a_check_for_each_rule_that_says_the_same():
    checks = {check.id: check.title for check in all_checks(data_directory("suites")) if check.section in SECTIONS}

    assert checks == {rule.id: rule.holds for rule in RULES}


def test_the_document_names_each_rule():
    document = (Path(__file__).parents[3] / "docs" / "hygiene.md").read_text(encoding="utf-8")

    assert [rule.id for rule in RULES if f"`{rule.id}`" not in document] == []
