from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from netproof.report.table import render
from netproof.upstream import report as reports
from netproof.upstream.specs import absorb

from .conftest import node


def test_results_and_junit_hold_each_selected_spec(run, report, tmp_path):
    absorb(
        run,
        report(
            node("should answer [Conformance]", "passed", seconds=1.5),
            node("should refuse", "failed", message="\x1b[1mit answered\x1b[0m\nat once"),
        ),
    )

    reports.write(run, tmp_path)

    results = json.loads((tmp_path / "upstream.json").read_text())
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]
    assert [spec["outcome"] for spec in results["specs"]] == ["passed", "failed", "not-run"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert suite[1].find("failure").text == "[1mit answered[0m\nat once"
    assert suite[2].find("skipped").get("message") == "not-run"


def test_the_table_ends_with_failures_and_counts(run, report):
    absorb(
        run,
        report(node("should answer [Conformance]", "passed"), node("should refuse", "failed", message="it answered")),
    )
    run.problems.append("kubelet-n1 ended")

    text = render(reports.table(run), width=100, colour=False)

    assert "passed  0.0 s  [sig-network] Services should answer [Conformance]" in text
    assert "failed: [sig-network] Services should refuse" in text
    assert "  it answered" in text
    assert "problem: kubelet-n1 ended" in text
    assert text.endswith("3 specs: 1 passed, 1 failed, 1 not-run")
