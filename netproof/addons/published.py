"""Manifests that projects publish: pinned by data, fetched when first wanted, kept in the cache, checked each time."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field

from netproof.atomic_writes import write_atomically
from netproof.cluster.api import Object
from netproof.errors import NetproofError
from netproof.toolchain.cache import open_cache
from netproof.toolchain.fetch import MIRROR_VARIABLE, Downloader, UnavailableError, mirrored

_SHA256 = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]


class PublishedManifest(BaseModel):
    """A manifest of a release, as ``upstream.toml`` pins it.

    Attributes:
        title: the project.
        version: its release.
        url: template of the address.
        sha256: what the file must have; empty where the first fetch is believed.
        objects: some that it must have, as ``Kind/name``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    version: str
    url: str
    sha256: _SHA256 = ""
    objects: tuple[str, ...] = Field(min_length=1)

    @property
    def address(self) -> str:
        """Where it is, or its mirror has it."""
        return mirrored(self.url.format(version=self.version))

    def __str__(self) -> str:
        return f"{self.title} {self.version}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest at hand.

    Attributes:
        manifest: which.
        content: its bytes.
        sha256: their checksum.
    """

    manifest: PublishedManifest
    content: bytes
    sha256: str

    def __str__(self) -> str:
        how = "pinned" if self.manifest.sha256 else "not pinned: the first fetch is believed"
        return f"{self.manifest} from {self.manifest.address} (sha256 {self.sha256}, {how})"

    def objects(self) -> list[Object]:
        """Its objects, in the file's order.

        Raises:
            NetproofError: it is no YAML, or lacks what this manifest must have.
        """
        try:
            found = [one for one in yaml.safe_load_all(self.content) if isinstance(one, dict)]
        except yaml.YAMLError as problem:
            raise NetproofError(f"what {self.manifest.address} serves is no manifest: {problem}", _LOOK) from problem
        names = {f"{one.get('kind')}/{(one.get('metadata') or {}).get('name')}" for one in found}
        if missing := [name for name in self.manifest.objects if name not in names]:
            raise NetproofError(
                f"what {self.manifest.address} serves is not the manifest of {self.manifest}: "
                f"it lacks {', '.join(missing)}",
                _LOOK,
            )
        return found


_LOOK = f"open the address and see what it serves; a proxy or {MIRROR_VARIABLE} may stand between"


@cache
def published_manifests() -> Mapping[str, PublishedManifest]:
    """All that ``upstream.toml`` pins, by name."""
    text = resources.files("netproof.addons").joinpath("upstream.toml").read_text(encoding="utf-8")
    return {name: PublishedManifest.model_validate(fields) for name, fields in tomllib.loads(text)["manifests"].items()}


def fetch(manifest: PublishedManifest, downloader: Downloader) -> Fetched:
    """The manifest, from the cache where that has it.

    Raises:
        NetproofError: it cannot be reached, has another checksum than pinned or remembered, or is another file.
    """
    file = _place(manifest)
    remembered = file.with_suffix(".sha256")
    if file.is_file() and remembered.is_file():
        found = _checked(manifest, file.read_bytes(), remembered.read_text(encoding="ascii").strip(), str(file))
        found.objects()
        return found
    address = manifest.address
    try:
        content = downloader.content(address)
    except UnavailableError as problem:
        raise NetproofError(
            f"the manifest of {manifest} cannot be had: {problem}",
            f"give this machine a way to {urlsplit(address).netloc}, or {MIRROR_VARIABLE} the address of a mirror; "
            "or leave out --addons upstream and --ingress ingress-nginx",
        ) from problem
    found = _checked(manifest, content, manifest.sha256, address)
    found.objects()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, content.decode("utf-8"))
    write_atomically(remembered, f"{found.sha256}\n")
    return found


def _checked(manifest: PublishedManifest, content: bytes, expected: str, where: str) -> Fetched:
    """The content, whose sum is the pinned one and the expected one, so far as there are any."""
    sha256 = hashlib.sha256(content).hexdigest()
    for wanted in filter(None, (manifest.sha256, expected)):
        if sha256 != wanted:
            raise NetproofError(
                f"{where} has the wrong checksum for {manifest}: expected sha256 {wanted}, found {sha256}",
                "do not use it before you know who changed it; 'netproof toolchain prune --all' empties the cache",
            )
    return Fetched(manifest, content, sha256)


def _place(manifest: PublishedManifest) -> Path:
    """Where the cache keeps it; another address is another file."""
    key = hashlib.sha256(manifest.address.encode()).hexdigest()[:10]
    name = f"{manifest.title.lower().replace(' ', '-')}-{manifest.version}-{key}.yaml"
    return open_cache().manifests / name
