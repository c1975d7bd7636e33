import pytest

from netproof.cluster import state
from netproof.cluster.local import LocalCluster
from netproof.cluster.spec import ClusterSpec


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("NETPROOF_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(state, "_CGROUP", "/netproof-unit-test")


@pytest.mark.parametrize("broken_off_by", [KeyboardInterrupt, OSError])
def test_a_start_that_is_broken_off_before_its_guardian_is_there_leaves_nothing(tmp_path, broken_off_by):
    def image_server():
        assert state.is_alive("demo")
        raise broken_off_by

    spec = ClusterSpec("demo", "1.37.2", log_directory=str(tmp_path / "logs"))
    with pytest.raises(broken_off_by):
        LocalCluster.start(spec, image_server=image_server, node_files={}, on_event=print)

    assert not state.base_directory().exists()
