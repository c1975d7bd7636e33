from __future__ import annotations

import hashlib
import http.server
import io
import shutil
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class ReleaseServer:
    """A server on loopback that gives out files, honours ranges, and can cut its answers short."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def publish(self, path: str, content: bytes) -> str:
        """Offers the content and its checksum beside it, and returns the address."""
        self.files[path] = content
        self.files[f"{path}.sha256"] = f"{hashlib.sha256(content).hexdigest()}  {path.rsplit('/', 1)[-1]}\n".encode()
        return self.url + path


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    release_server = ReleaseServer()
    release_server.gate.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted_range = self.headers.get("Range", "")
            release_server.requests.append((self.path, wanted_range))
            release_server.gate.wait(timeout=20)
            content = release_server.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted_range.removeprefix("bytes=").removesuffix("-") or 0)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            if release_server.cut_after and not self.path.endswith(".sha256"):
                body = body[: release_server.cut_after.pop(0)]
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    release_server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield release_server
    httpd.shutdown()
    httpd.server_close()


def tar_gz(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="there is no go on PATH")


@pytest.fixture
def go_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toolchain directory with the module ``greeter``, whose one program greets."""
    module = tmp_path / "toolchain" / "greeter"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module example.test/greeter\n\ngo 1.21\n")
    (module / "go.sum").write_text("")
    (module / "main.go").write_text('package main\n\nvar version string\n\nfunc main() { println("hello", version) }\n')
    monkeypatch.setattr("netproof.toolchain.catalog.data_directory", lambda name: tmp_path / name)
    return module.parent


GREETER = """
[components.greeter]
summary = "greets"
versions = ["1.0.0"]
architectures = ["amd64"]
programs = ["greet"]

[components.greeter.module]
directory = "greeter"
requires = "example.test/greeter"
packages = { greet = "example.test/greeter" }
ldflags = "-X main.version={version}"
disk_mib = { installed = 1 }
"""


@pytest.fixture
def go_proxy(server, monkeypatch, tmp_path):
    """The server as the Go module proxy, with a cache of modules that is the test's own."""
    monkeypatch.setenv("GOPROXY", server.url)
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOSUMDB", "off")
    for name in ("GONOPROXY", "GOPRIVATE"):
        monkeypatch.setenv(name, "")
    return server
