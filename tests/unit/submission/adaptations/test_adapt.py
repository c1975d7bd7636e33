"""All rules together."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netproof.submission import Submission, bundled_manifests, load, plan
from netproof.submission.adaptations import RULES, Group, Target, adapt
from netproof.submission.documents import read_text
from netproof.submission.write_yaml import to_yaml

NEWEST = Target((1, 37))
CORPUS = Path(os.environ.get("NETPROOF_CORPUS", Path(__file__).parents[4].parent / "shared" / "corpus"))
REPOSITORIES = sorted(path for path in CORPUS.glob("*_platform") if path.is_dir()) if CORPUS.is_dir() else []
real = pytest.mark.skipif(not REPOSITORIES, reason=f"no real submissions at {CORPUS}; set NETPROOF_CORPUS")


def author(path):
    return path.name.partition("__")[2].removesuffix("_platform")


def applied(path):
    """The rules that change something in a real submission, each once."""
    return list(dict.fromkeys(change.rule.id for change in adapt(load(path), NEWEST).changes))


def test_the_reference_is_of_today_and_adapted_to_the_controller_alone():
    reference = load(bundled_manifests("reference"))

    adapted = adapt(reference, NEWEST)

    assert [(change.rule.id, str(change.position)) for change in adapted.changes] == [
        ("backend-port", "kubernetes-networks/web-ingress.yaml:18"),
        ("backend-port", "kubernetes-networks/canary/canary-ingress.yaml:22"),
        ("canary-namespace", "kubernetes-networks/canary/canary-ingress.yaml:17"),
        ("plain-rewrite", "kubernetes-networks/web-ingress.yaml:13"),
        ("plain-rewrite", "kubernetes-networks/canary/canary-ingress.yaml:17"),
    ]
    assert adapt(reference, Target((1, 37), "ingress-nginx")).submission is reference


def test_the_parts_of_the_homework_are_found_in_the_adapted_reference():
    submission = adapt(load(bundled_manifests("reference")), NEWEST).submission

    assert [str(located) for located in submission.layout if located.found != "as expected"] == []
    canary = submission.deployment("canary")
    assert (canary.name, canary.namespace) == ("web", "canary")


@real
@pytest.mark.parametrize("path", REPOSITORIES, ids=author)
def test_a_real_submission_is_adapted_once_and_for_all(path):
    written = load(path)
    before = copy.deepcopy([found.manifest for found in written.objects])

    adapted = adapt(written, NEWEST)

    assert [found.manifest for found in written.objects] == before
    assert adapt(adapted.submission, NEWEST).changes == ()
    assert {located.part: located.found for located in adapted.submission.layout} == {
        located.part: located.found for located in written.layout
    }
    old = [step for step in plan(adapted.submission) if step.object.api_version.endswith("/v1beta1")]
    assert [str(step) for step in old if step.object.group != "metallb.io"] == []


@real
@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("darkzorro79", ["ingress-class", "metallb-pools", "backend-port", "plain-rewrite"]),
        ("nkravtsova", ["metallb-pools"]),
        ("vindsvalr", ["ingress-class", "backend-port"]),
        ("kochego", ["place-taken", "backend-port", "plain-rewrite"]),
        ("sergetol", ["metallb-pools", "backend-port", "canary-namespace"]),
    ],
)
def test_mistakes_in_real_submissions_are_left_as_they_are(name, rules):
    (path,) = (path for path in REPOSITORIES if author(path) == name)

    assert applied(path) == rules


# Small words, so that canaries, mains, classes and ports meet one another often.
hosts = st.sampled_from(["", "app.local"])
routes = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/", "/web", "/web/", "/web(/|$)(.*)"]),
        "pathType": st.sampled_from(["Prefix", "Exact", "ImplementationSpecific"]),
        "backend": st.fixed_dictionaries(
            {
                "service": st.fixed_dictionaries(
                    {
                        "name": st.sampled_from(["a", "b"]),
                        "port": st.sampled_from([{"number": 80}, {"number": 8000}, {"name": "http"}]),
                    }
                )
            }
        ),
    }
)
annotations = st.dictionaries(
    st.sampled_from(["rewrite-target", "canary", "use-regex"]).map("nginx.ingress.kubernetes.io/{}".format),
    st.sampled_from(["/", "/$2", "true"]),
)
ingresses = st.builds(
    lambda name, namespace, notes, host, paths: {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "annotations": notes},
        "spec": {"rules": [{**({"host": host} if host else {}), "http": {"paths": paths}}]},
    },
    st.sampled_from(["x", "y"]),
    st.sampled_from(["default", "canary"]),
    annotations,
    hosts,
    st.lists(routes, min_size=1, max_size=2),
)
services = st.builds(
    lambda name, namespace, headless: {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**({"clusterIP": "None"} if headless else {}), "ports": [{"port": 80, "targetPort": 8000}]},
    },
    st.sampled_from(["a", "b"]),
    st.sampled_from(["default", "canary"]),
    st.booleans(),
)


def submission_of(manifests):
    objects = [
        found
        for index, manifest in enumerate(manifests)
        for found in read_text(f"kubernetes-networks/{index}.yaml", to_yaml([manifest])).objects
    ]
    return Submission(Path(), (), tuple(objects), ())


@settings(deadline=None, max_examples=60)
@given(st.lists(ingresses, max_size=4), st.lists(services, max_size=3))
def test_adapting_what_is_adapted_changes_nothing(some_ingresses, some_services):
    adapted = adapt(submission_of([*some_services, *some_ingresses]), NEWEST)

    assert adapt(adapted.submission, NEWEST).changes == ()


@settings(deadline=None, max_examples=60)
@given(st.lists(ingresses, max_size=4), st.lists(services, max_size=3))
def test_what_is_of_today_is_left_alone_by_the_rules_of_the_era(some_ingresses, some_services):
    submission = submission_of([*some_services, *some_ingresses])

    adapted = adapt(submission, NEWEST, [rule for rule in RULES if rule.group is Group.ERA])

    assert adapted.submission is submission


def test_every_rule_says_what_it_does_why_and_where_that_is_written():
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.does and rule.because and rule.source for rule in RULES)


def test_the_document_has_a_row_for_each_rule():
    document = (Path(__file__).parents[4] / "docs" / "adaptations.md").read_text(encoding="utf-8")

    assert [rule.id for rule in RULES if f"| `{rule.id}` | {rule.group} |" not in document] == []
