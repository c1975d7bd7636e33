"""``netproof check``: what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from netproof.cli import app
from netproof.errors import NetproofError
from netproof.submission import bundled_manifests

OLD = """apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /web, backend: {serviceName: web-svc, servicePort: 8000}}]}}]}
"""


def check(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_submission_with_nothing_to_mend_ends_with_0():
    ran = check(bundled_manifests("reference"))

    assert ran.exit_code == 0
    assert ran.stdout.endswith("nothing to mend\n")


def test_findings_are_printed_with_why_and_remedy_and_end_with_1(tmp_path):
    (tmp_path / "web-ingress.yaml").write_text(OLD)

    ran = check(tmp_path, "--kubernetes-version", "1.36")

    assert ran.exit_code == 1
    assert "web-ingress.yaml:1: warning: Ingress/web: Ingress of networking.k8s.io/v1beta1 is gone" in ran.stdout
    assert "  why: the API does not know it" in ran.stdout
    assert "  remedy: write it for networking.k8s.io/v1" in ran.stdout
    assert "written for Kubernetes 1.14 to 1.21; looked over for 1.36" in ran.stdout


def test_json_has_a_place_for_each_finding(tmp_path):
    (tmp_path / "web-ingress.yaml").write_text(OLD)

    found = json.loads(check(tmp_path, "--json").stdout)

    assert (found["schema_version"], found["written_for"]) == (1, "1.14 to 1.21")
    (old,) = [one for one in found["findings"] if one["rule"] == "apply.removed-api"]
    assert (old["file"], old["line"], old["severity"], old["object"]) == (
        "web-ingress.yaml",
        1,
        "warning",
        "Ingress/web",
    )
    assert sum(found["counts"].values()) == len(found["findings"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path / "nothing", "does not exist"),
        (lambda path: path, "holds no .yaml or .yml file"),
        (lambda path: write(path / "web.yaml", b"a: [b\n").parent, "holds no Kubernetes manifest"),
        (lambda path: write(path / "web.yaml", bytes(range(256))).parent, "is not UTF-8"),
        (lambda path: write(path / "web.yaml", b"a: 1"), "is a file, not a directory"),
    ],
    ids=["nothing there", "an empty directory", "broken YAML alone", "a binary file", "a file"],
)
def test_what_cannot_be_read_at_all_is_one_message_with_a_remedy(tmp_path, make, said):
    ran = check(make(tmp_path))

    assert isinstance(ran.exception, NetproofError)
    assert said in ran.exception.message
    assert ran.exception.remedy


def test_a_version_without_schemas_is_refused_with_those_that_there_are():
    ran = check(bundled_manifests("reference"), "--kubernetes-version", "1.9")

    assert isinstance(ran.exception, NetproofError)
    assert ran.exception.remedy.startswith("name a version from 1.25 to ")


def write(path, data):
    path.write_bytes(data)
    return path
