import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from netproof.cluster.api import KubernetesApi
from netproof.cluster.kubeconfig import kubeconfig_of, require_context
from netproof.errors import NetproofError


@pytest.fixture
def kubeconfig(tmp_path):
    server = {"server": "https://127.0.0.1:1"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "nowhere", "cluster": server}],
        "users": [{"name": "nobody", "user": {"token": "x"}}],
        "contexts": [{"name": "one", "context": {"cluster": "nowhere", "user": "nobody"}}],
        "current-context": "one",
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NetproofError, match="there is no kubeconfig at") as refused:
        kubeconfig_of(str(tmp_path / "missing"))

    assert "--kubeconfig" in refused.value.remedy


def test_the_environment_is_asked_where_no_file_is_given(kubeconfig, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", f"{kubeconfig}:/another")

    assert kubeconfig_of(None) == kubeconfig


def test_the_current_context_is_not_enough(kubeconfig):
    with pytest.raises(NetproofError, match="touches no cluster that is not named") as refused:
        require_context(kubeconfig, None, "--cluster existing")

    assert refused.value.remedy == f"name one with --context; the contexts of {kubeconfig} are one"
    assert require_context(kubeconfig, "one", "--cluster existing") == "one"


def test_an_unknown_context_is_told_which_there_are(kubeconfig):
    with pytest.raises(NetproofError, match="there is no context 'two'"):
        require_context(kubeconfig, "two", "--cluster existing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it lists no contexts"),
        ("not: a kubeconfig\n", "it lists no contexts"),
        ("- a\n", "it lists no contexts"),
        ("[unclosed\n", "expected ',' or ']'"),
    ],
    ids=["empty", "something else", "a list", "no YAML"],
)
def test_a_broken_file_is_told(tmp_path, text, said):
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(NetproofError, match="cannot be used") as refused:
        require_context(path, "one", "--cluster existing")

    assert said in refused.value.message


@pytest.fixture
def refusing(kubeconfig):
    """Has the kubeconfig lead to a server that refuses everything by a status."""
    servers = []

    def make(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(status)

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


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (401, "refuses: Unauthorized", "has expired, or is of another cluster"),
        (403, "refuses: Forbidden", "no account for it"),
        (503, "refuses: Service Unavailable", "check the account"),
    ],
)
def test_a_cluster_that_refuses_the_account_is_told_with_what_to_do(refusing, tmp_path, status, said, remedy):
    with pytest.raises(NetproofError) as refused:
        KubernetesApi(refusing(status), "one", cache=tmp_path / "discovery")

    assert said in refused.value.message
    assert remedy in refused.value.remedy


def test_no_proxy_is_asked_for_a_cluster_on_loopback(refusing, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NetproofError, match="refuses: Unauthorized"):
        KubernetesApi(refusing(401), "one", cache=tmp_path / "discovery")


def test_a_cluster_that_is_not_there_is_told(kubeconfig, tmp_path):
    with pytest.raises(NetproofError, match=r"the cluster at https://127\.0\.0\.1:1 cannot be reached"):
        KubernetesApi(kubeconfig, "one", cache=tmp_path / "cache")
