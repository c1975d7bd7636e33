"""Runs stand side by side, and only verdicts on the same thing can differ."""

import pytest

from netproof.check import Level, Subject
from netproof.report.compare import compare
from netproof.report.results import CheckResult, Results, Run


def results(mode, **verdicts):
    run = Run(id=mode, started="2026-01-01T00:00:00Z", kubernetes_version="v1.37.2", proxy_mode=mode, node_kind="netns")
    checks = [
        CheckResult(
            id=name.replace("_", "."),
            title="It holds.",
            section=name.partition("_")[0],
            level=Level.EXTENDED,
            subject=Subject.OWN,
            test=f"test_it.py::{name}",
            verdict=verdict,
        )
        for name, verdict in verdicts.items()
    ]
    return Results(run=run, checks=checks)


@pytest.fixture
def table():
    return compare(
        [
            results("iptables", services_hairpin="passed", clusterip_chains="passed", proxy_ping="failed"),
            results("nftables", services_hairpin="passed", clusterip_chains="unsupported", proxy_ping="passed"),
        ]
    ).splitlines()


def test_each_run_has_its_column(table):
    assert table[0] == "| check | v1.37.2 iptables netns | v1.37.2 nftables netns | |"
    assert "| services.hairpin | passed | passed |  |" in table


def test_what_differs_is_marked(table):
    assert "| proxy.ping | failed | passed | differs |" in table


def test_what_a_mode_does_not_have_is_no_difference(table):
    assert "| clusterip.chains | passed | unsupported |  |" in table
