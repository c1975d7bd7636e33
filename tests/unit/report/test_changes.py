"""What changed from one run to a later one, and what of it is for the worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netproof.check import HOMEWORK, SUBMISSION
from netproof.report.changes import Change, Changes, Pair
from netproof.report.results import CheckResult, Component, Phase, Results, Run

START = datetime(2026, 1, 2, tzinfo=UTC)


def a_check(key, verdict, **more):
    return CheckResult(
        id=key,
        title="It holds.",
        section=key.partition(".")[0],
        level=HOMEWORK,
        subject=SUBMISSION,
        test="t.py::t",
        verdict=verdict,
        **more,
    )


def a_run(*checks, not_run=(), **more):
    run = Run(id="r", started=START, finished=START + timedelta(seconds=10), **more)
    return Results(run=run, checks=list(checks), not_run=list(not_run))


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("passed", "failed", Change.NEWLY_FAILING),
        ("unsupported", "failed", Change.NEWLY_FAILING),
        (None, "failed", Change.NEWLY_FAILING),
        ("error", "failed", Change.NEWLY_FAILING),
        ("passed", "unsupported", Change.NO_LONGER_PROVEN),
        ("passed", "blocked", Change.NO_LONGER_PROVEN),
        ("failed", "unsupported", Change.NO_LONGER_JUDGED),
        ("passed", "error", Change.NEW_ERROR),
        ("failed", "failed", Change.STILL_FAILING),
        ("error", "error", Change.STILL_AN_ERROR),
        ("failed", "passed", Change.MENDED),
        ("error", "passed", Change.MENDED),
        ("unsupported", "passed", Change.NOW_PROVEN),
        ("not run", "passed", Change.NOW_PROVEN),
        (None, "passed", Change.NEW),
        (None, "unsupported", Change.NEW),
        ("passed", None, Change.REMOVED),
        ("passed", "passed", None),
        ("passed", "not run", None),
        ("blocked", "unsupported", None),
        ("error", "unsupported", None),
    ],
)
def test_each_pair_of_verdicts_says_what_became_of_the_check(before, after, change):
    def run_with(verdict):
        others = [a_check("a.other", "passed")]
        if verdict == "not run":
            return a_run(*others, not_run=["a.check"])
        return a_run(*others, *([a_check("a.check", verdict)] if verdict else []))

    changes = Changes.since(run_with(before), run_with(after))

    assert [one.change for one in changes.checks] == ([change] if change else [])
    assert changes.is_worse == (change in {Change.NEWLY_FAILING, Change.NO_LONGER_PROVEN})


def test_without_a_run_before_what_fails_is_newly_failing_and_nothing_else_is_told():
    run = a_run(a_check("a.good", "passed"), a_check("a.bad", "failed"), a_check("a.not", "unsupported"))

    changes = Changes.since(None, run)

    assert [(one.key, one.change) for one in changes.checks] == [("a.bad", Change.NEWLY_FAILING)]
    assert changes.is_worse


def test_what_is_blocked_by_an_error_is_an_error_and_nothing_worse():
    before = a_run(a_check("a.one", "passed"), a_check("a.two", "passed"), a_check("a.three", "passed"))
    after = a_run(
        a_check("a.one", "error"),
        a_check("a.two", "blocked", blocked_by=["a.one"]),
        a_check("a.three", "blocked", blocked_by=["a.two"]),
    )

    changes = Changes.since(before, after)

    assert {one.key: one.change for one in changes.checks} == dict.fromkeys(
        ("a.one", "a.two", "a.three"), Change.NEW_ERROR
    )
    assert not changes.is_worse


def test_what_got_worse_comes_first():
    before = a_run(a_check("a.one", "failed"), a_check("a.two", "passed"), a_check("a.three", "passed"))
    after = a_run(a_check("a.one", "passed"), a_check("a.two", "unsupported"), a_check("a.three", "failed"))

    changes = Changes.since(before, after)

    assert [one.key for one in changes.checks] == ["a.three", "a.two", "a.one"]
    assert changes.counts == "1 newly failing, 1 no longer proven, 1 mended"


def test_only_new_news_is_told():
    before = a_run(a_check("a.one", "passed"), news=["old"])

    assert Changes.since(before, a_run(a_check("a.one", "passed"), news=["old", "new"])).news == ("new",)


def test_programs_of_other_versions_are_told():
    before = a_run(components=[Component(name="etcd", version="3.7.2"), Component(name="runc", version="1.5.2")])
    after = a_run(components=[Component(name="etcd", version="3.7.3"), Component(name="traefik", version="3.7.13")])

    assert set(Changes.since(before, after).versions) == {
        Pair("etcd", "3.7.2", "3.7.3"),
        Pair("runc", "1.5.2", ""),
        Pair("traefik", "", "3.7.13"),
    }


def test_durations_are_told_where_they_changed_much_and_are_no_change_for_the_worse():
    before = a_run(
        a_check("a.fast", "passed", duration_seconds=0.1),
        a_check("a.slow", "passed", duration_seconds=10),
        a_check("a.slower", "passed", duration_seconds=10),
        phases=[Phase(name="nodes", seconds=3)],
    )
    after = a_run(
        a_check("a.fast", "passed", duration_seconds=1.0),
        a_check("a.slow", "passed", duration_seconds=15),
        a_check("a.slower", "passed", duration_seconds=30),
        phases=[Phase(name="nodes", seconds=9)],
    )

    changes = Changes.since(before, after)

    assert set(changes.durations) == {Pair("a.slower", "10.0 s", "30.0 s"), Pair("phase: nodes", "3.0 s", "9.0 s")}
    assert not changes.is_worse
