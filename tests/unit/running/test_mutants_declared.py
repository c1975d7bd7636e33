"""Mutants name the checks that catch them, and checks the mutants that they catch: both must say the same."""

from __future__ import annotations

from netproof.check import NoneBecause
from netproof.resources import data_directory
from netproof.running.listing import all_checks
from netproof.submission import load_mutants


def test_mutants_and_checks_name_each_other():
    mutants = load_mutants()
    names = {mutant.name for mutant in mutants}

    by_mutants = {(mutant.name, check) for mutant in mutants for check in mutant.caught_by}
    by_checks = {
        (mutant, check.id)
        for check in all_checks(data_directory("suites"))
        if not isinstance(check.mutants, NoneBecause)
        for mutant in check.mutants
        if mutant in names
    }

    assert by_mutants == by_checks
