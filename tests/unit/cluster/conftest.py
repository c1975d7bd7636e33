import pytest
import yaml


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
