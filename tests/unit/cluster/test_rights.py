from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from netproof.cluster.rights import RIGHTS, missing_rights
from netproof.errors import NetproofError

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "existing.md"


class Api:
    """An API that allows all but these."""

    server = "https://somewhere"

    def __init__(self, *denied):
        self._denied = denied

    def create(self, review):
        asked = review["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked["subresource"])))
        return {"status": {"allowed": (asked["verb"], resource) not in self._denied}}


def test_an_account_that_has_them_all_lacks_nothing():
    assert missing_rights(Api()) == ()


def test_what_is_missing_is_named_with_what_it_costs():
    (lack,) = missing_rights(Api(("list", "events")))

    assert str(lack) == "list events (costs: deploy.unavailable-reason, probe, rollout)"


def test_without_a_vital_one_nothing_starts_and_all_are_listed():
    with pytest.raises(NetproofError) as refused:
        missing_rights(Api(("create", "namespaces"), ("patch", "pods/ephemeralcontainers")))

    assert "create namespaces (costs: every check)" in refused.value.message
    assert "patch pods/ephemeralcontainers" in refused.value.message


def test_the_documented_role_has_these_rights_and_no_others():
    (text,) = [
        token.content
        for token in MarkdownIt().parse(DOCUMENT.read_text(encoding="utf-8"))
        if token.type == "fence" and token.info == "yaml"
    ]
    documented = {
        (group, resource, verb)
        for rule in yaml.safe_load(text)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert documented == {(right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs}
