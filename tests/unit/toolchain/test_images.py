from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tarfile
import urllib.request
from pathlib import Path

import pytest

from netproof.toolchain.acquire import Tools
from netproof.toolchain.cache import Installation, InstalledFile
from netproof.toolchain.elf import is_static
from netproof.toolchain.images import busybox, pause, web
from netproof.toolchain.oci import BlobStore
from netproof.waiting import Waiter

BUSYBOX = Path("/bin/busybox")
needs_busybox = pytest.mark.skipif(
    not BUSYBOX.exists() or not is_static(BUSYBOX), reason="there is no static /bin/busybox (Debian: busybox-static)"
)
needs_chroot = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the root directory")

pytestmark = needs_busybox


@pytest.fixture
def tools():
    file = InstalledFile(path=BUSYBOX, size=BUSYBOX.stat().st_size)
    programs = {"busybox": file}
    return Tools(
        {"busybox": Installation(component="busybox", version="", source="system", origin="", programs=programs)}
    )


@pytest.fixture
def unpack(tmp_path):
    def unpack(image):
        blobs, root = BlobStore(tmp_path / "store"), tmp_path / "root"
        for layer in image.store(blobs).layers:
            with tarfile.open(blobs.path(layer.digest)) as archive:
                archive.extractall(root, filter="fully_trusted")
        (root / "dev").mkdir()
        (root / "dev/null").touch()  # a container has the device
        return root

    return unpack


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_busybox_has_all_applets_as_one_file(tools, unpack):
    root = unpack(busybox(tools))

    assert (root / "bin/sh").stat().st_ino == (root / "bin/busybox").stat().st_ino
    assert (root / "bin/wget").exists()
    assert oct((root / "tmp").stat().st_mode) == "0o41777"
    assert (root / "etc/passwd").read_text().startswith("root:x:0:0:")


@needs_chroot
def test_the_shell_runs_in_its_image(tools, unpack):
    root = unpack(busybox(tools))
    command = ["chroot", str(root), "/bin/sh", "-c", "id -un; cat /etc/group | head -n 1"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert answer.stdout == "root\nroot:x:0:\n"


def test_pause_holds_still(tools):
    assert pause(tools).config.entrypoint == ["/bin/busybox", "sleep", "2147483647"]


@needs_chroot
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")
def test_web_serves_its_ports_logs_requests_and_ends_at_once(tools, unpack):
    ports = free_ports(2)
    image = web(tools, ports, {"index.html": b"hello\n"})
    root = unpack(image)
    process = subprocess.Popen(
        # as process 1 of a PID namespace, which is how a container runs it
        ["unshare", "--pid", "--fork", "--kill-child", "chroot", str(root), *image.config.entrypoint],
        env=dict(image.config.env),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        waiter = Waiter(retry_on=(OSError,))
        for port in ports:

            def body(port=port):
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).read()

            assert waiter.until("the page", body, timeout_seconds=5) == b"hello\n"
        init = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        os.kill(init, signal.SIGTERM)
        output, _ = process.communicate(timeout=2)
    finally:
        process.kill()
    assert process.returncode == 0
    assert f"serving /app on port {ports[1]}" in output
    assert "url:/" in output


@needs_chroot
def test_web_without_a_port_says_so(tools, unpack):
    root = unpack(web(tools, []))
    answer = subprocess.run(
        ["chroot", str(root), "/usr/local/bin/netproof-serve"], capture_output=True, text=True, timeout=10
    )
    assert answer.returncode == 2
    assert "NETPROOF_PORTS names no port" in answer.stderr


@needs_chroot
def test_web_ends_when_a_port_is_taken(tools, unpack):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        image = web(tools, [port])
        command = ["chroot", str(unpack(image)), *image.config.entrypoint]
        answer = subprocess.run(command, env=dict(image.config.env), capture_output=True, text=True, timeout=10)
    assert answer.returncode == 1
    assert "a server ended by itself" in answer.stderr
