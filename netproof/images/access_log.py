"""The access log of the image server, as JSON lines: what the nodes and pods asked for, and what they got."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

REGISTRY = "registry"
SHORT_LINKS = "short-links"


@dataclass(frozen=True, slots=True)
class Access:
    """One request.

    Attributes:
        service: :data:`REGISTRY` or :data:`SHORT_LINKS`.
        client: the address that asked.
        method: the HTTP method; empty where the client did not come as far as a request.
        target: path and query; for short links the whole URL.
        status: the HTTP status of the answer; 0 where none could be given.
        bytes_sent: the length of the answer's body.
        image: the canonical name of the image asked for by a manifest request, else empty.
        digest: the digest of the manifest or blob that was served, else empty.
        stand_in: the kind of the stand-in that was served, else empty.
        ports: the ports of that stand-in.
        problem: what went wrong, in words, else empty.
    """

    service: str
    client: str
    method: str = ""
    target: str = ""
    status: int = 0
    bytes_sent: int = 0
    image: str = ""
    digest: str = ""
    stand_in: str = ""
    ports: tuple[int, ...] = ()
    problem: str = ""


class AccessLog:
    """Appends accesses to a file; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, access: Access) -> None:
        """Appends one line, whole, and hands it to the kernel at once."""
        facts = {name: value for name, value in asdict(access).items() if value not in ("", ())}
        line = json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(), **facts}, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read_accesses(path: Path) -> Iterator[Access]:
    """The accesses in a log, the oldest first; none where there is no log. A last line cut short is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return
    for line in lines:
        if line.endswith("\n"):
            facts = json.loads(line)
            del facts["time"]
            facts["ports"] = tuple(facts.get("ports", ()))
            yield Access(**facts)
