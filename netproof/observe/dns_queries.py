"""DNS queries of an agent: one question to one server, with nothing retried or followed."""

from __future__ import annotations

import socket
import time

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from netproof.observe.failures import classify, root_message
from netproof.observe.protocol import DnsRecord, DnsReply, DnsRequest, Failure


def perform(request: DnsRequest) -> DnsReply:
    """The server's answer, truncated or not, or why there was none."""
    server = request.server or str(dns.resolver.Resolver().nameservers[0])
    question = dns.message.make_query(
        dns.name.from_text(request.name),
        request.type,
        use_edns=0 if request.edns_payload else None,
        payload=request.edns_payload or None,
    )
    start = time.monotonic()
    failure: Failure | None = None
    detail = ""
    message: dns.message.Message | None = None
    try:
        message = _ask_tcp(question, server, request) if request.tcp else _ask_udp(question, server, request)
    except dns.exception.Timeout:
        failure, detail = Failure.TIMEOUT, f"no answer within {request.timeout_seconds:g} s"
    except EOFError:
        failure, detail = Failure.CLOSED, "the connection was closed without an answer"
    except (dns.exception.DNSException, OSError) as problem:
        failure, detail = classify(problem), root_message(problem)
    duration_seconds = time.monotonic() - start
    if message is None:
        return DnsReply(request.name, request.type, server, duration_seconds, failure=failure, detail=detail)
    return DnsReply(
        name=request.name,
        type=request.type,
        server=server,
        duration_seconds=duration_seconds,
        rcode=dns.rcode.to_text(message.rcode()),
        answers=tuple(
            DnsRecord(str(records.name), dns.rdatatype.to_text(records.rdtype), records.ttl, record.to_text())
            for records in message.answer
            for record in records
        ),
        flags=tuple(dns.flags.to_text(message.flags).lower().split()),
        size_bytes=len(message.wire or b""),
    )


def _ask_udp(question: dns.message.Message, server: str, request: DnsRequest) -> dns.message.Message:
    """Through a connected socket: only that is told of an ICMP "port unreachable"."""
    with socket.socket(dns.inet.af_for_address(server), socket.SOCK_DGRAM) as connected:
        connected.setblocking(False)
        connected.connect((server, request.port))
        return dns.query.udp(question, server, request.timeout_seconds, request.port, sock=connected)


def _ask_tcp(question: dns.message.Message, server: str, request: DnsRequest) -> dns.message.Message:
    return dns.query.tcp(question, server, request.timeout_seconds, request.port)
