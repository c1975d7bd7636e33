"""A run in other forms: each says the same, and no text in it is anything but a text."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from netproof.check import HOMEWORK, SUBMISSION
from netproof.cli import app
from netproof.report.csv_report import to_csv
from netproof.report.digest import Digest, duration
from netproof.report.html import link_to, to_html
from netproof.report.junit import to_junit
from netproof.report.markdown_report import to_markdown
from netproof.report.results import CheckResult, Results, Run
from netproof.report.timeline import MARGIN, WIDTH, timeline_of
from netproof.verdict import Verdict

START = datetime(2026, 1, 2, tzinfo=UTC)
HOSTILE = "=1+1\n<script>alert(1)</script> | \x1b[31m"


def a_check(check_id, verdict=Verdict.PASSED, *, at=None, seconds=1.0, **more):
    return CheckResult(
        id=check_id,
        title="It holds.",
        section=check_id.partition(".")[0],
        level=HOMEWORK,
        subject=SUBMISSION,
        test="suites/test_file.py::test_name",
        verdict=verdict,
        started=None if at is None else START + timedelta(seconds=at),
        duration_seconds=seconds,
        **more,
    )


@pytest.fixture
def results():
    run = Run(
        id="20260102T000000Z-0000",
        started=START,
        finished=START + timedelta(seconds=140),
        exit_code=1,
        kubernetes_version="v1.37.2",
        proxy_mode="iptables",
        news=["services.udp-deleted: it is mended"],
    )
    checks = [
        a_check("clusterip.reachable", at=5, seconds=10, measured={"first_answer_seconds": 0.25}),
        a_check(
            "clusterip.spreads",
            Verdict.FAILED,
            at=8,
            seconds=4,
            expected="3 pods",
            observed=HOSTILE,
            remedy="scale it",
            evidence=["evidence/clusterip.spreads/pods of it.yaml"],
        ),
        a_check("probe.declared", Verdict.BLOCKED, reason="needs clusterip.spreads, which failed"),
        a_check("ipvs.table", Verdict.UNSUPPORTED, reason="another mode", remedy="--proxy-mode ipvs"),
        a_check("ipvs.addresses", Verdict.UNSUPPORTED, reason="another mode", remedy="--proxy-mode ipvs"),
        a_check("lb.failover", Verdict.ERROR, at=20, message="kubelet died", remedy="look at its log"),
    ]
    return Results(run=run, checks=checks, not_run=["dns.udp"])


def test_the_page_says_what_failed_and_links_to_its_evidence(results):
    page = to_html(results)

    assert "7 checks: 1 passed, 1 failed, 1 blocked, 2 unsupported, 1 error, 1 not run" in page
    assert "3 pods" in page
    assert 'href="./evidence/clusterip.spreads/pods%20of%20it.yaml"' in page
    assert "services.udp-deleted: it is mended" in page
    assert "--proxy-mode ipvs" in page


def test_the_page_has_no_script_and_nothing_from_elsewhere(results):
    page = to_html(results)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page


def test_links_of_a_page_elsewhere_lead_to_the_run():
    assert link_to("evidence/a.txt", "../reports/r") == "./../reports/r/evidence/a.txt"
    assert link_to("/var/log/a b.txt", "../reports/r") == "file:///var/log/a%20b.txt"


def test_what_runs_at_the_same_time_lies_in_different_lanes(results):
    timeline = timeline_of(Digest(results))

    bars = {bar.check.key: bar for bar in timeline.bars}
    assert [bars[key].lane for key in ("clusterip.reachable", "clusterip.spreads", "lb.failover")] == [0, 1, 0]
    assert len(timeline.lanes) == 2
    assert all(MARGIN <= bar.x <= bar.x + bar.width <= WIDTH for bar in timeline.bars)


def test_workers_have_lanes_of_their_own(results):
    for check, worker in zip(results.checks[:2], ("gw1", "gw0"), strict=True):
        check.worker = worker
    results.checks = results.checks[:2]

    timeline = timeline_of(Digest(results))

    assert timeline.lanes == ("gw0", "gw1")
    assert {bar.check.worker: bar.lane for bar in timeline.bars} == {"gw0": 0, "gw1": 1}


def test_a_run_that_was_killed_is_shown_as_far_as_it_came(results):
    results.run.finished = results.run.exit_code = None

    assert Digest(results).seconds == 21
    assert "not finished" in to_html(results)


def test_a_run_of_nothing_has_every_form():
    empty = Results(run=Run(id="r", started=START))

    assert "0 checks" in to_html(empty)
    assert "0 checks" in to_markdown(empty)
    assert ET.fromstring(to_junit(empty)).find("testsuite").get("tests") == "0"
    assert len(to_csv(empty).splitlines()) == 1


def test_junit_tells_failures_from_errors_and_skips_what_was_not_judged(results):
    suite = ET.fromstring(to_junit(results)).find("testsuite")

    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "1",
        "errors": "1",
        "skipped": "4",
    }
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert cases["clusterip.spreads"].find("failure").text.startswith("expected: 3 pods\nobserved: =1+1\n")
    assert cases["lb.failover"].find("error").get("message") == "kubelet died"
    assert cases["ipvs.table"].find("skipped").get("message") == "unsupported: another mode"
    assert cases["dns.udp"].find("skipped") is not None
    assert not [child for child in cases["clusterip.reachable"] if child.tag != "properties"]


def test_junit_has_verdict_level_and_section_as_properties(results):
    suite = ET.fromstring(to_junit(results)).find("testsuite")

    of_case = {one.get("name"): one.get("value") for one in suite.find("testcase[@name='ipvs.table']").iter("property")}
    assert of_case["verdict"] == "unsupported"
    assert (of_case["level"], of_case["section"]) == ("homework", "ipvs")
    of_run = {one.get("name"): one.get("value") for one in suite.find("properties")}
    assert of_run["Kubernetes"] == "v1.37.2"


def test_what_broke_outside_of_all_checks_is_an_error_in_junit(results):
    results.run.problems = ["etcd died"]

    suite = ET.fromstring(to_junit(results)).find("testsuite")

    assert suite.get("errors") == "2"
    assert suite.find("testcase[@classname='run']/error").get("message") == "etcd died"


def test_no_cell_of_the_csv_is_a_formula(results):
    rows = list(csv.DictReader(io.StringIO(to_csv(results))))

    assert [row["verdict"] for row in rows] == [*(check.verdict for check in results.checks), "not run"]
    assert rows[1]["observed"].startswith("'=1+1 <script>")
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_markdown_tells_reasons_once_and_shows_texts_of_others_as_they_are(results):
    text = to_markdown(results)

    assert "- unsupported: another mode. Remedy: --proxy-mode ipvs. (`ipvs.table`, `ipvs.addresses`)" in text
    assert "```text\n=1+1\n<script>alert(1)</script> |" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.21, "3.2 s"), (140, "2 min 20 s"), (3899.9, "1 h 05 min"), (59.99, "60.0 s")]
)
def test_durations_are_in_words(seconds, said):
    assert duration(seconds) == said


def test_the_command_writes_what_is_asked_for_and_shows_the_table_else(results, tmp_path):
    results.write(tmp_path / "run" / "results.json")
    page = tmp_path / "site" / "index.html"

    shown = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    written = CliRunner().invoke(app, ["report", str(tmp_path / "run"), "--html", str(page), "--junit", "-"])

    assert "failed: clusterip.spreads" in shown.output
    assert 'href="./../run/evidence/' in page.read_text()
    assert written.output.startswith("<?xml")


def test_a_form_that_cannot_be_written_is_one_message(results, tmp_path):
    results.write(tmp_path / "results.json")
    (tmp_path / "file").write_text("")

    done = CliRunner().invoke(app, ["report", str(tmp_path), "--csv", str(tmp_path / "file" / "x.csv")])

    assert "cannot write" in str(done.exception)
