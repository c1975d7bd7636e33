"""Nights: each run is compared with the right one, what breaks one run stops no other, and nothing is run twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from netproof.check import HOMEWORK, SUBMISSION
from netproof.cli import app
from netproof.commands import nightly as command
from netproof.errors import NetproofError
from netproof.nightly import job
from netproof.nightly.history import History
from netproof.nightly.job import Job, why_broken
from netproof.nightly.night import Night, NightRun, Order, State
from netproof.nightly.pages import index_to_html, to_html, to_markdown, to_text
from netproof.nightly.telling import ToldNight, exit_code
from netproof.report.changes import Change
from netproof.report.results import CheckResult, Results, Run
from netproof.suite_run import SuiteRun

NOW = datetime(2026, 3, 14, 2, tzinfo=UTC)
PAIRS = [("1.36.3", "iptables"), ("1.37.2", "iptables")]


def a_check(key, verdict, **more):
    facts = {"level": HOMEWORK, "subject": SUBMISSION, "test": "t.py::t", "section": key.partition(".")[0]}
    return CheckResult(id=key, title="It holds.", verdict=verdict, **facts, **more)


def results_with(version, mode, *checks, **more):
    facts = {"kubernetes_version": f"v{version}", "proxy_mode": mode, "finished": NOW, "exit_code": 0}
    return Results(run=Run(id="r", started=NOW, **facts | more), checks=list(checks))


@pytest.fixture
def history(tmp_path):
    return History(tmp_path / "nightly")


@pytest.fixture
def suite(monkeypatch):
    """The suite: its runs leave what the test says of their version and mode, and are remembered."""

    class Suite:
        def __init__(self):
            self.outcomes, self.ran = {}, []

        def __call__(self, _programs, arguments, *, reports, **_):
            version, mode = (one.partition("=")[2] for one in arguments[:2])
            self.ran.append((version, mode, *arguments[2:]))
            outcome = self.outcomes.get((version, mode), [a_check("a.one", "passed")])
            if isinstance(outcome, BaseException):
                raise outcome
            if isinstance(outcome, str):
                return SuiteRun(None, outcome)
            run = reports / f"20260314T020000Z-{len(self.ran):04}"
            results = outcome if isinstance(outcome, Results) else results_with(version, mode, *outcome)
            results.write(run / "results.json")
            return SuiteRun(run)

    suite = Suite()
    monkeypatch.setattr(job, "run_suites", suite)
    return suite


@pytest.fixture
def night(history, suite):
    """Work through a night, so many days after the first."""

    def work(days=0, pairs=PAIRS, arguments=(), prepare=lambda _: None, **outcomes):
        suite.outcomes = {pair: outcomes[name] for name, pair in NAMED.items() if name in outcomes}
        now = NOW + timedelta(days=days)
        one = history.begin(Order(runs=pairs, arguments=list(arguments)), now)
        Job(history, one, prepare, lambda _: None, 60).work()
        return one

    return work


NAMED = {"old": ("1.36.3", "iptables"), "new": ("1.37.2", "iptables"), "newest": ("1.38.0", "iptables")}


def test_a_night_runs_each_version_and_mode_in_a_directory_of_its_own(night, suite, history):
    made = night(arguments=["-m", "homework"])

    assert suite.ran == [(*pair, "-m", "homework") for pair in PAIRS]
    assert made.name == "2026-03-14"
    assert [run.directory.partition("/")[0] for run in made.runs] == ["1.36.3-iptables", "1.37.2-iptables"]
    assert all((history.directory / made.name / run.directory / "report.html").is_file() for run in made.runs)
    assert exit_code(made) == 0


def test_a_run_is_compared_with_the_last_finished_one_of_its_version_and_mode(night):
    night(new=[a_check("a.one", "failed")])
    night(days=1, new="it took too long")

    third = night(days=2, new=[a_check("a.one", "passed")])

    run = third.runs[1]
    assert run.compared_with.startswith("2026-03-14/1.37.2-iptables/")
    assert run.changes == {"mended": ["a.one"]}


def test_a_patch_release_is_compared_with_the_one_before_it(night):
    night(new=[a_check("a.one", "passed")])

    second = night(days=1, pairs=[("1.37.3", "iptables")])

    assert second.runs[0].compared_with.startswith("2026-03-14/1.37.2-iptables/")


def test_a_version_that_is_new_is_compared_with_the_version_before_it(night):
    night()

    second = night(days=1, pairs=[*PAIRS, ("1.38.0", "iptables")], newest=[a_check("a.one", "failed")])

    newest = second.runs[2]
    assert newest.compared_with.startswith("2026-03-15/1.37.2-iptables/")
    assert newest.changes == {"newly failing": ["a.one"]}
    assert exit_code(second) == 1


def test_a_night_that_told_pytest_something_else_is_not_compared_with(night):
    night(arguments=["-m", "homework"])

    assert [run.compared_with for run in night(days=1, pairs=PAIRS[:1]).runs] == [""]


def test_what_fails_in_both_nights_is_told_and_is_not_worse(night, history):
    failing = [a_check("a.one", "failed", expected="a page", observed="none")]
    night(new=failing)

    second = night(days=1, new=failing)

    assert exit_code(second) == 0
    assert "1 still failing" in "\n".join(to_text(ToldNight.of(history, second)))


def test_a_version_that_cannot_be_had_stops_no_other(night, suite):
    def prepare(version):
        if version == "1.36.3":
            raise NetproofError("there is no kubelet 1.36.3", "look at the proxy")

    made = night(prepare=prepare)

    assert [run.state for run in made.runs] == [State.BROKEN, State.FINISHED]
    assert "there is no kubelet 1.36.3" in made.runs[0].said
    assert "look at the proxy" in made.runs[0].said
    assert [ran[0] for ran in suite.ran] == ["1.37.2"]
    assert exit_code(made) == 3


def test_a_cluster_that_does_not_come_up_is_an_error_and_no_change(night):
    night()
    broken = [
        a_check("layout.files", "passed", needs_cluster=False),
        a_check("a.one", "error", message="etcd died", remedy="look at its log"),
        a_check("a.two", "blocked", blocked_by=["a.one"]),
    ]

    second = night(days=1, new=broken)

    run = second.runs[1]
    assert (run.state, run.changes) == (State.BROKEN, {})
    assert "etcd died" in run.said
    assert exit_code(second) == 3


def test_getting_worse_counts_more_than_what_broke(night):
    night()

    assert exit_code(night(days=1, old="it left no results", new=[a_check("a.one", "unsupported")])) == 1


def test_a_night_that_was_broken_off_is_taken_up_where_it_was(night, suite, history):
    with pytest.raises(KeyboardInterrupt):
        night(new=KeyboardInterrupt())
    (kept,) = history.nights()
    assert [run.state for run in kept.runs] == [State.FINISHED, State.INTERRUPTED]

    resumed = night(days=0.1)

    assert resumed.name == "2026-03-14"
    assert [ran[0] for ran in suite.ran] == ["1.36.3", "1.37.2", "1.37.2"]
    assert resumed.finished


def test_the_next_night_is_one_of_its_own(night):
    with pytest.raises(KeyboardInterrupt):
        night(new=KeyboardInterrupt())

    assert night(days=1).name == "2026-03-15"


def test_a_second_night_of_a_date_has_a_number(night):
    assert [night().name, night(days=0.1).name] == ["2026-03-14", "2026-03-14.2"]


def test_an_order_that_is_another_takes_up_nothing(history):
    first = history.begin(Order(runs=PAIRS), NOW)
    first.write(history.directory / first.name)

    assert history.begin(Order(runs=PAIRS[:1]), NOW).name == "2026-03-14.2"
    assert history.begin(Order(runs=PAIRS), NOW, anew=True).name == "2026-03-14.2"
    assert history.begin(Order(runs=PAIRS), NOW).name == "2026-03-14"


@pytest.mark.parametrize(
    ("more", "why"), [({"finished": None}, "killed"), ({"interrupted": True}, "interrupted"), ({}, "")]
)
def test_a_run_without_a_proper_end_is_broken(more, why):
    assert why in why_broken(results_with("1.37.2", "iptables", a_check("a.one", "passed"), **more))


def test_every_form_of_a_night_says_what_changed(night, history):
    night()
    failed = a_check("a.one", "failed", expected="a page", observed="<b>none</b>")

    told = ToldNight.of(history, night(days=1, new=[failed], old="it left no results"))

    text, markdown, page = "\n".join(to_text(told)), to_markdown(told), to_html(told)
    for form in (text, markdown, page):
        assert "1 newly failing" in form
        assert "it left no results" in form
        assert "1.37.2-iptables of 2026-03-14" in form
    assert "a.one, passed before: failed: expected a page; observed <b>none</b>" in text
    assert "<b>none" not in page + markdown
    assert 'href="./1.37.2-iptables/' in page


def test_versions_of_one_night_are_told_side_by_side(night, history):
    night()

    told = ToldNight.of(history, night(days=1, old=[a_check("a.one", "passed"), a_check("a.two", "passed")]))

    assert "  against 1.36.3-iptables of 2026-03-15\n    removed checks: a.two, which was passed" in "\n".join(
        to_text(told)
    )


def test_the_page_of_all_nights_leads_to_each(night, history):
    night()
    night(days=1, new=[a_check("a.one", "failed")])

    page = index_to_html(history)

    assert page.index("2026-03-15") < page.index("2026-03-14")
    assert 'href="./2026-03-15/index.html"' in page
    assert "something got worse" in page


def test_a_night_survives_its_file(tmp_path):
    run = NightRun(version="1.37.2", mode="iptables", changes={Change.MENDED: ["a.one"]})
    written = Night(name="n", started=NOW, order=Order(runs=PAIRS), runs=[run])

    written.write(tmp_path)

    assert Night.read(tmp_path) == written
    (tmp_path / "night.json").write_text("{")
    assert Night.read(tmp_path) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--versions", "1.2"], "there is no Kubernetes '1.2'"),
        (["--modes", "ebpf"], "does not offer the proxy mode 'ebpf'"),
        (["--modes", "iptables", "--pytest-args", "--proxy-mode=ipvs"], "--proxy-mode in --pytest-args"),
        (["--modes", "iptables", "--pytest-args", "-m 'x"], "--pytest-args cannot be read"),
    ],
)
def test_a_wrong_option_is_one_message(arguments, said, tmp_path):
    done = CliRunner().invoke(app, ["nightly", "--out", str(tmp_path), *arguments])

    assert said in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_the_command_runs_the_suite_and_compares_with_the_night_before(tmp_path, monkeypatch):
    """Of checks that need no cluster, so that none is booted."""
    monkeypatch.setattr(command, "_prepare", lambda _: None)
    monkeypatch.setattr(command, "obey_signals", lambda: None)
    chosen = ["--versions=1.37", "--modes=iptables", "--pytest-args=--check=layout.files", f"--out={tmp_path}"]

    first, second = (CliRunner().invoke(app, ["nightly", *chosen]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "1 check: 1 passed; nothing to compare with; nothing failed" in first.output
    assert "1 check: 1 passed; nothing changed" in second.output
    assert len(list(tmp_path.glob("*/1.37.*-iptables/latest/report.html"))) == 2
    assert (tmp_path / "index.html").is_file()
