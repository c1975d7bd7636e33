"""Results of runs and remarks on manifests, made up, for the tests of grading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netproof.check import Level, Subject
from netproof.grading.manifests import LocatedFile, Manifests, Remark
from netproof.grading.rubric import Rubric, Section
from netproof.hygiene import Severity
from netproof.report.results import CheckResult, Results, Run
from netproof.submission import Found, Part
from netproof.verdict import Verdict

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)

SMALL = Rubric(
    section=(
        Section(
            id="clusterip",
            title={"ru": "Адрес", "en": "Address"},
            parts=(Part.WEB_SVC_CIP,),
            points={"clusterip.reachable": 6, "clusterip.spreads": 3},
        ),
        Section(
            id="ingress",
            title={"ru": "Вход", "en": "Way in"},
            parts=(Part.NGINX_LB, Part.WEB_INGRESS),
            points={"ingress.lb": 4, "ingress.path": 5},
        ),
        Section(
            id="canary",
            title={"ru": "Канарейка", "en": "Canary"},
            parts=(Part.CANARY,),
            star=True,
            points={"canary.header-always": 10},
        ),
    )
)


def a_result(name, verdict=Verdict.PASSED, **fields):
    """What came out of a check."""
    facts = {"title": name, "section": name.partition(".")[0], "level": Level.HOMEWORK, "test": name}
    return CheckResult(**{"id": name, "subject": Subject.SUBMISSION, "verdict": verdict} | facts | fields)


def all_results(*changed, finished=True, **run):
    """The results of a run in which all passed, but for what is given."""
    by_id = {name: a_result(name) for name in SMALL.checks} | {one.id: one for one in changed}
    end = START + timedelta(seconds=80) if finished else None
    made = Run(id="r", started=START, finished=end, **run)
    return Results(run=made, checks=list(by_id.values()))


def all_manifests(*findings, missing=()):
    """What was said of manifests that are all where they are expected, but for those missing."""
    files = {
        Part.WEB_SVC_CIP: "kubernetes-networks/web-svc-cip.yaml",
        Part.NGINX_LB: "kubernetes-networks/nginx-lb.yaml",
        Part.WEB_INGRESS: "kubernetes-networks/web-ingress.yaml",
        Part.CANARY: "kubernetes-networks/canary/",
    }
    return Manifests(
        layout=tuple(
            LocatedFile(
                part=part,
                expected=file,
                found=Found.MISSING if part in missing else Found.AS_EXPECTED,
                files=() if part in missing else (f"{file}all.yaml" if file.endswith("/") else file,),
            )
            for part, file in files.items()
        ),
        findings=findings,
    )


def a_remark(rule, file, message="it is wrong", severity=Severity.ERROR, line=7, why=""):
    """A finding of a rule of hygiene."""
    return Remark(rule=rule, severity=severity, file=file, line=line, object="Service/web", message=message, why=why)


def a_failure(name, observed="refused", **fields):
    """A check that failed."""
    return a_result(name, Verdict.FAILED, expected="a page", observed=observed, **fields)


def a_block(name, *by, reason="needs another"):
    """A check that is blocked by others, or for a reason."""
    return a_result(name, Verdict.BLOCKED, blocked_by=list(by), reason=reason)


def a_lack(name):
    """A check that the cluster cannot judge."""
    return a_result(name, Verdict.UNSUPPORTED, reason="the cluster lacks it")


@pytest.fixture
def rubric():
    """A small rubric."""
    return SMALL


@pytest.fixture
def result():
    """See :func:`a_result`."""
    return a_result


@pytest.fixture
def results():
    """See :func:`all_results`."""
    return all_results


@pytest.fixture
def manifests():
    """See :func:`all_manifests`."""
    return all_manifests


@pytest.fixture
def remark():
    """See :func:`a_remark`."""
    return a_remark


@pytest.fixture
def failed():
    """See :func:`a_failure`."""
    return a_failure


@pytest.fixture
def blocked():
    """See :func:`a_block`."""
    return a_block


@pytest.fixture
def unsupported():
    """See :func:`a_lack`."""
    return a_lack
