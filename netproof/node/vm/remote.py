"""Stands outside for a process inside a virtual machine: prints its output, passes signals on, ends as it ends.

``python -m netproof.node.vm.remote --link SOCKET -- PROGRAM ARGUMENT...`` is to a virtual machine what ``nsenter`` is
to a namespace. Should this process be killed, the one inside is killed too. With ``--forward OUTSIDE=INSIDE`` it also
leads connections to the unix socket OUTSIDE to the unix socket INSIDE. With ``--interactive`` its input is the other's,
and where it stands on a terminal, so does the other.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netproof.node.vm.frames import LONGEST_PAYLOAD, Decoder, Frame, Kind, data_frames
from netproof.node.vm.interaction import Interaction

_GONE = "the virtual machine has gone"


class RemoteError(LookupError):
    """The machine did not do what was asked; the message is its own."""


class Stream:
    """One stream to a machine.

    Args:
        link: the socket of the machine's link.
        request: what the stream is to be; see :mod:`netproof.node.vm.guest`.
        timeout_seconds: how long each silence of the machine may be; None for any length.

    Raises:
        OSError: the link does not listen.
    """

    def __init__(self, link: Path, request: dict[str, Any], timeout_seconds: float | None = None) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(timeout_seconds)
        self._connection.connect(str(link))
        self._lock = threading.Lock()
        self.send(Frame.with_json(Kind.OPEN, 0, request))

    def send(self, frame: Frame) -> None:
        """Send one frame."""
        with self._lock:
            self._connection.sendall(frame.encode())

    def frames(self) -> Iterator[Frame]:
        """What comes from the machine, until it is over."""
        decoder = Decoder()
        while data := self._connection.recv(LONGEST_PAYLOAD):
            yield from decoder.feed(data)

    def close(self) -> None:
        """Give the stream up."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def ask(link: Path, timeout_seconds: float = 20.0, **request: Any) -> dict[str, Any]:
    """What a machine answers to a request that has one answer.

    Raises:
        RemoteError: it refuses, or has gone.
        OSError: its link does not answer.
    """
    stream = Stream(link, request, timeout_seconds)
    try:
        for frame in stream.frames():
            if frame.kind is Kind.CLOSE:
                answer = frame.json()
                if "error" in answer:
                    raise RemoteError(answer["error"])
                return answer
    finally:
        stream.close()
    raise RemoteError(_GONE)


def run(link: Path, argv: list[str], environment: dict[str, str], after: str, person: Interaction | None = None) -> int:
    """Run a program in a machine; its output is ours. Returns its exit code, 255 where the machine went before it."""
    request: dict[str, Any] = {"run": argv, "environment": environment, "after": after}
    if person:
        request |= person.request() | {"environment": person.environment() | environment}
    stream = Stream(link, request)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda one, _: stream.send(Frame(Kind.SIGNAL, 0, str(one).encode())))
    if person:
        person.begin(stream)
    for frame in stream.frames():
        if frame.kind is Kind.DATA:
            os.write(sys.stdout.fileno(), frame.payload)
        elif frame.kind is Kind.TAKEN and person:
            person.taken.set()
        elif frame.kind is Kind.CLOSE:
            end = frame.json()
            if "error" in end:
                sys.stderr.write(f"{argv[0]}: {end['error']}\n")
                return 127
            code = int(end["exit_code"])
            return 128 - code if code < 0 else code
    sys.stderr.write(f"{argv[0]}: {_GONE}\n")
    return 255


def forward(link: Path, outside: Path, inside: str) -> None:
    """Lead each connection to the unix socket ``outside`` to the machine's ``inside``; returns never."""
    unfinished = outside.with_name(outside.name + ".new")
    unfinished.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(unfinished))
    unfinished.chmod(0o600)
    listener.listen(128)
    unfinished.rename(outside)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_lead, args=(link, connection, inside), daemon=True).start()


def _lead(link: Path, connection: socket.socket, inside: str) -> None:
    with connection:
        try:
            stream = Stream(link, {"connect": inside})
        except OSError:
            return
        threading.Thread(target=_pass_on, args=(connection, stream), daemon=True).start()
        with contextlib.suppress(OSError):
            for frame in stream.frames():
                if frame.kind is Kind.DATA:
                    connection.sendall(frame.payload)
                elif frame.kind is Kind.CLOSE:
                    break
        stream.close()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _pass_on(connection: socket.socket, stream: Stream) -> None:
    with contextlib.suppress(OSError):
        while data := connection.recv(LONGEST_PAYLOAD):
            for frame in data_frames(0, data):
                stream.send(frame)
        stream.send(Frame(Kind.END, 0))


def main() -> None:
    """Run as a component: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="the socket of the machine's link")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the program inside")
    parser.add_argument("--after", default="", help="a unix socket inside that must be listened on first")
    parser.add_argument(
        "--forward", metavar="OUTSIDE=INSIDE", help="unix sockets; connections to one lead to the other"
    )
    parser.add_argument("argv", nargs="+", help="the program inside, with its arguments")
    parser.add_argument("--interactive", action="store_true", help="our input, and our terminal, are the program's")
    options = parser.parse_args()
    person = Interaction() if options.interactive else None
    if options.forward:
        outside, _, inside = options.forward.partition("=")
        threading.Thread(target=forward, args=(options.link, Path(outside), inside), daemon=True).start()
    environment = dict(one.split("=", 1) for one in options.env)
    try:
        code = run(options.link, options.argv, environment, options.after, person)
    except OSError as problem:
        sys.stderr.write(f"{options.argv[0]}: {problem}\n")
        code = 255
    finally:
        if person:
            person.end()
    os._exit(code)  # threads of forwarded connections may be in the middle of something


if __name__ == "__main__":
    main()
