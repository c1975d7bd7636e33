import pytest

from netproof.cluster import state
from netproof.cluster.local import LocalCluster
from netproof.cluster.spec import VM, ClusterSpec
from netproof.cluster.state import StateDirectory
from netproof.errors import NetproofError

pytestmark = pytest.mark.usefixtures("own_state")


@pytest.mark.parametrize("broken_off_by", [KeyboardInterrupt, OSError])
def test_a_start_that_is_broken_off_before_its_guardian_is_there_leaves_nothing(tmp_path, broken_off_by):
    def image_server():
        assert state.is_alive("demo")
        raise broken_off_by

    spec = ClusterSpec("demo", "1.37.2", log_directory=str(tmp_path / "logs"))
    with pytest.raises(broken_off_by):
        LocalCluster.start(spec, image_server=image_server, node_files={}, on_event=print)

    assert not state.base_directory().exists()


@pytest.mark.parametrize("component", ["vm-n1", "link-n1"])
def test_a_virtual_machine_is_not_restarted_under_its_node(component, tmp_path):
    spec = ClusterSpec("demo", "1.37.2", node_count=1, node_kind=VM, log_directory=str(tmp_path / "logs"))
    directory = StateDirectory("demo")
    directory.path.mkdir(parents=True)
    spec.write(directory.spec)

    with pytest.raises(NetproofError, match=f"{component} cannot be restarted: .* n1") as refused:
        LocalCluster("demo").restart(component)

    assert "kubelet-n1" in refused.value.remedy
