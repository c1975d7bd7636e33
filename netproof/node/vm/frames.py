"""The words between a host and the virtual machine: frames of many streams on one channel.

A frame is its kind, the number of its stream and its payload. On the way between a client and the link, where each
connection is one stream, the number means nothing.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_HEADER = struct.Struct("!BII")
LONGEST_PAYLOAD = 32768
"""Bytes; whoever has more sends several frames."""


class Kind(IntEnum):
    """What a frame says."""

    OPEN = 1
    """The host asks for something, described in JSON; see :mod:`netproof.node.vm.guest`."""
    DATA = 2
    """Bytes of the stream, either way."""
    END = 3
    """No more bytes will come in this direction."""
    SIGNAL = 4
    """A signal for the stream's process: its number in decimal."""
    CLOSE = 5
    """The stream is over: from the guest with what came of it, in JSON; from the host when its client has gone."""
    HELLO = 6
    """The guest is there."""
    PING = 7
    """Are you alive?"""
    PONG = 8
    """The answer, with the payload of the question."""
    TAKEN = 9
    """The stream's process has taken the input that was sent last, and may be sent more."""
    RESIZE = 10
    """The terminal of the stream's process has another size: its rows and columns in decimal, with a space between."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: Kind
    stream: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The frame on the wire."""
        return _HEADER.pack(self.kind, self.stream, len(self.payload)) + self.payload

    @classmethod
    def with_json(cls, kind: Kind, stream: int, value: Any) -> Frame:
        """A frame whose payload is JSON."""
        return cls(kind, stream, json.dumps(value).encode())

    def json(self) -> dict[str, Any]:
        """The payload, read as a JSON object; an empty one is an empty object."""
        return dict(json.loads(self.payload)) if self.payload else {}


class Decoder:
    """Makes frames of the bytes of a channel, however they are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with these bytes."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            kind, stream, length = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield Frame(Kind(kind), stream, payload)


def data_frames(stream: int, data: bytes) -> Iterator[Frame]:
    """Bytes of a stream as frames."""
    for start in range(0, len(data), LONGEST_PAYLOAD):
        yield Frame(Kind.DATA, stream, data[start : start + LONGEST_PAYLOAD])
