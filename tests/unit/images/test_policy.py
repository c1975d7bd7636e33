from __future__ import annotations

import socket

import pytest

from netproof.errors import NetproofError
from netproof.images.containerd_hosts import hosts_toml, write_hosts
from netproof.images.policy import ImagePolicy, decide


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


def test_with_stand_in_a_node_asks_the_mirror_alone():
    assert hosts_toml("http://172.17.0.1:5000", ImagePolicy.STAND_IN) == 'server = "http://172.17.0.1:5000"\n'


def test_with_pull_a_node_asks_the_mirror_first_and_then_the_registry_of_the_name():
    content = hosts_toml("http://172.17.0.1:5000", ImagePolicy.PULL)

    assert content == '[host."http://172.17.0.1:5000"]\n  capabilities = ["pull", "resolve"]\n'


def test_the_file_is_the_default_for_every_registry(tmp_path):
    file = write_hosts(tmp_path / "certs.d", "http://172.17.0.1:5000", ImagePolicy.PULL)

    assert file == tmp_path / "certs.d/_default/hosts.toml"
    assert "172.17.0.1" in file.read_text()


@pytest.mark.parametrize(
    ("mirror", "policy"), [("http://172.17.0.1:5000", ImagePolicy.AUTO), ("172.17.0.1:5000", ImagePolicy.PULL)]
)
def test_what_cannot_be_rendered_is_an_error(mirror, policy):
    with pytest.raises(NetproofError):
        hosts_toml(mirror, policy)
