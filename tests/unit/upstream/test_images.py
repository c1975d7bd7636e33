from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from netproof.toolchain.acquire import Tools
from netproof.toolchain.cache import Installation, InstalledFile
from netproof.toolchain.oci import BlobStore
from netproof.upstream.images import HOST_PROGRAMS, short_name, stand_ins

BUSYBOX = Path("/bin/busybox")
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.66.1"
NGINX = "registry.k8s.io/e2e-test-images/nginx:1.28.0-2"
WANTED = (AGNHOST, NGINX, "registry.k8s.io/e2e-test-images/perl:5.26")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not BUSYBOX.exists() or not all(map(shutil.which, HOST_PROGRAMS)),
    reason=f"only root may change the root directory, and the machine needs {', '.join(HOST_PROGRAMS)}",
)


@pytest.fixture
def tools(tmp_path):
    """A real busybox; what else goes into the root is not called here."""
    (tmp_path / "program").write_text('#!/bin/sh\necho called "$@"\n')
    paths = {"busybox": BUSYBOX, "agnhost": tmp_path / "program", "coredns": tmp_path / "program"}
    files = {name: InstalledFile(path=path, size=path.stat().st_size) for name, path in paths.items()}
    return Tools(
        {"all": Installation(component="all", version="", source="system", origin="", programs=files)},
    )


@pytest.fixture
def root(tools, tmp_path):
    store = BlobStore(tmp_path / "store")
    for layer in stand_ins(WANTED, tools)[AGNHOST].store(store).layers:
        with tarfile.open(store.path(layer.digest)) as archive:
            archive.extractall(tmp_path / "root", filter="fully_trusted")
    return tmp_path / "root"


def test_images_are_known_by_the_last_part_of_their_name(tools):
    made = stand_ins(WANTED, tools)

    assert set(made) == {AGNHOST, NGINX}
    assert made[AGNHOST].config.entrypoint == ["/agnhost"]
    assert made[NGINX].config.cmd == ["test-webserver"]
    assert short_name("registry:5000/a/b:1") == "b"
    assert short_name("Not An Image") == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("dig -v 2>&1", "DiG"),
        ("curl --version", "curl"),
        ("nc -h 2>&1", "OpenBSD netcat"),
        ("ip -V", "iproute2"),
        ("ss -V", "iproute2"),
        ("wget -q -O - -T 1 http://127.0.0.1:1/; echo $?", "4"),
        ("command -v nc", "/usr/bin/nc"),
        ("getent hosts 127.0.0.1 || getent passwd root", "root"),
        ("hostname; seq 1 2", "1\n2"),
        ("/agnhost-2 pause", "called pause"),
        ("head -n 1 /localhost.crt", "BEGIN CERTIFICATE"),
    ],
)
def test_what_the_tests_call_runs_in_the_root(root, command, says):
    answer = subprocess.run(["chroot", str(root), "/bin/sh", "-c", command], capture_output=True, text=True, timeout=10)
    assert says in answer.stdout
