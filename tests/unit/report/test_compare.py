"""Runs stand side by side, and only verdicts on the same thing can differ."""

import pytest
from typer.testing import CliRunner

from netproof.check import Level, Subject
from netproof.cli import app
from netproof.report.compare import Comparison, Standing
from netproof.report.compare_text import for_terminal, to_markdown
from netproof.report.results import CheckResult, Results, Run
from netproof.report.table import render

OTHER_MODE = "kube-proxy runs in the mode nftables"


def a_check(name, verdict, **more):
    section = name.partition(".")[0]
    facts = {
        "title": "It holds.",
        "section": section,
        "level": Level.EXTENDED,
        "subject": Subject.OWN,
        "test": "t.py::t",
    }
    return CheckResult(id=name, verdict=verdict, **facts, **more)


def a_run(checks, mode="iptables", version="v1.37.2", name="20260102T000000Z-0000", **more):
    facts = {"kubernetes_version": version, "proxy_mode": mode, "node_kind": "netns", "node_count": 2}
    run = Run(id=name, started="2026-01-02T00:00:00Z", **facts, **more)
    return Results(run=run, checks=checks)


@pytest.fixture
def runs():
    iptables = [
        a_check("clusterip.chains", "passed"),
        a_check("dns.udp", "passed", dimensions={"protocol": "UDP"}),
        a_check("lb.failover", "passed", measured={"served_after_seconds": 3.25}),
        a_check("proxy.ping", "failed", expected="silence", observed="a | reply\nin two lines"),
        a_check("services.hairpin", "passed"),
    ]
    nftables = [
        a_check("clusterip.chains", "unsupported", reason=OTHER_MODE),
        a_check("clusterip.rules-heal", "unsupported", reason=OTHER_MODE),
        a_check("dns.udp", "passed", dimensions={"protocol": "UDP"}),
        a_check("lb.failover", "passed"),
        a_check("proxy.ping", "passed"),
        a_check("services.hairpin", "passed"),
    ]
    return [a_run(iptables), a_run(nftables, "nftables", news=["a bug is mended"])]


def keys(comparison, standing):
    return [row.key for row in comparison.standing(standing)]


def test_verdicts_differ_only_where_both_are_judged(runs):
    comparison = Comparison.of(runs)

    assert keys(comparison, Standing.DIFFERS) == ["proxy.ping"]
    assert keys(comparison, Standing.NOT_IN_ALL) == ["clusterip.chains", "clusterip.rules-heal"]
    assert keys(comparison, Standing.ALIKE) == ["dns.udp[protocol=UDP]", "lb.failover", "services.hairpin"]


def test_a_check_that_a_run_did_not_come_to_is_no_difference(runs):
    runs[1].checks.pop()
    runs[1].not_run = ["services.hairpin", "services.other"]

    comparison = Comparison.of(runs)

    assert "services.hairpin" in keys(comparison, Standing.NOT_IN_ALL)
    assert ("services.other", "-", "-") in [row.cells for row in comparison.rows]


@pytest.mark.parametrize(
    ("made", "columns"),
    [
        ([("iptables", "v1.37.2", "a"), ("ipvs", "v1.37.2", "b")], ("iptables", "ipvs")),
        ([("iptables", "v1.34.4", "a"), ("iptables", "v1.37.2", "b")], ("v1.34.4", "v1.37.2")),
        ([("iptables", "v1.34.4", "a"), ("ipvs", "v1.37.2", "b")], ("v1.34.4 iptables", "v1.37.2 ipvs")),
        ([("iptables", "v1.37.2", "a"), ("iptables", "v1.37.2", "b")], ("a", "b")),
        (
            [("iptables", "v1.37.2", "a"), ("ipvs", "v1.37.2", "b"), ("ipvs", "v1.37.2", "c")],
            ("iptables a", "ipvs b", "ipvs c"),
        ),
    ],
)
def test_a_column_is_called_by_what_tells_it_from_the_others(made, columns):
    runs = [a_run([], mode, version, name) for mode, version, name in made]

    assert Comparison.of(runs).columns == columns


def test_the_same_run_twice_has_two_columns(runs):
    assert len(set(Comparison.of([runs[0], runs[0]]).columns)) == 2


def test_differences_come_first_and_say_what_was_seen(runs):
    text = to_markdown(Comparison.of(runs))

    assert "| proxy.ping | failed | passed |" in text
    assert "- proxy.ping in iptables: failed: expected silence; observed a | reply in two lines" in text
    assert text.index("proxy.ping") < text.index("clusterip.chains") < text.index("services.hairpin")


def test_checks_that_were_not_judged_for_one_reason_are_told_together(runs):
    text = to_markdown(Comparison.of(runs))

    assert f"- nftables: unsupported: {OTHER_MODE} (clusterip.chains, clusterip.rules-heal)" in text


def test_what_one_run_judged_comes_before_what_none_did(runs):
    runs[0].checks.append(a_check("a.never", "unsupported", reason=OTHER_MODE))

    text = to_markdown(Comparison.of(runs))

    assert text.index("| clusterip.chains |") < text.index("| a.never |") < text.index("| clusterip.rules-heal |")


def test_what_was_measured_and_what_is_news_stands_side_by_side(runs):
    text = to_markdown(Comparison.of(runs))

    assert "| lb.failover served_after_seconds | 3.25 | - |" in text
    assert "- nftables: a bug is mended" in text


def test_what_is_alike_can_be_left_out_and_is_counted(runs):
    text = to_markdown(Comparison.of(runs), with_alike=False)

    assert "3 checks with the same verdict in every run" in text
    assert "services.hairpin" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_the_same_within_its_width(runs, width):
    text = render(for_terminal(Comparison.of(runs)), width=width, colour=False)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "proxy.ping" in text


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 0), (["--exit-code"], 1), (["--exit-code", "--markdown", "--only-differences"], 1)]
)
def test_the_command_exits_with_1_where_it_is_asked_to_and_verdicts_differ(runs, tmp_path, arguments, code):
    for number, run in enumerate(runs):
        run.write(tmp_path / str(number) / "results.json")

    done = CliRunner().invoke(app, ["compare", *arguments, str(tmp_path / "0"), str(tmp_path / "1" / "results.json")])

    assert done.exit_code == code
    assert "proxy.ping" in done.output
