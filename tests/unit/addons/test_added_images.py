"""Images that a running registry is given."""

from __future__ import annotations

import pytest

from netproof.images.added import AddedImages, add_images, read_added

FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture
def path(tmp_path):
    return tmp_path / "added.json"


def test_images_come_one_after_the_other_and_stay(path):
    added = AddedImages(path)
    assert added.current() == {}

    add_images(path, {"quay.io/metallb/speaker:netproof": FIRST})
    assert added.current() == {"quay.io/metallb/speaker:netproof": FIRST}

    add_images(path, {"docker.io/library/traefik:netproof": SECOND})
    assert set(added.current()) == {"quay.io/metallb/speaker:netproof", "docker.io/library/traefik:netproof"}


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_broken_file_leaves_the_last_good_one_in_force(path, capsys, text):
    add_images(path, {"a.example/b:c": FIRST})
    added = AddedImages(path)
    before = added.current()

    path.write_text(text)

    assert added.current() == before == {"a.example/b:c": FIRST}
    assert "added images" in capsys.readouterr().err


def test_no_file_is_no_image(path):
    assert read_added(path) == {}
