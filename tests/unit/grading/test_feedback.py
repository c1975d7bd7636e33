"""Feedback: one cause for all that fails for it, places, no solution, and nothing that a student's text can break."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from netproof.grading.feedback import feedback
from netproof.grading.grade import Work, empty, grade, not_graded
from netproof.grading.language import Language
from netproof.hygiene import Severity
from netproof.hygiene.rules import RULE_OF_ID
from netproof.submission import Part
from netproof.verdict import Verdict

RU, EN = Language.RUSSIAN, Language.ENGLISH
CLUSTER_IP, INGRESS = "kubernetes-networks/web-svc-cip.yaml", "kubernetes-networks/web-ingress.yaml"
CANARY = "kubernetes-networks/canary/all.yaml"


@pytest.fixture
def told(rubric, manifests):
    """The feedback on results and what was said of manifests."""

    def tell(given, said=None, language=EN, name="ann"):
        return feedback(rubric, grade(rubric, Work(name=name), given, said or manifests()), language)

    return tell


def test_a_work_in_which_all_works_is_told_so(results, told):
    text = told(results())

    assert "**Total: 18 of 18**, and 10 of 10 more for the starred parts." in text
    assert "All that was checked works." in text
    assert "What to mend" not in text


def test_a_finding_in_the_file_of_a_failed_check_is_its_cause_with_its_place(results, manifests, remark, failed, told):
    text = told(results(failed("clusterip.reachable")), manifests(remark("wiring.ports", CLUSTER_IP, "port 80")))

    assert "### 1. A port leads to where nobody listens" in text
    assert f"Where: `{CLUSTER_IP}:7`" in text
    assert "Service/web: port 80" in text
    assert "- The ClusterIP answers with the page" in text
    assert "expected: a page\nseen: refused" in text
    assert "see 1" in text


def test_one_mistake_in_two_files_is_one_cause(results, manifests, remark, failed, told):
    text = told(
        results(failed("clusterip.reachable"), failed("ingress.path")),
        manifests(remark("wiring.ports", CLUSTER_IP), remark("wiring.ports", INGRESS, line=9)),
    )

    assert f"Where: `{CLUSTER_IP}:7`, `{INGRESS}:9`" in text
    assert "### 2." not in text


def test_what_a_check_saw_is_told_once_however_many_causes_it_may_have(results, manifests, remark, failed, told):
    both = remark("wiring.ports", CLUSTER_IP), remark("wiring.selectors", CLUSTER_IP, line=5)

    text = told(results(failed("clusterip.reachable")), manifests(*both))

    assert "### 2. " in text
    assert text.count("seen: refused") == 1


def test_a_remark_says_why_where_that_is_not_what_its_rule_always_says(results, manifests, remark, told):
    usual = remark("wiring.ports", CLUSTER_IP, "port 80", why=RULE_OF_ID["wiring.ports"].why)
    own = remark("wiring.canary", CANARY, "called always", why="requests need always: always")

    text = told(results(), manifests(usual, own))

    assert f"{CLUSTER_IP}:7: Service/web: port 80\n" in text
    assert f"{CANARY}:7: Service/web: called always; requests need always: always\n" in text


def test_a_failure_that_no_rule_explains_has_the_files_that_it_is_about(results, failed, told):
    text = told(results(failed("clusterip.reachable", objects=["Service default/web"])))

    assert f"Where: `{CLUSTER_IP}`, `Service default/web`" in text


def test_a_rule_may_explain_checks_of_other_parts(results, manifests, remark, failed, told):
    pool = remark("wiring.advertisement", "kubernetes-networks/metallb-config.yaml")
    text = told(results(failed("ingress.lb")), manifests(pool))

    assert "### 1. Nobody announces the pool of addresses" in text


def test_a_finding_elsewhere_is_no_cause(results, manifests, remark, failed, told):
    text = told(results(failed("ingress.path")), manifests(remark("wiring.ports", CLUSTER_IP)))

    assert "### 1. Does not hold: «/web and /web/index.html open the page" in text
    assert "## Remarks that cost no points\n\n**A port leads to where nobody listens.**" in text


@pytest.mark.parametrize("rule", ["security.privileged", "apply.removed-api"])
def test_what_works_or_is_adapted_is_never_a_cause(rule, results, manifests, remark, failed, told):
    text = told(results(failed("ingress.path")), manifests(remark(rule, INGRESS, severity=Severity.WARNING)))

    assert "### 1. Does not hold" in text


def test_what_is_adapted_is_no_remark_either_and_is_said_to_cost_nothing(results, manifests, remark, told):
    old = remark("apply.removed-api", INGRESS, severity=Severity.WARNING)
    text = told(results(adaptation=["Ingress/web: is one of v1 [ingress-v1]"]), manifests(old))

    assert "Remarks" not in text
    assert "That costs no points. Changed (verbatim):\n\n```text\nIngress/web: is one of v1 [ingress-v1]\n```" in text
    assert "**Total: 18 of 18**" in text


def test_what_waits_is_told_once_with_what_it_waits_for(results, failed, blocked, told):
    text = told(results(failed("ingress.lb"), blocked("ingress.path", "ingress.lb")))

    assert text.count("Not checked until this works") == 1
    assert "  - /web and /web/index.html open the page, and all Pods answer (0 of 5)" in text


def test_a_missing_file_is_named_where_it_is_expected(results, manifests, blocked, told):
    text = told(
        results(blocked("ingress.path", reason="the submission has no Ingress")), manifests(missing=[Part.WEB_INGRESS])
    )

    assert f"### 1. There is no file `{INGRESS}`" in text
    assert "verbatim: `the submission has no Ingress`" in text


def test_a_starred_part_that_was_not_done_is_no_mistake(results, manifests, blocked, told):
    text = told(results(blocked("canary.header-always", reason="none")), manifests(missing=[Part.CANARY]))

    assert "What to mend" not in text
    assert "A starred part that was not done: there is nothing in `kubernetes-networks/canary/`." in text


def test_what_the_cluster_lacks_is_said_and_taken_off_the_maximum(result, results, told):
    text = told(results(result("clusterip.spreads", Verdict.UNSUPPORTED, reason="no")))

    assert "**Total: 15 of 15**" in text
    assert "➖ All ready Pods answer, in equal shares: this cluster cannot do it" in text


def test_what_was_not_graded_is_no_zero(rubric):
    for language, words in ((EN, "this is no zero"), (RU, "это не ноль")):
        text = feedback(rubric, not_graded(Work(name="ann"), "etcd died"), language)

        assert words in text
        assert "etcd died" in text
        assert "| --- |" not in text


def test_an_empty_work_is_a_zero_with_its_reason(rubric):
    text = feedback(rubric, empty(Work(name="ann"), "holds no .yaml"), RU)

    assert "**Итог: 0 из 18.**" in text
    assert "holds no .yaml" in text


def test_no_text_of_a_student_becomes_markup(results, manifests, remark, failed, blocked, told):
    evil = "</code><script>alert(1)</script> ``` [x](javascript:alert(1)) | ![y](https://e.example/p) \x1b[2J\u202e"
    text = told(
        results(failed("clusterip.reachable", observed=evil, objects=[evil]), blocked("ingress.path", reason=evil)),
        manifests(remark("wiring.ports", CLUSTER_IP, evil)),
        name=evil,
    )

    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_russian_feedback_has_no_english_sentence_of_its_own(results, manifests, remark, failed, blocked, told):
    text = told(
        results(failed("clusterip.reachable"), blocked("clusterip.spreads", "clusterip.reachable"), adaptation=["x"]),
        manifests(remark("wiring.ports", CLUSTER_IP), remark("security.privileged", INGRESS)),
        RU,
    )

    for phrase in ("Total", "Where", "Hint", "see", "Not checked", "Remarks"):
        assert phrase not in "".join(text.split("```")[::2])
