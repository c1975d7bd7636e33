"""OCI images assembled in Python, byte for byte the same wherever and whenever the inputs are the same.

The public interface: a :class:`Layer` is files, an :class:`Image` is a configuration and layers, a :class:`BlobStore`
is the content-addressed directory both end up in, and an :class:`ImageManifest` is what a registry serves for an image
name; the blobs it refers to lie at :meth:`BlobStore.path`.

Layers are uncompressed tars: they never leave the machine, and then the digest of the blob is the diff ID as well.
Format: https://github.com/opencontainers/image-spec (manifest.md, config.md, layer.md).
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

from netproof.atomic_writes import write_atomically
from netproof.errors import NetproofError

MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"

_PROGRAM_MODE = 0o755
_DATA_MODE = 0o644
_DIRECTORY_MODE = 0o755

_LAYER_FORMAT = "1"  # raised when the same inputs begin to give another tar, so that remembered layers are made anew
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Points at a blob.

    Attributes:
        media_type: what the blob is.
        digest: ``sha256:<hex>`` of its bytes.
        size: its length in bytes.
    """

    media_type: str
    digest: str
    size: int

    def as_json(self) -> dict[str, str | int]:
        """The descriptor as the image specification writes it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """A stored image as a registry serves it.

    Attributes:
        content: the bytes of the manifest.
        media_type: their media type.
        digest: ``sha256:<hex>`` of the bytes.
        config: the descriptor of the image's configuration blob.
        layers: the descriptors of the layer blobs, the lowest first.
    """

    content: bytes
    media_type: str
    digest: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


class BlobStore:
    """Blobs in a directory, each under its own digest: ``<root>/blobs/sha256/<hex>``.

    Several processes may write to one store: a blob appears whole, by a rename, or not at all.

    Args:
        root: the directory of the store; made at the first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Where the blob with this digest lies, whether or not it is there.

        Raises:
            NetproofError: the digest is not ``sha256:`` and 64 lower-case hexadecimal digits.
        """
        if not _DIGEST.fullmatch(digest):
            raise NetproofError(f"{digest!r} is not a digest of the form sha256:<64 hexadecimal digits>")
        algorithm, hexadecimal = digest.split(":")
        return self.root / "blobs" / algorithm / hexadecimal

    def put(self, content: bytes, media_type: str) -> Descriptor:
        """Stores these bytes, and returns the descriptor of the blob."""
        return self.write(media_type, lambda blob: blob.write(content))

    def write(self, media_type: str, produce: Callable[[BlobWriter], object]) -> Descriptor:
        """Stores what ``produce`` writes, streamed to disk, and returns the descriptor of the blob."""
        directory = self.root / "blobs" / "sha256"
        directory.mkdir(parents=True, exist_ok=True)
        descriptor_number, name = tempfile.mkstemp(prefix=".incoming-", dir=directory)
        incoming = Path(name)
        try:
            with os.fdopen(descriptor_number, "wb") as file:
                writer = BlobWriter(file)
                produce(writer)
            incoming.chmod(_DATA_MODE)
            descriptor = Descriptor(media_type, writer.digest, writer.size)
            incoming.replace(self.path(descriptor.digest))
        finally:
            incoming.unlink(missing_ok=True)
        return descriptor

    def files(self) -> list[Path]:
        """All files of the store; each was last changed when it was last asked for."""
        return [file for file in sorted(self.root.rglob("*")) if file.is_file()]

    def recall(self, fingerprint: str, media_type: str) -> Descriptor | None:
        """The blob that was made from inputs with this fingerprint, or None where it is not in the store any more."""
        with suppress(OSError, ValueError):
            digest, size = self._memory(fingerprint).read_text().split()
            if self.path(digest).stat().st_size == int(size):
                os.utime(self.path(digest))  # so that pruning, which goes by age, knows that it is in use
                return Descriptor(media_type, digest, int(size))
        return None

    def remember(self, fingerprint: str, descriptor: Descriptor) -> None:
        """Notes which blob the inputs with this fingerprint gave."""
        write_atomically(self._memory(fingerprint), f"{descriptor.digest} {descriptor.size}\n")

    def _memory(self, fingerprint: str) -> Path:
        return self.root / "layers" / fingerprint


@dataclass(frozen=True, slots=True)
class Layer:
    """Files of one image layer; all belong to root, and their times are zero.

    Attributes:
        files: content by path inside the image; a :class:`~pathlib.Path` is a file of the host, read only when stored.
        links: hard links, path to the path it is another name of.
        directories: directories beyond the parents of the files, with their mode bits.
        modes: mode bits of files; else 0755 for a file of the host (a program) and 0644 for bytes.
    """

    files: Mapping[str, bytes | Path]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, int] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_files(
        cls,
        files: Mapping[str, bytes | Path],
        *,
        links: Mapping[str, str] | None = None,
        directories: Mapping[str, int] | None = None,
        modes: Mapping[str, int] | None = None,
    ) -> Layer:
        """A layer of these files; paths are taken from the root of the image, with or without the leading slash.

        Raises:
            NetproofError: a path leaves the image, or a link points at no file of the layer.
        """
        layer = cls(
            files={_inside(path): content for path, content in files.items()},
            links={_inside(path): _inside(target) for path, target in (links or {}).items()},
            directories={_inside(path): mode for path, mode in (directories or {}).items()},
            modes={_inside(path): mode for path, mode in (modes or {}).items()},
        )
        for path, target in layer.links.items():
            if target not in layer.files:
                raise NetproofError(f"the hard link {path} of an image layer points at {target}, which the layer lacks")
        return layer

    def store(self, blobs: BlobStore) -> Descriptor:
        """Puts the layer into the store, and returns its descriptor.

        A layer whose inputs (path, size and modification time of a host's file; bytes otherwise) were stored before
        is not made again.

        Raises:
            NetproofError: a file of the host cannot be read, or the disk is full.
        """
        try:
            fingerprint = self._fingerprint()
            known = blobs.recall(fingerprint, _LAYER_MEDIA_TYPE)
            if known is not None:
                return known
            stored = blobs.write(_LAYER_MEDIA_TYPE, self._write_tar)
        except OSError as problem:
            remedy = f"make space in {blobs.root}, or point NETPROOF_CACHE at another disk"
            is_full = problem.errno == errno.ENOSPC
            raise NetproofError(f"an image layer could not be made: {problem}", remedy if is_full else "") from problem
        blobs.remember(fingerprint, stored)
        return stored

    def _fingerprint(self) -> str:
        contents: dict[str, list[str | int]] = {}
        for path, content in self.files.items():
            if isinstance(content, Path):
                status = content.stat()
                contents[path] = [str(content.resolve()), status.st_size, status.st_mtime_ns]
            else:
                contents[path] = [hashlib.sha256(content).hexdigest()]
        inputs = [_LAYER_FORMAT, contents, dict(self.links), dict(self.directories), dict(self.modes)]
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    def _write_tar(self, blob: BlobWriter) -> None:
        with tarfile.open(fileobj=blob, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for path, mode in sorted(self._all_directories().items()):
                archive.addfile(_entry(path, tarfile.DIRTYPE, mode))
            for path, content in sorted(self.files.items()):
                self._add_file(archive, path, content)
            # after the files, since a hard link must follow what it points at; and with the mode of a program, since
            # the unpacker applies an entry's mode to the inode that all names share
            for path, target in sorted(self.links.items()):
                entry = _entry(path, tarfile.LNKTYPE, self.modes.get(target, _PROGRAM_MODE))
                entry.linkname = target
                archive.addfile(entry)

    def _add_file(self, archive: tarfile.TarFile, path: str, content: bytes | Path) -> None:
        default_mode = _PROGRAM_MODE if isinstance(content, Path) or path in self.links.values() else _DATA_MODE
        entry = _entry(path, tarfile.REGTYPE, self.modes.get(path, default_mode))
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
            entry.size = os.fstat(file.fileno()).st_size if isinstance(content, Path) else len(content)
            archive.addfile(entry, file)

    def _all_directories(self) -> dict[str, int]:
        parents = {
            str(parent)
            for path in [*self.files, *self.links, *self.directories]
            for parent in PurePosixPath(path).parents
            if parent != PurePosixPath()
        }
        return dict.fromkeys(parents, _DIRECTORY_MODE) | dict(self.directories)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How a container of the image starts; names as in the image specification.

    Attributes:
        entrypoint: the program and the arguments that always come first.
        cmd: the arguments that a Pod's ``args`` replaces.
        env: environment variables.
        exposed_ports: such as ``8000/tcp``.
        working_directory: where the program starts.
        user: as whom it runs; empty for root.
        labels: free text by key.
    """

    entrypoint: Sequence[str] = ()
    cmd: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: Sequence[str] = ()
    working_directory: str = "/"
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """A configuration and layers, the lowest first."""

    config: ImageConfig
    layers: Sequence[Layer]
    architecture: str = "amd64"

    def store(self, blobs: BlobStore) -> ImageManifest:
        """Puts layers, configuration and manifest into the store, and returns the manifest.

        Raises:
            NetproofError: a file of the host that a layer takes cannot be read.
        """
        layers = tuple(layer.store(blobs) for layer in self.layers)
        config = blobs.put(self._config_json([layer.digest for layer in layers]), CONFIG_MEDIA_TYPE)
        content = _canonical_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_MEDIA_TYPE,
                "config": config.as_json(),
                "layers": [layer.as_json() for layer in layers],
            }
        )
        stored = blobs.put(content, MANIFEST_MEDIA_TYPE)
        return ImageManifest(content, MANIFEST_MEDIA_TYPE, stored.digest, config, layers)

    def _config_json(self, diff_ids: list[str]) -> bytes:
        start = {
            "Entrypoint": list(self.config.entrypoint),
            "Cmd": list(self.config.cmd),
            "Env": [f"{name}={value}" for name, value in sorted(self.config.env.items())],
            "ExposedPorts": {port: {} for port in sorted(self.config.exposed_ports)},
            "WorkingDir": self.config.working_directory,
            "User": self.config.user,
            "Labels": dict(self.config.labels),
        }
        return _canonical_json(
            {
                "architecture": self.architecture,
                "os": "linux",
                "created": "1970-01-01T00:00:00Z",
                "config": {name: value for name, value in start.items() if value},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        )


class BlobWriter(io.RawIOBase):
    """Takes the bytes of a blob: writes them to a file, counts and hashes them on the way."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of what has been written."""
        return f"sha256:{self._sha256.hexdigest()}"

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Appends the bytes, and returns how many they are."""
        content = bytes(data)
        self._sha256.update(content)
        self.size += len(content)
        return self._file.write(content)


def _inside(path: str) -> str:
    pure = PurePosixPath(path.lstrip("/"))
    if ".." in pure.parts or pure == PurePosixPath():
        raise NetproofError(f"the path {path!r} of an image layer names nothing inside the image")
    return str(pure)


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type = kind
    entry.mode = mode
    return entry


def _canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
