"""What a run makes of ``--adapt``."""

from __future__ import annotations

import pytest

from netproof.check import DERIVED, OWN, SUBMISSION, Check, Level, none_because
from netproof.errors import NetproofError
from netproof.fixtures.adaptation import adapted, pytest_netproof_not_at_fault, target_of
from netproof.fixtures.submission import submission_of, written_submission_of
from netproof.submission.adaptations import Target

OLD = """
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /web, backend: {serviceName: web-svc, servicePort: 8000}}]}}]}
"""


@pytest.fixture
def config(pytester):
    """Makes the configuration of a run on a submission with an Ingress of its time."""
    (pytester.mkdir("submission") / "web-ingress.yaml").write_text(OLD)
    return lambda *arguments: pytester.parseconfig("--submission", "submission", *arguments)


def check(check_id, subject=SUBMISSION):
    none = none_because("it is never run")
    return Check(check_id, "It holds.", subject, Level.HOMEWORK, (), (), none, none, (), False, "test_it.py")


def api_versions(submission):
    return [found.api_version for found in submission.objects]


def test_manifests_are_adapted_to_the_version_of_the_run(config):
    run = config("--kubernetes-version", "1.34")

    assert target_of(run) == Target((1, 34), "traefik")
    assert api_versions(submission_of(run)) == ["networking.k8s.io/v1"]
    assert api_versions(written_submission_of(run)) == ["networking.k8s.io/v1beta1"]


def test_adapt_none_leaves_them_as_they_are_and_says_what_that_means(config):
    run = config("--adapt", "none")

    assert api_versions(submission_of(run)) == ["networking.k8s.io/v1beta1"]
    assert [change.rule.id for change in adapted(run, written_submission_of(run)).changes] == ["ingress-v1"]


@pytest.mark.parametrize(
    ("one", "excused"),
    [
        (check("ingress.path"), True),
        (check("canary.header-always", DERIVED), True),
        (check("canary.lone", OWN), False),
        (check("clusterip.reachable"), False),
    ],
    ids=lambda value: value.id if isinstance(value, Check) else "",
)
def test_with_adapt_none_what_rests_on_an_old_manifest_is_not_judged(config, one, excused):
    run = config("--adapt", "none")
    submission_of(run)

    excuse = pytest_netproof_not_at_fault(run, one)

    assert (excuse is not None) is excused
    if excuse:
        assert excuse.enable == "--adapt era"
        assert "Ingress/web (web-ingress.yaml:2)" in excuse.reason


def test_an_adapted_submission_answers_for_itself(config):
    run = config()
    submission_of(run)

    assert pytest_netproof_not_at_fault(run, check("ingress.path")) is None


def test_an_unknown_version_is_refused_with_those_that_exist(config):
    with pytest.raises(NetproofError, match=r"no Kubernetes '1\.9'"):
        submission_of(config("--kubernetes-version", "1.9"))
