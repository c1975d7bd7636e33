from __future__ import annotations

import pytest

from netproof.errors import NetproofError
from netproof.images.reference import ImageReference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.31.1", "docker.io/library/busybox:1.31.1"),
        ("darkzorro/otusdz1:v3", "docker.io/darkzorro/otusdz1:v3"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        (
            "soapj/otus.homework1.kubernetes-intro.web:latest",
            "docker.io/soapj/otus.homework1.kubernetes-intro.web:latest",
        ),
        ("quay.io/metallb/speaker:v0.13.9", "quay.io/metallb/speaker:v0.13.9"),
        ("registry.k8s.io/coredns/coredns:v1.15.0", "registry.k8s.io/coredns/coredns:v1.15.0"),
        ("localhost:5000/web", "localhost:5000/web:latest"),
        ("localhost/web", "localhost/web:latest"),
        ("172.17.0.1:5000/a/b:c", "172.17.0.1:5000/a/b:c"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
        (f"busybox:1.31@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
    ],
)
def test_a_name_becomes_canonical(written: str, canonical: str) -> None:
    assert str(ImageReference.parse(written)) == canonical
    assert str(ImageReference.parse(canonical)) == canonical


@pytest.mark.parametrize(
    "written",
    ["", "Busybox", "a b", "web:", "web:v 1", "a//b", "web@sha256:12", "-web", "web:" + "t" * 129, "x/" * 130 + "y"],
)
def test_what_is_no_image_name_is_an_error_that_shows_it(written: str) -> None:
    with pytest.raises(NetproofError, match="is not the name of an image") as caught:
        ImageReference.parse(written)

    assert repr(written) in caught.value.message


@pytest.mark.parametrize(
    ("namespace", "repository", "reference", "canonical"),
    [
        ("docker.io", "library/busybox", "1.31.1", "docker.io/library/busybox:1.31.1"),
        ("", "busybox", "1.31.1", "docker.io/library/busybox:1.31.1"),
        ("registry.k8s.io", "pause", "3.10", "registry.k8s.io/pause:3.10"),
        ("docker.io", "a/b", DIGEST, f"docker.io/a/b@{DIGEST}"),
    ],
)
def test_a_mirror_request_names_the_same_image(namespace: str, repository: str, reference: str, canonical: str) -> None:
    assert str(ImageReference.of_request(namespace, repository, reference)) == canonical
