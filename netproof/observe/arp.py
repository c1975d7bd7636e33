"""ARP requests of an agent (RFC 826): who on this network says that it has an address?"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import time
from collections import Counter

from netproof.observe.protocol import ArpOwner, ArpRequest

_ETHERTYPE_ARP = 0x0806
_SIOCGIFADDR = 0x8915
_REQUEST, _REPLY = 1, 2
_PACKET = struct.Struct("!HHBBH6s4s6s4s")
_BROADCAST = b"\xff" * 6


def perform(request: ArpRequest) -> list[ArpOwner]:
    """All who answered within the timeout, by MAC address."""
    wanted = socket.inet_aton(request.address)
    answers: Counter[str] = Counter()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP)) as link:
        link.bind((request.interface, _ETHERTYPE_ARP))
        own_mac = link.getsockname()[4]
        question = _PACKET.pack(1, 0x0800, 6, 4, _REQUEST, own_mac, _own_address(request.interface), b"\0" * 6, wanted)
        frame = _BROADCAST + own_mac + struct.pack("!H", _ETHERTYPE_ARP) + question
        pause_seconds = request.timeout_seconds / request.attempts
        for _ in range(request.attempts):
            link.send(frame)
            deadline = time.monotonic() + pause_seconds
            while select.select([link], [], [], max(0.0, deadline - time.monotonic()))[0]:
                answer = link.recv(2048)[14:]
                if len(answer) < _PACKET.size:
                    continue
                _, _, _, _, operation, mac, sender, _, _ = _PACKET.unpack_from(answer)
                if operation == _REPLY and sender == wanted:
                    answers[mac.hex(":")] += 1
    return [ArpOwner(mac, count) for mac, count in sorted(answers.items())]


def _own_address(interface: str) -> bytes:
    """The interface's IPv4 address, or 0.0.0.0 where it has none: an ARP probe (RFC 5227)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return b"\0" * 4
    return answer[20:24]
