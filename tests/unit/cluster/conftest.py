import pytest
import yaml

from netproof.cluster import state


@pytest.fixture
def own_state(tmp_path_factory, monkeypatch):
    """Clusters of a test are its own. The directory's path is short, as a socket's must be."""
    monkeypatch.setenv("NETPROOF_STATE_DIR", str(tmp_path_factory.mktemp("clusters") / "state"))
    monkeypatch.setattr(state, "_CGROUP", "/netproof-unit-test")


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
