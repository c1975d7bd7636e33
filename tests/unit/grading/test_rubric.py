"""The rubric: what comes with netproof, and what a teacher's own must be."""

from __future__ import annotations

import pytest

from netproof.check import HOMEWORK
from netproof.errors import NetproofError
from netproof.grading.language import Language
from netproof.grading.rubric import STANDARD, read_rubric
from netproof.resources import data_directory
from netproof.running.listing import all_checks

OWN = """\
[[section]]
id = "one"
title = { ru = "Раз", en = "One" }

[section.points]
"clusterip.reachable" = 6

[[section]]
id = "two"
title = { ru = "Два", en = "Two" }
star = true

[section.points]
"clusterip.spreads" = 2.5
"""
KNOWN = {"clusterip.reachable", "clusterip.spreads"}


@pytest.fixture(scope="module")
def checks():
    return {check.id: check for check in all_checks(data_directory("suites"))}


def test_the_standard_rubric_gives_a_hundred_points_and_thirty_for_stars(checks):
    rubric = read_rubric(STANDARD, checks)

    plain = [section for section in rubric.section if not section.star]
    assert sum(sum(section.points.values()) for section in plain) == 100
    assert sum(sum(section.points.values()) for section in rubric.section if section.star) == 30


def test_it_counts_checks_of_the_homework_that_depend_on_the_student_alone(checks):
    rubric = read_rubric(STANDARD, checks)

    assert {checks[name].level for name in rubric.checks} == {HOMEWORK}
    left_out = {name for name, check in checks.items() if check.level is HOMEWORK} - set(rubric.checks)
    assert {name.partition(".")[0] for name in left_out} == {"ipvs", "lb"}
    assert [name for name in left_out if not name.startswith("ipvs.")] == ["lb.metallb-running"]


def test_a_teachers_own_is_read(tmp_path):
    rubric = read_rubric(written(tmp_path, OWN), KNOWN)

    assert rubric.checks == ("clusterip.reachable", "clusterip.spreads")
    assert rubric.section[1].star
    assert rubric.section[0].title[Language.RUSSIAN] == "Раз"


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("clusterip.spreads", "clusterip.spread"), 14, "there is no check 'clusterip.spread'"),
        (
            ("clusterip.spreads", "clusterip.reachable"),
            14,
            "the check 'clusterip.reachable' gives points in 2 sections",
        ),
        (('id = "two"', 'id = "one"'), 9, "the section 'one' is there 2 times"),
        (("= 2.5", "= -1"), 14, "greater than or equal to 0"),
        (("= 2.5", '= "many"'), 14, "valid number"),
        (("star = true", "bonus = true"), 11, "Extra inputs are not permitted"),
        ((', en = "Two"', ""), 9, "the section 'two' has no title in en"),
        (('id = "two"', 'id = "two"\nparts = ["web-pot"]'), 10, "'web-pod', 'web-deploy'"),
        (("[[section]]", "[[section"), 1, "is not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, change, line, said):
    path = written(tmp_path, OWN.replace(*change) if change[0] != "[[section]]" else OWN.replace(*change, 1))

    with pytest.raises(NetproofError) as caught:
        read_rubric(path, KNOWN)

    assert said in str(caught.value)
    assert f"{path}:{line}: " in str(caught.value) or f"line {line}," in str(caught.value)


def test_a_near_id_is_offered(tmp_path):
    with pytest.raises(NetproofError) as caught:
        read_rubric(written(tmp_path, OWN.replace("clusterip.spreads", "clusterip.spread")), KNOWN)

    assert "write clusterip.spreads" in caught.value.remedy


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NetproofError, match="cannot read the rubric"):
        read_rubric(tmp_path / "none.toml", KNOWN)


def written(tmp_path, text):
    path = tmp_path / "rubric.toml"
    path.write_text(text, encoding="utf-8")
    return path
