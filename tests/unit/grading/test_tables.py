"""The tables of a class: every work is in them, a work that was not graded is no zero, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import re

import pytest

from netproof.grading.grade import Work, empty, grade, not_graded
from netproof.grading.language import Language
from netproof.grading.tables import to_csv, to_html, to_markdown

EN, RU = Language.ENGLISH, Language.RUSSIAN


@pytest.fixture
def grades(rubric, results, failed, manifests):
    """Those of a class of four."""
    return [
        grade(rubric, Work(name="ann", commit="0" * 40), results(), manifests()),
        grade(rubric, Work(name="bob"), results(failed("clusterip.reachable")), manifests()),
        empty(Work(name="cid"), "holds no .yaml"),
        not_graded(Work(name="dan"), "etcd died\nof something"),
    ]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_has_the_total_and_all_sections(rubric, grades):
    ann, bob, cid, dan = rows(to_csv(rubric, grades))

    assert (ann["total"], ann["of"], ann["stars"], ann["of_stars"]) == ("18", "18", "10", "10")
    assert (bob["total"], bob["clusterip"], bob["ingress"], bob["seconds"]) == ("12", "3", "9", "80")
    assert (cid["state"], cid["total"], cid["of"]) == ("empty", "0", "18")
    assert (dan["state"], dan["total"], dan["clusterip"], dan["said"]) == ("not-graded", "", "", "etcd died")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", '=HYPERLINK("x")', "a\n=1"])
def test_no_cell_of_a_student_is_a_formula(rubric, name):
    (row,) = rows(to_csv(rubric, [not_graded(Work(name=name), name)]))

    for value in (row["student"], row["said"]):
        assert not re.match(r"\s*[=+\-@]", value)
        assert "\n" not in value


def test_the_summary_counts_and_names_what_was_not_graded(rubric, grades):
    text = to_markdown(rubric, grades, EN)

    assert "Graded: 3 of 4." in text
    assert "Not graded: `dan`." in text
    assert "| dan | not graded |  |" in text
    assert "| The ClusterIP answers with the page on port 80: from the nodes and from a Pod | 1 | 0 |" in text


@pytest.mark.parametrize("language", [EN, RU])
def test_the_page_has_all_feedback_and_nothing_from_elsewhere(rubric, grades, language):
    page = to_html(rubric, grades, language)

    assert page.count("<details>") == 4
    assert f'<html lang="{language.value}">' in page
    assert not re.search(r"<(script|img|link|iframe)|@import|url\(", page)


def test_no_name_becomes_markup(rubric):
    page = to_html(rubric, [not_graded(Work(name="<script>x</script>|`"), "<b>")], EN)

    assert "<script" not in page
    assert "<b>" not in page
