"""Downloads of official releases: resumed, checked against a sha256, and there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

import requests

from netproof.errors import NetproofError
from netproof.toolchain.progress import Progress

_CONNECT_TIMEOUT_SECONDS = 4.0
_READ_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 4
CHUNK_BYTES = 64 * 1024  # what a cut connection can lose of what has already come
MIRROR_VARIABLE = "NETPROOF_MIRROR"

_UNREACHABLE: dict[str, str] = {}
_OTHER_SOURCE = "set NETPROOF_SOURCES=module,system to build from pinned sources instead"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class UnavailableError(Exception):
    """This source cannot give what is wanted (no network, no such file); another source may."""


class _CutError(Exception):
    """The connection ended before the file did."""


@dataclass(slots=True)
class Downloader:
    """Fetches files over HTTP, and remembers for the life of the process which hosts it could not reach.

    Attributes:
        progress: who is told.
        connect_timeout_seconds: after which a host counts as unreachable.
        retry_pause_seconds: before a connection that was cut is made again.
        unreachable: why, by host; shared by all downloaders of the process.
    """

    progress: Progress
    connect_timeout_seconds: float = _CONNECT_TIMEOUT_SECONDS
    retry_pause_seconds: float = 0.5
    unreachable: dict[str, str] = field(default_factory=lambda: _UNREACHABLE)
    _session: requests.Session = field(default_factory=requests.Session)

    def text(self, url: str) -> str:
        """The body at the address as text, which is UTF-8.

        Raises:
            UnavailableError: the host cannot be reached, or answers with an error.
        """
        return self.content(mirrored(url)).decode("utf-8", "replace")

    def content(self, address: str) -> bytes:
        """The body at this very address.

        Raises:
            UnavailableError: the host cannot be reached, or answers with an error.
        """
        try:
            with self._get(address, {}) as answer:
                return answer.content
        except (requests.RequestException, _CutError) as problem:
            raise UnavailableError(f"{address}: {_reason(problem)}") from problem

    def file(self, url: str, sha256: str, title: str, directory: Path) -> Path:
        """The path of the downloaded and verified file; the caller moves or removes it.

        A download that an earlier run left unfinished, or that is cut now, is resumed where it ended.

        Args:
            url: the address; ``NETPROOF_MIRROR`` replaces its scheme and host.
            sha256: what the file must have, as hexadecimal digits.
            title: what it is, for the progress.
            directory: where the unfinished file waits to be resumed, and the finished one is put.

        Raises:
            UnavailableError: the host cannot be reached, or answers with an error, or the connection is cut again and
                again.
            NetproofError: the file has another sum.
        """
        address = mirrored(url)
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{hashlib.sha256(address.encode()).hexdigest()[:16]}-{PurePosixPath(urlsplit(address).path).name}"
        partial = directory / f"{name}.part"
        resumed = partial.exists()
        self._download(address, partial, title)
        found = _sha256_of(partial)
        if found != sha256 and resumed:
            # the file may have changed at its source since the first part of it came
            partial.unlink()
            self._download(address, partial, title)
            found = _sha256_of(partial)
        if found != sha256:
            partial.unlink()
            raise NetproofError(
                f"{address} has the wrong checksum: expected sha256 {sha256}, found {found}",
                "try again; if it stays wrong, do not use the file: ask who serves it, "
                "or set NETPROOF_SOURCES=module,system to build from pinned sources",
            )
        return partial

    def _download(self, address: str, partial: Path, title: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            before = _size(partial)
            try:
                self._continue(address, partial, title)
            except (requests.RequestException, _CutError) as problem:
                came_further = _size(partial) > before
                if attempt == _ATTEMPTS or not came_further:
                    raise UnavailableError(f"{address}: {_reason(problem)}") from problem
                time.sleep(self.retry_pause_seconds)  # a server that has just cut a connection is given a moment
            else:
                return

    def _continue(self, address: str, partial: Path, title: str) -> None:
        have = _size(partial)
        with self._get(address, {"Range": f"bytes={have}-"} if have else {}) as answer:
            if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # nothing is missing at the end; the checksum decides
            if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                have = 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            with (
                partial.open("ab" if have else "wb") as file,
                self.progress.downloading(title, total, have) as advance,
            ):
                for chunk in answer.iter_content(CHUNK_BYTES):
                    file.write(chunk)
                    advance(len(chunk))
        if total is not None and _size(partial) < total:
            raise _CutError(f"the connection was cut after {_size(partial)} of {total} bytes")

    def _get(self, address: str, headers: Mapping[str, str]) -> requests.Response:
        host = urlsplit(address).netloc
        if host in self.unreachable:
            raise UnavailableError(f"{host} cannot be reached ({self.unreachable[host]})")
        try:
            answer = self._session.get(
                address,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=(self.connect_timeout_seconds, _READ_TIMEOUT_SECONDS),
            )
        except (requests.ConnectionError, requests.Timeout) as problem:
            self.unreachable[host] = _reason(problem)
            raise UnavailableError(f"{host} cannot be reached ({self.unreachable[host]})") from problem
        if answer.status_code >= HTTPStatus.BAD_REQUEST and not (
            "Range" in headers and answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            answer.close()
            raise UnavailableError(f"{address}: the server answered {answer.status_code} {answer.reason}")
        return answer


def mirrored(url: str) -> str:
    """The address with scheme and host of ``NETPROOF_MIRROR``, if that is set, and its path in front.

    Raises:
        NetproofError: the variable is no http or https address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    if not mirror:
        return url
    base = urlsplit(mirror)
    if base.scheme not in ("http", "https") or not base.netloc:
        raise NetproofError(
            f"{MIRROR_VARIABLE}={mirror!r} is not an http or https address",
            f"set {MIRROR_VARIABLE} to something like https://mirror.example or unset it",
        )
    original = urlsplit(url)
    path = base.path.rstrip("/") + original.path
    return urlunsplit((base.scheme, base.netloc, path, original.query, ""))


