"""netproof's own images as a node's container runtime keeps them, unpacked once on this host for all nodes to come.

To unpack the same hundred megabytes on each node of each cluster costs seconds, and in an emulated machine a minute. So
containerd itself unpacks them here (:mod:`netproof.images.unpack`), and a node begins with a copy of its records, in
which the directory of each layer is a link to the one that lies here. Layers are only ever read: they are the lower
ones of the overlays that containers have.

``<cache>/unpacked/<key>/records`` is what is copied, ``<cache>/unpacked/<key>/layers`` is what its links lead to.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from netproof.errors import NetproofError
from netproof.long_unused import long_unused
from netproof.toolchain import Progress
from netproof.toolchain.cache import INCOMING_PREFIX, Cache

FORM = 1
"""Part of the key; to be counted up when the way in which images are unpacked changes."""

_UNPACKING_SECONDS = 300.0


def unpack_images(cache: Cache, containerd: Path, images: Mapping[str, str], progress: Progress) -> Path:
    """The directory with these images; made where the cache does not have just these. Those long unused go.

    Args:
        cache: the cache whose store has the images, and where they will lie unpacked.
        containerd: the directory of containerd and ctr.
        images: the digests of their manifests by name.
        progress: told while they are unpacked.

    Raises:
        NetproofError: containerd does not start, or does not take an image.
    """
    directory = cache.unpacked / _key(cache, containerd, images)
    cache.unpacked.mkdir(parents=True, exist_ok=True)
    with FileLock(cache.unpacked / ".lock"):
        if directory.exists():
            os.utime(directory)
            return directory
        for left in cache.unpacked.glob(f"{INCOMING_PREFIX}*"):
            shutil.rmtree(left)
        with (
            progress.working("unpacking images"),
            tempfile.TemporaryDirectory(prefix=INCOMING_PREFIX, dir=cache.unpacked) as incoming,
        ):
            unfinished = Path(incoming) / directory.name
            unfinished.mkdir()
            _run_unpacking(unfinished, directory, cache.images.root, containerd, images)
            unfinished.rename(directory)
        for old in long_unused(path for path in cache.unpacked.iterdir() if path.is_dir()):
            shutil.rmtree(old)
    return directory


def _run_unpacking(incoming: Path, final: Path, store: Path, containerd: Path, images: Mapping[str, str]) -> None:
    """Unpack in a mount namespace and a PID namespace of its own: nothing of it outlives the process."""
    command = [
        *("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("--mount-proc", "--", sys.executable, "-m", "netproof.images.unpack"),
        *(f"--store={store}", f"--containerd={containerd}", f"--out={incoming}", f"--final={final}"),
    ]
    done = subprocess.run(
        command, input=json.dumps(dict(images)), capture_output=True, text=True, check=False, timeout=_UNPACKING_SECONDS
    )
    if done.returncode:
        raise NetproofError(f"containerd cannot unpack netproof's own images: {done.stderr.strip()}", "netproof doctor")


def _key(cache: Cache, containerd: Path, images: Mapping[str, str]) -> str:
    inputs = [FORM, str(cache.unpacked), containerd.name, sorted(images.items())]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
