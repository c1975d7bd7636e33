from __future__ import annotations

import socket

import pytest

from netproof.cluster import names
from netproof.errors import NetproofError
from netproof.images.containerd_hosts import ANY_REGISTRY, OWN_REGISTRY, hosts_toml, mirrored_registry
from netproof.images.policy import ImagePolicy, decide
from netproof.images.reference import ImageReference


@pytest.mark.parametrize("policy", [ImagePolicy.PULL, ImagePolicy.STAND_IN])
def test_a_policy_that_was_asked_for_is_not_doubted(policy, free_port):
    decision = decide(policy, registry=f"http://127.0.0.1:{free_port}/v2/")

    assert decision.policy is policy
    assert decision.reason == f"asked for with --images {policy}"


def test_auto_pulls_where_a_registry_answers(start):
    port = start().server.registry.port

    decision = decide(ImagePolicy.AUTO, registry=f"http://127.0.0.1:{port}/v2/")

    assert decision.policy is ImagePolicy.PULL
    assert decision.reason == f"the registry at http://127.0.0.1:{port}/v2/ answers"


def test_auto_stands_in_where_nothing_listens(free_port):
    registry = f"http://127.0.0.1:{free_port}/v2/"

    decision = decide(ImagePolicy.AUTO, registry=registry)

    assert decision.policy is ImagePolicy.STAND_IN
    assert decision.reason == f"no image can be pulled: {registry} cannot be reached (Connection refused)"


def test_auto_stands_in_where_a_listener_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        registry = f"http://127.0.0.1:{mute.getsockname()[1]}/v2/"

        decision = decide(ImagePolicy.AUTO, registry=registry, timeout_seconds=0.2)

    assert decision.policy is ImagePolicy.STAND_IN
    assert decision.reason == f"no image can be pulled: {registry} did not answer within 0.2 s"


def test_auto_stands_in_where_the_answer_is_no_registry_s(start):
    port = start().server.registry.port

    decision = decide(ImagePolicy.AUTO, registry=f"http://127.0.0.1:{port}/login")

    assert decision.policy is ImagePolicy.STAND_IN
    assert "answers 404, as no registry does" in decision.reason


def test_a_node_asks_nobody_after_the_mirror():
    assert hosts_toml("http://172.17.0.1:5000") == 'server = "http://172.17.0.1:5000"\n'


def test_with_stand_in_the_mirror_takes_the_place_of_every_registry():
    assert mirrored_registry(ImagePolicy.STAND_IN) == ANY_REGISTRY


def test_with_pull_the_mirror_is_asked_for_netproofs_own_images_alone():
    assert mirrored_registry(ImagePolicy.PULL) == OWN_REGISTRY
    own = [value for name, value in vars(names).items() if name.endswith("_IMAGE")]
    assert {ImageReference.parse(image).domain for image in own} == {OWN_REGISTRY}


def test_a_policy_that_was_not_decided_is_an_error():
    with pytest.raises(NetproofError, match="auto was not decided"):
        mirrored_registry(ImagePolicy.AUTO)


@pytest.mark.parametrize("mirror", ["172.17.0.1:5000", 'http://"', "http://a\nb"])
def test_a_mirror_that_is_no_address_is_an_error(mirror):
    with pytest.raises(NetproofError, match="is not an http address"):
        hosts_toml(mirror)