def published_sum(listing: str, file_name: str) -> str:
    """The sha256 of a file in the text a project publishes: a bare sum, or lines of ``sha256sum``.

    Raises:
        UnavailableError: the text holds none for this file.
    """
    lines = [line.split() for line in listing.splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) == 1 and _SHA256.fullmatch(lines[0][0].lower()):
        return lines[0][0].lower()
    for sum_text, *name in lines:
        named = len(name) == 1 and PurePosixPath(name[0].removeprefix("*")).name == file_name
        if named and _SHA256.fullmatch(sum_text.lower()):
            return sum_text.lower()
    raise UnavailableError(f"the published checksums hold none for {file_name}")


def _sha256_of(path: Path) -> str:
    """The sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extract_members(archive: Path, members: Mapping[str, str], directory: Path) -> None:
    """Writes single files of a gzipped tar into a directory, under names of the caller; nothing else of it is unpacked.

    Args:
        archive: the ``.tar.gz``.
        members: path inside the archive by name to write it under.
        directory: where to.

    Raises:
        NetproofError: the archive is broken, or lacks a member, or a member is no regular file.
    """
    wanted = {PurePosixPath(path): name for name, path in members.items()}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                name = wanted.get(PurePosixPath(entry.name))
                content = tar.extractfile(entry) if name and entry.isreg() else None
                if name and content:
                    with content, (directory / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
                    del wanted[PurePosixPath(entry.name)]
    except (tarfile.TarError, EOFError, OSError) as problem:
        raise NetproofError(f"the archive {archive.name} cannot be read: {problem}", _OTHER_SOURCE) from problem
    if wanted:
        raise NetproofError(
            f"the archive {archive.name} lacks {', '.join(str(path) for path in wanted)}", _OTHER_SOURCE
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(problem: Exception) -> str:
    """The innermost cause in few words: requests wraps what urllib3 wraps around the one thing worth reading."""
    cause = problem
    while True:
        nested = [getattr(cause, "reason", None), *cause.args]
        inner = next((candidate for candidate in nested if isinstance(candidate, Exception)), None)
        if inner is None:
            return str(cause).rsplit(": ", 1)[-1]
        cause = inner
