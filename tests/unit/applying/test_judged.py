"""Applying where the API has trouble of its own: a refusal is the object's fault, an error of the server is not."""

from __future__ import annotations

import pytest

from netproof.applying.steps import apply_plan
from netproof.cluster.api import ApiRefused
from netproof.errors import NetproofError
from netproof.submission import bundled_manifests, load, plan

REFUSED = ApiRefused(422, "Invalid", "spec.replicas: must be a number")
IN_TROUBLE = ApiRefused(500, "InternalError", "failed calling webhook: context deadline exceeded")

UNKNOWN_FIELD = ApiRefused(
    500, "", "failed to create typed patch object: .spec.LoadBalancerIP: field not declared in schema"
)


class Api:
    """An API that answers the applications of one object with these, one after the other, and then takes it."""

    def __init__(self, name, *answers):
        self._name, self._answers = name, list(answers)

    def apply(self, obj, _=None):
        if obj["metadata"]["name"] == self._name and self._answers:
            raise self._answers.pop(0)


@pytest.fixture
def steps():
    """The one step that applies the reference's web Deployment."""
    whole = plan(load(bundled_manifests("reference")))
    return [step for step in whole if (step.object.kind, step.namespace) == ("Deployment", "default")]


def test_an_object_is_applied_again_after_an_error_of_the_server(steps):
    (outcome,) = apply_plan(Api("web", IN_TROUBLE, IN_TROUBLE), steps, timeout_seconds=10).outcomes

    assert not outcome.refusal


def test_a_refusal_after_it_is_the_objects_own(steps):
    (outcome,) = apply_plan(Api("web", IN_TROUBLE, REFUSED), steps, timeout_seconds=10).outcomes

    assert outcome.refusal == REFUSED.message


def test_a_field_that_the_schema_lacks_is_the_objects_own_fault_at_once(steps):
    (outcome,) = apply_plan(Api("web", UNKNOWN_FIELD), steps, timeout_seconds=10).outcomes

    assert outcome.refusal == UNKNOWN_FIELD.message


def test_a_server_that_never_judges_is_no_refusal(steps):
    with pytest.raises(NetproofError, match=r"the API did not judge Deployment/web .*failed calling webhook"):
        apply_plan(Api("web", *[IN_TROUBLE] * 100), steps, timeout_seconds=0.2)
