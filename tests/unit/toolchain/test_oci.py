from __future__ import annotations

import errno
import hashlib
import json
import os
import tarfile

import pytest

from netproof.errors import NetproofError
from netproof.toolchain.oci import BlobStore, Image, ImageConfig, Layer


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(os.urandom(200_000))
    path.chmod(0o700)
    return path


def layer_of(program):
    return Layer.from_files(
        {"/bin/program": program, "etc/passwd": b"root\n"},
        links={"bin/alias": "bin/program"},
        directories={"tmp": 0o1777},
    )


def test_the_same_inputs_give_the_same_bytes_anywhere(tmp_path, program):
    image = Image(ImageConfig(entrypoint=["/bin/program"], env={"B": "2", "A": "1"}), [layer_of(program)])
    copy = tmp_path / "elsewhere"
    copy.write_bytes(program.read_bytes())
    os.utime(copy, (1, 1))
    again = Image(ImageConfig(entrypoint=("/bin/program",), env={"A": "1", "B": "2"}), [layer_of(copy)])

    first = image.store(BlobStore(tmp_path / "a"))
    second = again.store(BlobStore(tmp_path / "b"))

    assert first == second
    assert {path.name for path in (tmp_path / "a/blobs/sha256").iterdir()} == {
        path.name for path in (tmp_path / "b/blobs/sha256").iterdir()
    }


def test_a_blob_lies_under_its_own_digest(tmp_path, program):
    blobs = BlobStore(tmp_path / "store")
    manifest = Image(ImageConfig(), [layer_of(program)]).store(blobs)

    for digest in (manifest.digest, manifest.config.digest, *(layer.digest for layer in manifest.layers)):
        assert hashlib.sha256(blobs.path(digest).read_bytes()).hexdigest() == digest.removeprefix("sha256:")
    assert blobs.path(manifest.digest).read_bytes() == manifest.content


def test_manifest_and_config_follow_the_specification(tmp_path, program):
    blobs = BlobStore(tmp_path / "store")
    stored = Image(ImageConfig(cmd=["sh"], exposed_ports=["53/udp"], user="1001"), [layer_of(program)]).store(blobs)
    manifest = json.loads(stored.content)
    config = json.loads(blobs.path(stored.config.digest).read_bytes())

    assert manifest["schemaVersion"] == 2
    assert manifest["mediaType"] == stored.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/vnd.oci.image.layer.v1.tar"]
    assert [layer["size"] for layer in manifest["layers"]] == [blobs.path(stored.layers[0].digest).stat().st_size]
    assert config["rootfs"] == {"type": "layers", "diff_ids": [stored.layers[0].digest]}
    assert config["config"] == {"Cmd": ["sh"], "ExposedPorts": {"53/udp": {}}, "User": "1001", "WorkingDir": "/"}
    assert (config["architecture"], config["os"]) == ("amd64", "linux")


def test_entries_of_a_layer(tmp_path, program):
    blobs = BlobStore(tmp_path / "store")
    stored = layer_of(program).store(blobs)

    with tarfile.open(blobs.path(stored.digest)) as archive:
        entries = archive.getmembers()
        assert archive.extractfile("bin/program").read() == program.read_bytes()

    assert [(entry.name, oct(entry.mode)) for entry in entries] == [
        ("bin", "0o755"),
        ("etc", "0o755"),
        ("tmp", "0o1777"),
        ("bin/program", "0o755"),
        ("etc/passwd", "0o644"),
        ("bin/alias", "0o755"),
    ]
    assert entries[-1].islnk()
    assert {(entry.uid, entry.gid, entry.mtime, entry.uname) for entry in entries} == {(0, 0, 0, "")}


def test_an_unchanged_layer_is_not_made_again_but_a_changed_one_is(tmp_path, program):
    blobs = BlobStore(tmp_path / "store")
    first = layer_of(program).store(blobs)
    made = blobs.path(first.digest).stat().st_ino

    assert layer_of(program).store(blobs) == first
    assert blobs.path(first.digest).stat().st_ino == made

    program.write_bytes(b"new")
    assert layer_of(program).store(blobs) != first

    blobs.path(first.digest).unlink()
    program.write_bytes(b"newer")
    assert blobs.path(layer_of(program).store(blobs).digest).exists()


@pytest.mark.parametrize("path", ["../escape", "/a/../../b", "", "/"])
def test_a_path_outside_the_image_is_refused(path):
    with pytest.raises(NetproofError, match="names nothing inside the image"):
        Layer.from_files({path: b""})


def test_a_link_to_nothing_is_refused():
    with pytest.raises(NetproofError, match="points at bin/none"):
        Layer.from_files({}, links={"bin/a": "bin/none"})


@pytest.mark.parametrize("digest", ["", "sha256:../../etc/passwd", "md5:" + "0" * 64, "sha256:" + "G" * 64])
def test_only_digests_lead_to_blobs(tmp_path, digest):
    with pytest.raises(NetproofError, match="is not a digest"):
        BlobStore(tmp_path).path(digest)


def test_a_missing_file_of_the_host_is_one_message(tmp_path):
    with pytest.raises(NetproofError, match="image layer could not be made"):
        Layer.from_files({"bin/a": tmp_path / "none"}).store(BlobStore(tmp_path))


def test_a_full_disk_is_told_with_the_place_where_to_make_space(tmp_path, program, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = BlobStore(tmp_path / "images")
    monkeypatch.setattr(store, "write", full)

    with pytest.raises(NetproofError, match="No space left on device") as refused:
        Layer.from_files({"bin/program": program}).store(store)

    assert str(tmp_path / "images") in refused.value.remedy
    assert "NETPROOF_CACHE" in refused.value.remedy
