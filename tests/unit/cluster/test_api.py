"""What is told of a cluster that cannot be used; what a cluster does that can is proven in ``tests/cluster/``."""

import json
import tempfile
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from netproof.cluster.api import KubernetesApi
from netproof.errors import NetproofError


@pytest.fixture
def answering(kubeconfig):
    """Has the kubeconfig lead to a server that answers with a status, and with a body by path."""
    servers = []

    def make(status, bodies=None):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if bodies is None:
                    return self.send_error(status)
                self.send_response(status)
                self.end_headers()
                return self.wfile.write(json.dumps(bodies[self.path]).encode())

            def log_message(self, *_):
                return

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        document = yaml.safe_load(kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{server.server_port}"
        kubeconfig.write_text(yaml.safe_dump(document))
        return kubeconfig

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def refusing(answering):
    """Has the kubeconfig lead to a server that refuses everything by a status."""
    return answering


@pytest.fixture
def welcoming(answering):
    """A kubeconfig that leads to a server that says what kinds it has, which are none of its own."""
    return answering(
        HTTPStatus.OK, {"/version": {"gitVersion": "v1.37.2"}, "/apis": {"kind": "APIGroupList", "groups": []}}
    )


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (401, "refuses: Unauthorized", "has expired, or is of another cluster"),
        (403, "refuses: Forbidden", "no account for it"),
        (503, "refuses: Service Unavailable", "check the account"),
    ],
)
def test_a_cluster_that_refuses_the_account_is_told_with_what_to_do(refusing, status, said, remedy):
    with pytest.raises(NetproofError) as refused:
        KubernetesApi(refusing(status), "one")

    assert said in refused.value.message
    assert remedy in refused.value.remedy


def test_no_proxy_is_asked_for_a_cluster_on_loopback(refusing, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NetproofError, match="refuses: Unauthorized"):
        KubernetesApi(refusing(401), "one")


def test_a_cluster_that_is_not_there_is_told(kubeconfig):
    with pytest.raises(NetproofError, match=r"the cluster at https://127\.0\.0\.1:1 cannot be reached"):
        KubernetesApi(kubeconfig, "one")


def test_what_kinds_there_are_is_kept_in_memory(welcoming, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert KubernetesApi(welcoming, "one").version == "v1.37.2"
    assert list(tmp_path.iterdir()) == [welcoming]


def test_or_in_a_file_where_other_processes_find_it(welcoming, tmp_path):
    cache = tmp_path / "discovery"
    KubernetesApi(welcoming, "one", cache=cache)

    assert json.loads(cache.read_text())["version"]["kubernetes"] == {"gitVersion": "v1.37.2"}
