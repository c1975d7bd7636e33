"""Images that are unpacked beforehand: what containerd is given, and what is made once."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile

import pytest

from netproof.errors import NetproofError
from netproof.images import unpacked
from netproof.images.unpack import write_archive
from netproof.images.unpacked import unpack_images
from netproof.toolchain import SilentProgress
from netproof.toolchain.cache import Cache
from netproof.toolchain.oci import BlobStore, Image, ImageConfig, Layer


def test_an_archive_has_each_blob_once_and_each_image_by_its_name(tmp_path):
    store = BlobStore(tmp_path)
    shared = Layer.from_files({"bin/tool": b"tool"})
    first = Image(ImageConfig(cmd=["first"]), [shared]).store(store)
    second = Image(ImageConfig(cmd=["second"]), [shared]).store(store)
    stream = io.BytesIO()

    write_archive(stream, store, {"registry/first:1": first.digest, "registry/second:1": second.digest})

    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        names = archive.getnames()
        index = json.load(archive.extractfile("index.json"))
    assert len(names) == len(set(names)) == 2 + 2 * 2 + 1
    assert {one["annotations"]["io.containerd.image.name"]: one["digest"] for one in index["manifests"]} == {
        "registry/first:1": first.digest,
        "registry/second:1": second.digest,
    }


def test_the_same_images_are_unpacked_once_and_others_anew(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(unpacked, "_run_unpacking", lambda *arguments: ran.append(arguments))
    cache, containerd = Cache(tmp_path), tmp_path / "containerd-1"

    one = unpack_images(cache, containerd, {"a": "sha256:1"}, SilentProgress())
    again = unpack_images(cache, containerd, {"a": "sha256:1"}, SilentProgress())
    other = unpack_images(cache, containerd, {"a": "sha256:2"}, SilentProgress())

    assert one == again != other
    assert len(ran) == 2


def test_what_containerd_says_is_told_and_nothing_half_is_left(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "containerd does not start:")
    monkeypatch.setattr(unpacked.subprocess, "run", lambda *_, **__: failed)
    cache = Cache(tmp_path)

    with pytest.raises(NetproofError, match="containerd does not start"):
        unpack_images(cache, tmp_path / "containerd-1", {"a": "sha256:1"}, SilentProgress())

    assert [path.name for path in cache.unpacked.iterdir() if path.is_dir()] == []
