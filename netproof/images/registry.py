"""A read-only OCI registry over HTTP, which the nodes of a cluster mirror every other registry from.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (the pull category). A mirror's client
says with ``?ns=`` which registry it means, as containerd does.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from netproof.images.access_log import REGISTRY, AccessLog
from netproof.images.listener import Listener, LoggedHandler
from netproof.images.reference import ImageReference, is_digest, is_repository, is_tag
from netproof.images.resolver import Resolver

_CONTENT = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")
_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


class RegistryServer(Listener):
    """The registry, listening; ``serve_forever`` answers.

    Args:
        address: IP address and port; port 0 takes a free one.
        resolver: what the registry has.
        log: the access log.

    Raises:
        NetproofError: the address cannot be listened on.
    """

    def __init__(self, address: tuple[str, int], resolver: Resolver, log: AccessLog) -> None:
        self.resolver = resolver
        super().__init__(address, _RegistryHandler, service=REGISTRY, log=log)


class _RegistryHandler(LoggedHandler):
    server: RegistryServer
    common_headers: ClassVar[dict[str, str]] = {"Docker-Distribution-Api-Version": "registry/2.0"}

    def respond(self) -> None:
        """Answers GET and HEAD."""
        target = urlsplit(self.path)
        path = unquote(target.path)
        content = _CONTENT.fullmatch(path)
        if path in {"/v2", "/v2/"}:
            self.answer(HTTPStatus.OK, b"{}", {"Content-Type": "application/json"})
        elif content is None:
            self._refuse(HTTPStatus.NOT_FOUND, "UNSUPPORTED", "this registry serves manifests and blobs only")
        elif not is_repository(content["repository"]):
            self._refuse(HTTPStatus.BAD_REQUEST, "NAME_INVALID", f"{content['repository']!r} is not a repository name")
        elif content["kind"] == "blobs":
            self._blob(content["reference"])
        else:
            namespace = parse_qs(target.query).get("ns", [""])[0]
            self._manifest(namespace, content["repository"], content["reference"])

    def refuse_method(self) -> None:
        """Answers everything that would write."""
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED", "this registry is read-only", {"Allow": "GET, HEAD"})

    def _manifest(self, namespace: str, repository: str, reference: str) -> None:
        if not is_tag(reference) and not is_digest(reference):
            self._refuse(HTTPStatus.BAD_REQUEST, "MANIFEST_INVALID", f"{reference!r} is neither a tag nor a digest")
            return
        image = ImageReference.of_request(namespace, repository, reference)
        manifest = self.server.resolver.manifest(image)
        if manifest is None:
            self._refuse(
                HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", f"{image} is not an image of this registry", image=str(image)
            )
            return
        stand_in = manifest.stand_in
        self.answer(
            HTTPStatus.OK,
            manifest.content,
            {"Content-Type": manifest.media_type, "Docker-Content-Digest": manifest.digest},
            image=str(image),
            digest=manifest.digest,
            stand_in=stand_in.kind if stand_in else "",
            ports=stand_in.ports if stand_in else (),
        )

    def _blob(self, digest: str) -> None:
        if not is_digest(digest):
            self._refuse(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", f"{digest!r} is not a sha256 digest")
            return
        blob = self.server.resolver.blob(digest)
        if blob is None:
            self._refuse(HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN", f"{digest} is not a blob of this registry")
            return
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
        }
        size = len(blob) if isinstance(blob, bytes) else blob.stat().st_size
        part = requested_part(self.headers.get("Range", ""), size)
        if part is None:
            self.answer(HTTPStatus.OK, blob, headers, digest=digest)
        elif not part:
            self._refuse(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                "SIZE_INVALID",
                f"the blob has {size} bytes",
                {"Content-Range": f"bytes */{size}"},
            )
        else:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            self.answer(HTTPStatus.PARTIAL_CONTENT, blob, headers, part=part, digest=digest)

    def _refuse(
        self, status: HTTPStatus, code: str, message: str, headers: dict[str, str] | None = None, *, image: str = ""
    ) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, {"Content-Type": "application/json", **(headers or {})}, image=image, problem=message)


def requested_part(header: str, size: int) -> range | None:
    """The bytes that a ``Range`` header asks for.

    Returns:
        None where all of the blob is to be sent: there is no header, or it is none that this server understands (RFC
        9110, section 14.2, lets a server ignore it); an empty range where the blob has no such bytes.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        return range(max(0, size - int(match["last"])), size)
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else size - 1
    if match["last"] and last < first:
        return None
    return range(min(first, size), min(last + 1, size))
