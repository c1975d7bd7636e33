"""A cluster that pulls its images: what it says of an image that it cannot get."""

from __future__ import annotations

import secrets
import subprocess
import sys

import pytest

from netproof.cluster.api import ApiRefused
from netproof.cluster.local import LocalCluster
from netproof.waiting import NotYetError, Waiter, timeouts_from_environment

pytestmark = pytest.mark.cluster

NO_SUCH_REGISTRY = "registry.invalid"
"""No name below ``invalid`` resolves (RFC 2606), wherever this test runs."""


@pytest.fixture(scope="module")
def api():
    name = f"pulls-{secrets.token_hex(3)}"
    up = [
        sys.executable,
        "-m",
        "netproof",
        "up",
        "--detach",
        "--images",
        "pull",
        "--nodes",
        "1",
        "--cluster-name",
        name,
    ]
    subprocess.run(up, check=True, timeout=120)
    cluster = LocalCluster.attach(name)
    yield cluster.open_api()
    cluster.stop()


def test_a_registry_that_cannot_be_reached_is_not_called_an_image_that_is_not_found(api):
    container = {"name": "main", "image": f"{NO_SUCH_REGISTRY}/app:1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pulled", "namespace": "default"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }

    def created():
        return api.create(pod)

    def refused():
        events = [one for one in api.list("Event", "default") if one["reason"] == "Failed"]
        messages = [one["message"] for one in events if "Failed to pull" in one["message"]]
        if not messages:
            raise NotYetError("no event")
        return messages[0]

    timeouts = timeouts_from_environment()
    Waiter(retry_on=(ApiRefused,)).until("the pod is created", created, timeout_seconds=timeouts.pod_ready)
    said = Waiter().until("the image is refused", refused, timeout_seconds=timeouts.pod_ready)

    assert f"{NO_SUCH_REGISTRY} cannot be reached" in said
    assert "not found" not in said
