"""Which manifest an image name gets: netproof's own images by name, stand-ins by plan, or none."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netproof.errors import NetproofError
from netproof.images.added import AddedImages
from netproof.images.plan import KINDS, PlanFile, PlannedStandIn, default_stand_in
from netproof.images.policy import ImagePolicy
from netproof.images.reference import ImageReference, is_digest

MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"

_STANDS_IN_FOR_LABEL = "io.netproof.stands-in-for"
"""The label of a stand-in's image configuration that holds the name it was asked for by."""

_STANDS_IN_FOR_VARIABLE = "NETPROOF_STANDS_IN_FOR"
"""The environment variable of a stand-in that holds the same."""

PORTS_VARIABLE = "NETPROOF_PORTS"
"""The environment variable of a web stand-in that holds the ports to serve, separated by spaces."""

_ANY_TAG = "*"
"""As the tag of a system image: whatever tag is asked for."""


@dataclass(frozen=True, slots=True)
class ServedManifest:
    """A manifest as it is served.

    Attributes:
        content: its bytes.
        media_type: their media type.
        digest: ``sha256:<hex>`` of the bytes.
        stand_in: what it stands in as; None for an image that is what its name says.
    """

    content: bytes
    media_type: str
    digest: str
    stand_in: PlannedStandIn | None = None


@dataclass(frozen=True, slots=True)
class SystemImages:
    """netproof's own images: digests of manifests in the blob store.

    Attributes:
        by_name: by image name; the tag ``*`` means any.
        stand_ins: the images that stand-ins are made from, by kind.
    """

    by_name: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)


class Resolver:
    """Answers what the registry has.

    Args:
        blobs: the root of the store with netproof's own images, in the form of an OCI image layout
            (``blobs/sha256/<hex>``). It is read here without the package that fills it, whose imports take longer than
            the server may take to listen.
        images: those images.
        policy: ``pull``: names of netproof's own images alone are known; ``stand-in``: every name is.
        plan: the stand-ins of the submission.
        added: images of netproof's own that came later; None for none.

    Raises:
        NetproofError: the policy is ``auto``, a name is no image name, or a kind of stand-in or a manifest is missing.
    """

    def __init__(
        self,
        blobs: Path,
        images: SystemImages,
        policy: ImagePolicy,
        plan: PlanFile,
        added: AddedImages | None = None,
    ) -> None:
        if policy is ImagePolicy.AUTO:
            raise NetproofError("the image policy auto was not decided before the registry was started")
        self._blobs = blobs / "blobs" / "sha256"
        self._policy = policy
        self._plan = plan
        self._added = added
        self._bases = dict(images.stand_ins)
        if policy is ImagePolicy.STAND_IN and (missing := set(KINDS) - set(self._bases)):
            raise NetproofError(f"no image was given to make stand-ins of kind {', '.join(sorted(missing))} from")
        self._lock = threading.Lock()
        self._made: dict[tuple[ImageReference, PlannedStandIn], ServedManifest] = {}
        self._configs: dict[str, bytes] = {}
        self._manifests: dict[str, ServedManifest] = {}
        self._system: dict[str, ServedManifest] = {}
        for name, digest in images.by_name.items():
            repository, _, tag = name.rpartition(":")
            key = (
                f"{ImageReference.parse(repository).name}:{_ANY_TAG}"
                if tag == _ANY_TAG
                else str(ImageReference.parse(name))
            )
            self._system[key] = self._manifests[digest] = self._stored_manifest(digest)

    def manifest(self, image: ImageReference) -> ServedManifest | None:
        """The manifest of this image; None where this registry has none, so that the client may ask another.

        A digest gets that very manifest or none: a stand-in's bytes cannot have the digest of what it replaces.
        """
        if image.digest:
            return self._manifests.get(image.digest)
        system = self._system.get(str(image)) or self._system.get(f"{image.name}:{_ANY_TAG}") or self._find_added(image)
        if system or self._policy is ImagePolicy.PULL:
            return system
        stand_in = self._plan.current().get(image) or default_stand_in(image)
        with self._lock:
            served = self._made.get((image, stand_in))
            if served is None:
                served = self._made[image, stand_in] = self._make(image, stand_in)
            return served

    def blob(self, digest: str) -> bytes | Path | None:
        """The blob with this digest: its bytes, the file that holds it, or None."""
        if digest in self._configs:
            return self._configs[digest]
        if digest in self._manifests:
            return self._manifests[digest].content
        path = self._path(digest)
        return path if path.is_file() else None

    def _find_added(self, image: ImageReference) -> ServedManifest | None:
        digest = self._added.current().get(str(image)) if self._added else None
        if digest is None:
            return None
        with self._lock:
            if digest not in self._manifests:
                self._manifests[digest] = self._stored_manifest(digest)
            return self._manifests[digest]

    def _path(self, digest: str) -> Path:
        if not is_digest(digest):
            raise NetproofError(f"{digest!r} is not a digest of the form sha256:<64 hexadecimal digits>")
        return self._blobs / digest.removeprefix("sha256:")

    def _stored_manifest(self, digest: str) -> ServedManifest:
        content = self._content(digest)
        media_type = json.loads(content).get("mediaType", MANIFEST_MEDIA_TYPE)
        return ServedManifest(content, media_type, digest)

    def _content(self, digest: str) -> bytes:
        try:
            return self._path(digest).read_bytes()
        except OSError as problem:
            raise NetproofError(
                f"the image store lacks {digest}: {problem.strerror}",
                "start the cluster anew: its images are then assembled again",
            ) from problem

    def _make(self, image: ImageReference, stand_in: PlannedStandIn) -> ServedManifest:
        """The image of this kind, with a configuration that says what it stands in for and what it serves."""
        manifest: dict[str, Any] = json.loads(self._content(self._bases[stand_in.kind]))
        config: dict[str, Any] = json.loads(self._content(manifest["config"]["digest"]))
        start: dict[str, Any] = config.setdefault("config", {})
        start["Labels"] = {**start.get("Labels", {}), _STANDS_IN_FOR_LABEL: str(image)}
        variables = {_STANDS_IN_FOR_VARIABLE: str(image)}
        if stand_in.ports:
            variables[PORTS_VARIABLE] = " ".join(map(str, stand_in.ports))
            start["ExposedPorts"] = {f"{port}/tcp": {} for port in stand_in.ports}
        others = [entry for entry in start.get("Env", []) if entry.partition("=")[0] not in variables]
        start["Env"] = sorted([*others, *(f"{name}={value}" for name, value in variables.items())])

        config_bytes = _canonical_json(config)
        config_digest = _digest(config_bytes)
        manifest["config"] = {"mediaType": CONFIG_MEDIA_TYPE, "digest": config_digest, "size": len(config_bytes)}
        content = _canonical_json(manifest)
        served = ServedManifest(content, MANIFEST_MEDIA_TYPE, _digest(content), stand_in)
        # kept for good: a node that resolved a tag under one plan may ask for its digest under the next
        self._configs[config_digest] = config_bytes
        self._manifests[served.digest] = served
        return served


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
