"""The table of what ingress controllers do."""

import json

import pytest

from netproof.ingress.behaviours import BEHAVIOURS, Controller, Offer, behaviour
from netproof.ingress.table import to_json, to_markdown, to_text


def test_each_row_has_a_name_of_its_own_and_a_word_for_each_controller():
    names = [row.feature for row in BEHAVIOURS]

    assert len(names) == len(set(names))
    assert all(set(row.offers) == set(Controller) for row in BEHAVIOURS)
    assert all(set(row.reasons) <= {one for one in Controller if row.missing_in(one)} for row in BEHAVIOURS)


def test_what_the_api_demands_is_demanded_of_all():
    for row in BEHAVIOURS:
        required = [controller for controller in Controller if row.offers[controller] is Offer.REQUIRED]

        assert required in ([], list(Controller))


def test_a_controller_that_lacks_something_says_why():
    row = behaviour("canary-cross-namespace")

    assert row.missing_in(Controller.INGRESS_NGINX) == ""
    assert row.missing_in(Controller.TRAEFIK) == (
        "traefik is no controller that pairs a canary with a main Ingress of another namespace: "
        "it pairs them by namespace, host and path"
    )
    assert "the API does not demand it" in row.missing_in(Controller.EXISTING)


def test_a_feature_of_something_else_is_no_behaviour():
    assert behaviour("second-node") is None


@pytest.mark.parametrize("render", [to_text, to_markdown])
def test_the_table_has_a_row_for_each_behaviour(render):
    text = render({"ingress-host": ["ingress.host"]})

    assert all(row.feature in text for row in BEHAVIOURS)
    assert "ingress.host" in text


def test_programs_get_the_reasons_and_the_checks():
    rows = {row["feature"]: row for row in json.loads(to_json({"gateway-api": ["gateway.path"]}))}

    assert rows["gateway-api"]["offers"]["ingress-nginx"] == "not offered"
    assert "Ingresses alone" in rows["gateway-api"]["reasons"]["ingress-nginx"]
    assert rows["gateway-api"]["checks"] == ["gateway.path"]
