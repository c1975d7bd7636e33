from __future__ import annotations

import hashlib
import socket

import pytest

from netproof.images.registry import requested_part
from netproof.toolchain.oci import MANIFEST_MEDIA_TYPE

UNKNOWN = "sha256:" + "0" * 64


def error_code(answer):
    return answer.json()["errors"][0]["code"]


def test_the_api_says_that_it_is_there(start):
    answer = start().ask("/v2/")

    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_an_own_image_is_pulled_as_containerd_does(start, tiny):
    registry = start()

    head = registry.manifest("pause", "3.10", "registry.k8s.io", "HEAD")
    manifest = registry.manifest("pause", head.headers["Docker-Content-Digest"], "registry.k8s.io")
    blobs = [registry.ask(f"/v2/pause/blobs/{one['digest']}?ns=registry.k8s.io") for one in blobs_of(manifest)]

    assert head.headers["Content-Type"] == MANIFEST_MEDIA_TYPE
    assert head.headers["Docker-Content-Digest"] == tiny.pause.digest
    assert int(head.headers["Content-Length"]) == len(tiny.pause.content)
    assert head.content == b""
    assert manifest.content == tiny.pause.content
    assert [digest_of(one.content) for one in blobs] == [tiny.pause.config.digest, tiny.pause.layers[0].digest]


def test_an_own_image_of_any_tag_is_found_by_the_star(start, tiny):
    registry = start(policy="pull")

    digests = {
        registry.manifest("e2e-test-images/agnhost", tag, "registry.k8s.io").headers["Docker-Content-Digest"]
        for tag in ("2.53", "2.57.1")
    }

    assert digests == {tiny.agnhost.digest}


def test_an_own_image_is_of_one_registry_only(start):
    answer = start(policy="pull").manifest("pause", "3.10", "docker.io")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-99999999", 206, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("pages=1-2", 200, slice(None)),
    ],
)
def test_a_part_of_a_blob_is_sent(start, tiny, header, status, expected):
    digest = tiny.pause.layers[0].digest
    content = tiny.blobs.path(digest).read_bytes()

    answer = start().ask(f"/v2/pause/blobs/{digest}", headers={"Range": header})

    assert answer.status_code == status
    assert answer.content == content[expected]
    if status == 206:
        first = content.index(content[expected]) if expected.start is None else expected.indices(len(content))[0]
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(content)}"


def test_a_part_beyond_the_blob_is_refused_with_its_size(start, tiny):
    layer = tiny.pause.layers[0]

    answer = start().ask(f"/v2/pause/blobs/{layer.digest}", headers={"Range": f"bytes={layer.size}-"})

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{layer.size}"


def test_head_of_a_blob_has_its_length_and_no_body(start, tiny):
    layer = tiny.pause.layers[0]

    answer = start().ask(f"/v2/pause/blobs/{layer.digest}", "HEAD")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == layer.size
    assert answer.headers["Docker-Content-Digest"] == layer.digest


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/a/b/manifests/v1?ns=docker.io", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/a/b/manifests/{UNKNOWN}", 404, "MANIFEST_UNKNOWN"),
        (f"/v2/a/b/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN"),
        ("/v2/a/b/blobs/sha256:12", 400, "DIGEST_INVALID"),
        ("/v2/a/b/blobs/..%2f..%2fetc", 404, "UNSUPPORTED"),
        ("/v2/a/b/manifests/not%20a%20tag", 400, "MANIFEST_INVALID"),
        ("/v2/A/manifests/v1", 400, "NAME_INVALID"),
        ("/v2/../../etc/passwd/blobs/x", 404, "UNSUPPORTED"),
        ("/v2/_catalog", 404, "UNSUPPORTED"),
        ("/", 404, "UNSUPPORTED"),
    ],
)
def test_what_is_not_there_is_told_in_the_registry_s_own_form(start, path, status, code):
    answer = start(policy="pull").ask(path)

    assert (answer.status_code, error_code(answer)) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(start, method):
    registry = start()

    answer = registry.ask("/v2/a/blobs/uploads/", method, data=b"bytes that nobody reads")

    assert (answer.status_code, error_code(answer)) == (405, "UNSUPPORTED")
    assert registry.ask("/v2/").status_code == 200


def test_one_connection_serves_many_requests(start, tiny):
    registry = start()
    target = f"/v2/pause/blobs/{tiny.pause.layers[0].digest}"
    with socket.create_connection(("127.0.0.1", registry.server.registry.port), timeout=5) as connection:
        answers = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: registry\r\n\r\n".encode())

            status, headers = answers.readline(), dict(iter_headers(answers))
            body = answers.read(int(headers["Content-Length"]))

            assert status == b"HTTP/1.1 200 OK\r\n"
            assert digest_of(body) == tiny.pause.layers[0].digest


def test_a_blob_is_never_a_manifest(start, tiny):
    answer = start().ask(f"/v2/pause/manifests/{tiny.pause.config.digest}")

    assert error_code(answer) == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=3-3", range(3, 4)),
        ("bytes=-20", range(10)),
        ("bytes=10-", range(10, 10)),
    ],
)
def test_a_range_header_is_read(header, part):
    assert requested_part(header, size=10) == part


def blobs_of(manifest):
    return [manifest.json()["config"], *manifest.json()["layers"]]


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def iter_headers(lines):
    while line := lines.readline().strip():
        name, _, value = line.decode().partition(": ")
        yield name, value
