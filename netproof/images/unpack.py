"""Unpacks images with containerd: a process of its own, in a mount namespace of its own.

``python -m netproof.images.unpack --store DIR --containerd DIR --out DIR --final DIR`` reads the digests of manifests
by image name, as JSON, from its input. It leaves ``records`` and ``layers`` in ``--out``; see
:mod:`netproof.images.unpacked`.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from netproof.feeding import feed
from netproof.listeners import require_listener
from netproof.toolchain.oci import BlobStore, Descriptor
from netproof.waiting import TimedOutError, Waiter

_KUBERNETES = "k8s.io"
"""containerd's namespace in which a kubelet's images are."""
_RECORDS = ("io.containerd.metadata.v1.bolt", "io.containerd.content.v1.content")
_SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs"
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_TAIL_LINES = 5


def main() -> None:
    """Run: see the module. What goes wrong is on stderr, and the exit code is 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="root of the store of blobs")
    parser.add_argument("--containerd", type=Path, required=True, help="directory of containerd and ctr")
    parser.add_argument("--out", type=Path, required=True, help="where records and layers go")
    parser.add_argument("--final", type=Path, required=True, help="where --out will lie in the end")
    arguments = parser.parse_args()
    images: dict[str, str] = json.load(sys.stdin)
    # Layers are unpacked on a tmpfs: containerd wants a file system on which an overlay can have its upper layer.
    work = arguments.out / "work"
    work.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=80%", "netproof", str(work)], check=True)
    with _containerd(arguments.containerd, work) as address:
        _import(arguments.containerd / "ctr", address, BlobStore(arguments.store), images)
    _keep(work / "root", arguments.out, arguments.final)
    subprocess.run(["umount", str(work)], check=True)
    work.rmdir()


@contextmanager
def _containerd(programs: Path, work: Path) -> Iterator[Path]:
    """The socket of a containerd that keeps everything below ``work``; it has no part that runs containers."""
    address = work / "containerd.sock"
    disabled = ("cri.v1.images", "cri.v1.runtime", "grpc.v1.cri", "nri.v1.nri", "podsandbox.controller.v1.podsandbox")
    config = work / "config.toml"
    config.write_text(
        f'version = 3\nroot = "{work}/root"\nstate = "{work}/state"\n'
        f"disabled_plugins = {json.dumps([f'io.containerd.{one}' for one in disabled])}\n"
        f'[grpc]\n  address = "{address}"\n'
    )
    log = work / "containerd.log"
    with (
        log.open("wb") as output,
        subprocess.Popen([programs / "containerd", "--config", config], stdout=output, stderr=output) as process,
    ):
        try:
            _wait_for_listener(address, process, log)
            yield address
        finally:
            process.terminate()


def _wait_for_listener(address: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    def listens() -> None:
        if process.poll() is None:
            require_listener(str(address))

    try:
        waiter = Waiter(interval_seconds=_LOOK_SECONDS)
        waiter.until("containerd listens", listens, timeout_seconds=_START_SECONDS)
    except TimedOutError:
        pass
    else:
        if process.poll() is None:
            return
    tail = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    sys.exit("\n".join(["containerd does not start:", *tail]))


def _import(ctr: Path, address: Path, store: BlobStore, images: Mapping[str, str]) -> None:
    """Import the images from one archive; the archives of their layers are not kept once these are unpacked."""
    base = [str(ctr), "--address", str(address), "--namespace", _KUBERNETES]
    command = [*base, "image", "import", "--local", "--discard-unpacked-layers", "--snapshotter", "overlayfs", "-"]
    done = feed(command, lambda stream: write_archive(stream, store, images))
    if done.returncode:
        sys.exit(done.stderr.strip())
    # Else what is discarded stays until containerd next looks for what nothing refers to.
    subprocess.run([*base, "content", "prune", "references"], stdout=subprocess.DEVNULL, check=True)


def write_archive(stream: IO[bytes], store: BlobStore, images: Mapping[str, str]) -> None:
    """Write images as an OCI image layout in a tar archive, each blob once.

    Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md

    Args:
        stream: where it goes.
        store: who has the images.
        images: the digests of the manifests by name.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        entries, wanted = [], dict[str, None]()
        for name, digest in images.items():
            content = store.path(digest).read_bytes()
            manifest = json.loads(content)
            descriptor = Descriptor(manifest["mediaType"], digest, len(content)).as_json()
            entries.append({**descriptor, "annotations": {"io.containerd.image.name": name}})
            parts = (digest, manifest["config"]["digest"], *(one["digest"] for one in manifest["layers"]))
            wanted |= dict.fromkeys(parts)
        _add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())
        for path in map(store.path, wanted):
            archive.add(path, str(path.relative_to(store.root)))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _keep(root: Path, out: Path, final: Path) -> None:
    """Part what a node copies from what it only reads: containerd's records, and the files of layers."""
    records, layers = out / "records", out / "layers"
    layers.mkdir()
    snapshots = root / _SNAPSHOTS / "snapshots"
    for snapshot in snapshots.iterdir():
        (snapshot / "fs").rename(root / snapshot.name)
        # cp and not Python's own copying, which would make many files of the many names that one program has
        subprocess.run(["cp", "--archive", root / snapshot.name, layers / snapshot.name], check=True)
        (snapshot / "fs").symlink_to(final / "layers" / snapshot.name)
    records.mkdir()
    subprocess.run(["cp", "--archive", *(root / name for name in (*_RECORDS, _SNAPSHOTS)), records], check=True)


if __name__ == "__main__":
    main()
