from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
import time

import pytest

from netproof.errors import NetproofError
from netproof.toolchain.fetch import (
    CHUNK_BYTES,
    Downloader,
    UnavailableError,
    extract_members,
    mirrored,
    published_sum,
)
from netproof.toolchain.progress import SilentProgress

from .conftest import tar_gz

CONTENT = os.urandom(300_000)
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def downloader(cache):
    return Downloader(SilentProgress(), retry_pause_seconds=0.0, unreachable={})


def test_a_file_comes_whole(server, downloader, tmp_path):
    url = server.publish("/v1/tool", CONTENT)
    assert downloader.file(url, SUM, "tool", tmp_path).read_bytes() == CONTENT


def test_a_cut_download_is_resumed_where_it_ended(server, downloader, tmp_path):
    url = server.publish("/v1/tool", CONTENT)
    server.cut_after = [100_000, 150_000]

    path = downloader.file(url, SUM, "tool", tmp_path)

    assert path.read_bytes() == CONTENT
    starts = [int(wanted_range.removeprefix("bytes=").removesuffix("-") or 0) for _, wanted_range in server.requests]
    assert len(starts) == 3
    assert 100_000 - CHUNK_BYTES < starts[1] <= 100_000
    assert starts[1] < starts[2] <= 250_000


def test_a_later_run_resumes_what_an_earlier_one_left(server, downloader, tmp_path):
    url = server.publish("/v1/tool", CONTENT)
    server.cut_after = [70_000, 0]
    with pytest.raises(UnavailableError, match="/v1/tool: "):
        downloader.file(url, SUM, "tool", tmp_path)

    path = Downloader(SilentProgress()).file(url, SUM, "tool", tmp_path)

    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("/v1/tool", f"bytes={CHUNK_BYTES}-")


def test_what_changed_at_its_source_is_fetched_anew(server, downloader, tmp_path):
    server.publish("/v1/tool", b"x" * 300_000)
    server.cut_after = [70_000, 0]
    with pytest.raises(UnavailableError):
        downloader.file(f"{server.url}/v1/tool", SUM, "tool", tmp_path)
    server.publish("/v1/tool", CONTENT)

    assert downloader.file(f"{server.url}/v1/tool", SUM, "tool", tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_names_both_sums_and_the_address(server, downloader, tmp_path):
    url = server.publish("/v1/tool", CONTENT + b"!")
    found = hashlib.sha256(CONTENT + b"!").hexdigest()

    with pytest.raises(NetproofError) as problem:
        downloader.file(url, SUM, "tool", tmp_path)

    assert {SUM, found, url} <= set(problem.value.message.replace(",", "").split())
    assert list(tmp_path.glob("*.part")) == []


def test_an_unreachable_host_is_asked_once(downloader):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"{host} cannot be reached .*refused"):
            downloader.text(f"http://{host}/a")
        taken.listen()
        with pytest.raises(UnavailableError, match=f"{host} cannot be reached"):
            downloader.text(f"http://{host}/b")


def test_a_host_that_does_not_answer_costs_one_short_timeout(cache):
    downloader = Downloader(SilentProgress(), connect_timeout_seconds=0.2, unreachable={})
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # fills the queue, so that further connections hang
            started = time.monotonic()
            for _ in range(5):
                with pytest.raises(UnavailableError, match="cannot be reached"):
                    downloader.text(f"http://127.0.0.1:{full.getsockname()[1]}/")
            assert time.monotonic() - started < 1.5


def test_a_missing_file_is_unavailable(server, downloader):
    with pytest.raises(UnavailableError, match="/none: the server answered 404"):
        downloader.text(f"{server.url}/none")


@pytest.mark.parametrize(
    ("mirror", "address"),
    [
        ("", "https://dl.example.test/v1/tool?x=1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/tool?x=1"),
        ("https://mirror.test/pub/", "https://mirror.test/pub/v1/tool?x=1"),
    ],
)
def test_a_mirror_replaces_scheme_and_host(monkeypatch, mirror, address):
    monkeypatch.setenv("NETPROOF_MIRROR", mirror)
    assert mirrored("https://dl.example.test/v1/tool?x=1") == address


def test_a_mirror_that_is_no_address_is_an_error(monkeypatch):
    monkeypatch.setenv("NETPROOF_MIRROR", "mirror.test")
    with pytest.raises(NetproofError, match=r"NETPROOF_MIRROR='mirror\.test'"):
        mirrored("https://dl.example.test/v1/tool")


@pytest.mark.parametrize(
    "listing",
    [SUM, f"{SUM}\n", f"{SUM}  tool\n", f"{SUM} *tool\n", f"{'0' * 64}  other\n{SUM.upper()}  ./dir/tool\n"],
    ids=["bare", "bare with newline", "sha256sum", "binary mode", "several, with a directory"],
)
def test_published_sums_are_read_in_all_their_forms(listing):
    assert published_sum(listing, "tool") == SUM


@pytest.mark.parametrize(
    "listing", ["", "<html>no</html>", f"{SUM}  other\n"], ids=["empty", "a page", "of another file"]
)
def test_a_listing_without_the_file_gives_no_sum(listing):
    with pytest.raises(UnavailableError, match="none for tool"):
        published_sum(listing, "tool")


def test_only_wanted_members_are_extracted(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"./bin/tool": b"tool", "../escape": b"no", "bin/other": b"no"}))
    (tmp_path / "out").mkdir()

    extract_members(tmp_path / "a.tar.gz", {"renamed": "bin/tool"}, tmp_path / "out")

    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"renamed": b"tool"}
    assert not (tmp_path / "escape").exists()


def test_a_link_in_place_of_a_member_is_not_followed(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("bin/tool")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link, io.BytesIO())
    with pytest.raises(NetproofError, match="lacks bin/tool"):
        extract_members(tmp_path / "a.tar.gz", {"tool": "bin/tool"}, tmp_path)


def test_a_broken_archive_is_one_message(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_gz({"tool": CONTENT})[:1000])
    with pytest.raises(NetproofError, match=r"a\.tar\.gz cannot be read"):
        extract_members(tmp_path / "a.tar.gz", {"tool": "tool"}, tmp_path)
