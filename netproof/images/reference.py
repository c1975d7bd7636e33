"""Names of container images, made canonical the way containerd and Docker do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netproof.errors import NetproofError

_DOCKER_HUB = "docker.io"
"""The domain of an image name that states none."""

_DEFAULT_TAG = "latest"
"""The tag of an image name that has neither tag nor digest."""

# The grammar of https://github.com/distribution/reference, of which kubelet and containerd use the normalized form.
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DOMAIN_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_DOMAIN = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A canonical image name: ``busybox:1.31.1`` is ``docker.io/library/busybox:1.31.1``.

    Attributes:
        domain: the registry asked, such as ``docker.io`` or ``registry.k8s.io``.
        repository: the path of the image there, such as ``library/busybox``.
        tag: its tag; empty where a digest is given, since a digest makes containerd ignore the tag.
        digest: ``sha256:<hex>``, or empty.
    """

    domain: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    @property
    def name(self) -> str:
        """Domain and repository, without tag and digest."""
        return f"{self.domain}/{self.repository}"

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """The canonical form of an image name as a manifest writes it.

        Raises:
            NetproofError: the text is not an image name; kubelet answers ``InvalidImageName`` for it.
        """
        rest, has_digest, digest = text.partition("@")
        before_last_slash, slash, last = rest.rpartition("/")
        last, has_tag, tag = last.partition(":")
        domain, repository = _split_domain(f"{before_last_slash}{slash}{last}")
        if (
            not is_repository(repository)
            or not _DOMAIN.fullmatch(domain)
            or len(domain) + 1 + len(repository) > _LONGEST_NAME
            or (has_digest and not is_digest(digest))
            or (has_tag and not is_tag(tag))
        ):
            raise NetproofError(
                f"{text!r} is not the name of an image",
                "write it as [registry/]repository[:tag], the repository in lower case",
            )
        if has_digest:
            return cls(domain, repository, digest=digest)
        return cls(domain, repository, tag=tag or _DEFAULT_TAG)

    @classmethod
    def of_request(cls, namespace: str, repository: str, reference: str) -> ImageReference:
        """The image that a mirror was asked for.

        Args:
            namespace: the registry that the client meant (``?ns=``); a client that names none mirrors Docker Hub.
            repository: the path in the URL.
            reference: a tag or a digest.
        """
        domain = namespace or _DOCKER_HUB
        if domain == _DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        if is_digest(reference):
            return cls(domain, repository, digest=reference)
        return cls(domain, repository, tag=reference)


def is_repository(text: str) -> bool:
    """Whether this is a well-formed repository path."""
    return bool(_REPOSITORY.fullmatch(text))


def is_tag(text: str) -> bool:
    """Whether this is a well-formed tag."""
    return bool(_TAG.fullmatch(text))


def is_digest(text: str) -> bool:
    """Whether this is a well-formed SHA-256 digest."""
    return bool(_DIGEST.fullmatch(text))


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_domain = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not (slash and is_domain):
        return _DOCKER_HUB, name if slash else f"library/{name}"
    if first in {_DOCKER_HUB, "index.docker.io"}:
        return _DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
    return first, rest
