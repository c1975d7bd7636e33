"""The list of all checks."""

from __future__ import annotations

import json

import pytest

from netproof.errors import NetproofError
from netproof.running.listing import all_checks, to_json, to_markdown

SUITE = """
import pytest
from netproof.check import DERIVED, EXTENDED, OWN, check, none_because

@check("rollout.surge-first", subject=DERIVED, needs=["deploy.replicas"], control="100%/0", mutants=["a", "b"])
def test_surge():
    \"\"\"New pods come first.

    More words.
    \"\"\"

@check(
    "deploy.replicas", subject=OWN, level=EXTENDED, features=["x"], control=none_because("it counts"), mutants=["2 | 3"]
)
@pytest.mark.parametrize("n", [1, 2])
def test_replicas(n): "Three pods."

def test_ordinary(): pass
"""


@pytest.fixture
def suites(tmp_path):
    (tmp_path / "test_rollout.py").write_text(SUITE)
    return tmp_path


def test_every_check_is_listed_once_in_the_order_of_the_files(suites, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-m homework")

    assert [(check.id, check.title) for check in all_checks(suites)] == [
        ("rollout.surge-first", "New pods come first."),
        ("deploy.replicas", "Three pods."),
    ]


def test_the_list_as_json(suites):
    listed = json.loads(to_json(all_checks(suites)))

    assert listed[0]["needs"] == ["deploy.replicas"]
    assert listed[0]["section"] == "rollout"
    assert listed[1]["control"] == {"none_because": "it counts"}
    assert (listed[1]["level"], listed[1]["subject"]) == ("extended", "own")


def test_the_list_as_markdown(suites):
    text = to_markdown(all_checks(suites))

    assert "## rollout\n" in text
    assert (
        "| `rollout.surge-first` | homework | derived | New pods come first. | `deploy.replicas` |  | 100%/0 | a; b |"
        in text
    )
    assert "| none: it counts | 2 \\| 3 |" in text


def test_a_suite_that_cannot_be_collected_is_one_message(suites):
    (suites / "test_broken.py").write_text("import no_such_module")

    with pytest.raises(NetproofError, match="no_such_module"):
        all_checks(suites)
