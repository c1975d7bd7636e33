"""The web Deployment as the submission wrote it."""

from __future__ import annotations

from netproof.check import SUBMISSION, check, none_because


@check(
    "deploy.replicas",
    subject=SUBMISSION,
    control=none_because("x"),
    mutants=["web-replicas-2"],
)
def test_three_ready_pods_each_serve_their_own_name(applied, web, web_manifest, node):
    """Three pods are ready, and the page of each carries its own name."""
    applied.require(web_manifest)
    pods = web.wait_available()
    assert len(pods) == 3
    for pod in pods:
        replies = node.get(f"http://{pod['status']['podIP']}:8000/index.html")
        assert set(replies.served_by()) == {pod["metadata"]["name"]}
