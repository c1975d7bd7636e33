import os

import pytest

from netproof.cluster import state
from netproof.errors import NetproofError

pytestmark = pytest.mark.usefixtures("own_state")


def test_a_name_belongs_to_who_holds_it():
    held = state.claim("demo")

    with pytest.raises(NetproofError, match="a cluster named 'demo' is running") as refused:
        state.claim("demo")

    assert "netproof down --cluster-name demo" in refused.value.remedy
    assert state.is_alive("demo")
    os.close(held)
    assert not state.is_alive("demo")


def test_what_the_dead_left_is_swept_and_the_living_stay():
    for name in ("dead", "living"):
        held = state.claim(name)
        state.StateDirectory(name).path.mkdir()
        (state.StateDirectory(name).path / "spec.json").write_text("{}")
        if name == "dead":
            os.close(held)

    assert state.sweep() == ["dead"]

    assert state.cluster_names() == ["living"]
    assert not state.StateDirectory("dead").path.exists()
    assert state.StateDirectory("living").spec.exists()


def test_nothing_of_the_last_cluster_stays():
    held = state.claim("demo")
    state.StateDirectory("demo").path.mkdir()

    state.remove("demo")
    os.close(held)

    assert not state.base_directory().exists()


def test_a_directory_that_cannot_be_written_is_one_message(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NETPROOF_STATE_DIR", str(tmp_path / "file"))

    with pytest.raises(NetproofError, match="the state of clusters cannot be kept") as refused:
        state.claim("demo")

    assert "NETPROOF_STATE_DIR" in refused.value.remedy


def test_the_longest_name_of_a_cluster_leaves_room_for_sockets_in_the_usual_directory(monkeypatch):
    monkeypatch.delenv("NETPROOF_STATE_DIR")

    state.require_free("x" * 32)


def test_a_directory_whose_sockets_could_not_be_listened_on_is_one_message(tmp_path, monkeypatch):
    monkeypatch.setenv("NETPROOF_STATE_DIR", str(tmp_path / ("x" * 100)))

    with pytest.raises(NetproofError, match="bytes too long") as refused:
        state.claim("demo")

    assert "NETPROOF_STATE_DIR" in refused.value.remedy
