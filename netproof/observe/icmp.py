"""ICMP echo of an agent, by a raw socket: it sees the errors that `ping` words in many ways."""

from __future__ import annotations

import os
import select
import socket
import struct
import time

from netproof.observe.protocol import EchoReply, IcmpError, PingReply, PingRequest

_ECHO_REPLY, _UNREACHABLE, _ECHO_REQUEST, _TIME_EXCEEDED = 0, 3, 8, 11
_HEADER = struct.Struct("!BBHHH")
_MEANINGS = {  # RFC 792, RFC 1122 3.2.2.1 and RFC 1812 5.2.7.1
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 9): "network administratively prohibited",
    (3, 10): "host administratively prohibited",
    (3, 13): "communication administratively prohibited",
    (11, 0): "time to live exceeded",
}


def perform(request: PingRequest) -> PingReply:
    """What ``request.count`` echo requests got."""
    replies: dict[int, EchoReply] = {}
    errors: list[IcmpError] = []
    sent: dict[int, float] = {}
    dropped: set[int] = set()
    identifier = int.from_bytes(os.urandom(2))
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        next_send = time.monotonic()
        deadline = next_send + request.timeout_seconds
        for sequence in range(1, request.count + 1):
            sent[sequence] = time.monotonic()
            try:
                raw.sendto(_echo_request(identifier, sequence), (request.address, 0))
            except PermissionError:  # a packet filter's drop, or its reject: then an ICMP error follows
                dropped.add(sequence)
            except OSError as problem:
                errors.append(IcmpError(sequence, "", f"not sent: {problem.strerror or problem}", -1, -1))
            next_send += request.interval_seconds
            deadline = sent[sequence] + request.timeout_seconds
            if sequence < request.count:
                _collect(raw, identifier, next_send, sent, replies, errors)
        _collect(raw, identifier, deadline, sent, replies, errors)
    return PingReply(
        address=request.address,
        sent=request.count,
        replies=tuple(replies[sequence] for sequence in sorted(replies)),
        errors=tuple(errors),
        dropped_here=len(dropped - {error.sequence for error in errors}),
    )


def _collect(
    raw: socket.socket,
    identifier: int,
    until: float,
    sent: dict[int, float],
    replies: dict[int, EchoReply],
    errors: list[IcmpError],
) -> None:
    """Take in what comes until ``until``, or until every request sent so far has got something."""
    while len(replies.keys() | {error.sequence for error in errors}) < len(sent):
        ready, _, _ = select.select([raw], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return
        packet, (source, _) = raw.recvfrom(2048)
        arrival = time.monotonic()
        match _read(packet):
            case (kind, code, who, sequence, ttl) if who == identifier and sequence in sent:
                if kind == _ECHO_REPLY:
                    replies.setdefault(sequence, EchoReply(sequence, source, arrival - sent[sequence], ttl))
                else:
                    meaning = _MEANINGS.get((kind, code), f"ICMP type {kind} code {code}")
                    errors.append(IcmpError(sequence, source, meaning, kind, code))


def _read(packet: bytes) -> tuple[int, int, int, int, int] | None:
    """Type, code, identifier, sequence and TTL of a reply, or of an error about an echo request (which it quotes)."""
    start = (packet[0] & 0x0F) * 4
    ttl = packet[8]
    if len(packet) < start + _HEADER.size:
        return None
    kind, code, _, identifier, sequence = _HEADER.unpack_from(packet, start)
    if kind in {_UNREACHABLE, _TIME_EXCEEDED}:
        quoted = start + _HEADER.size
        if len(packet) < quoted + 20:
            return None
        inner = quoted + (packet[quoted] & 0x0F) * 4
        if packet[quoted + 9] != socket.IPPROTO_ICMP or len(packet) < inner + _HEADER.size:
            return None
        inner_kind, _, _, identifier, sequence = _HEADER.unpack_from(packet, inner)
        return (kind, code, identifier, sequence, ttl) if inner_kind == _ECHO_REQUEST else None
    return (kind, code, identifier, sequence, ttl) if kind == _ECHO_REPLY else None


def _echo_request(identifier: int, sequence: int) -> bytes:
    payload = b"netproof" * 4
    header = _HEADER.pack(_ECHO_REQUEST, 0, 0, identifier, sequence)
    return _HEADER.pack(_ECHO_REQUEST, 0, _checksum(header + payload), identifier, sequence) + payload


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of data of even length."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
