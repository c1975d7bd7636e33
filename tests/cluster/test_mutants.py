"""Each mutant of the reference submission is caught by exactly the checks that it names.

Asked are the checks of the submission's own objects, in the sections concerned. The others work on copies of other
manifests, or on netproof's own objects, and have their mutants inside.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netproof.report.results import Results
from netproof.submission import Mutant, Submission, bundled_manifests, load, load_mutants, write_mutated
from netproof.verdict import Verdict

from .conftest import Prove

SECTIONS = ("canary", "clusterip", "dashboard", "deploy", "dns", "headless", "ingress", "lb", "probe")
MUTANTS = [mutant for mutant in load_mutants() if mutant.name.startswith(SECTIONS)]

pytestmark = pytest.mark.cluster


def test_reference_is_caught_by_no_check(
    prove: Prove, checks_of_submissions: dict[str, list[str]], reference: Submission
) -> None:
    results = prove(reference, [check for section in SECTIONS for check in checks_of_submissions[section]])

    assert verdicts(results).keys() >= {"clusterip.reachable", "deploy.replicas", "probe.declared"}
    assert set(verdicts(results).values()) == {Verdict.PASSED}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_by_exactly_the_checks_it_names(
    mutant: Mutant,
    prove: Prove,
    checks_of_submissions: dict[str, list[str]],
    reference: Submission,
    tmp_path: Path,
) -> None:
    submission = write_mutated(reference, mutant, tmp_path / "mutant")
    concerned = {name.partition(".")[0] for name in mutant.caught_by} | {mutant.name.partition("-")[0]}

    results = prove(submission, [check for section in sorted(concerned) for check in checks_of_submissions[section]])

    found = verdicts(results)
    assert {check for check, verdict in found.items() if verdict is Verdict.FAILED} == set(mutant.caught_by)
    assert set(found.values()) <= {Verdict.PASSED, Verdict.FAILED, Verdict.BLOCKED}


@pytest.fixture(scope="module")
def reference() -> Submission:
    """The reference submission."""
    return load(bundled_manifests("reference"))


def verdicts(results: Results) -> dict[str, Verdict]:
    """The verdict of each check."""
    assert not results.not_run
    return {check.key: check.verdict for check in results.checks}
