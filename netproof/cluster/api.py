"""Access to a cluster's API: plain dictionaries in and out, and refusals that carry the API's own words."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

from netproof.cluster import credentials
from netproof.errors import NetproofError
from netproof.memory_file import MemoryFile

Object = dict[str, Any]
_FIELD_MANAGER = "netproof"

_NOTHING_DISCOVERED = b"{}"
"""What stands in a file for the kinds that the API has, before they are known."""


class ApiRefused(Exception):
    """The API refused a request.

    Attributes:
        status: the HTTP status.
        reason: the API's one-word reason, such as ``Invalid``, ``NotFound`` or ``Conflict``.
        message: the API's own message.
        causes: for an invalid object, each field with what is wrong with it.
    """

    def __init__(self, status: int, reason: str, message: str, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine's loopback."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


class KubernetesApi:
    """The API of one cluster, as one user.

    Args:
        kubeconfig: the file that says where and who.
        context: the context in it; empty for the current one.
        cache: a file where processes share what they know of the kinds that the API has; each its own by default, in
            memory.

    Raises:
        NetproofError: the file is missing or broken, or the cluster cannot be reached, or does not know the account.
    """

    def __init__(self, kubeconfig: Path, context: str = "", *, cache: Path | None = None) -> None:
        if not kubeconfig.is_file():
            raise NetproofError(f"there is no kubeconfig at {kubeconfig}", "name one with --kubeconfig")
        configuration = client.Configuration()
        self._credentials = credentials.load(kubeconfig, context, configuration)
        if is_loopback(str(configuration.host)):
            configuration.proxy = None  # where a proxy of the environment stands, that is another machine
        configuration.connection_pool_maxsize = 32
        configuration.retries = False
        self.configuration = configuration
        self.server = str(configuration.host)
        self._lock = threading.Lock()
        self._discovered = MemoryFile(_NOTHING_DISCOVERED)
        try:
            self._dynamic = DynamicClient(
                client.ApiClient(configuration), cache_file=str(cache or self._discovered.path)
            )
        except HTTPError as problem:
            raise NetproofError(
                f"the cluster at {self.server} cannot be reached: {problem}", "is it running?"
            ) from None
        except ApiException as problem:
            raise _unwelcome(self.server, problem) from None

    @property
    def version(self) -> str:
        """The API server's version, such as ``v1.37.2``."""
        return str(self._dynamic.version["kubernetes"]["gitVersion"])

    def apply(self, obj: Object, namespace: str | None = None, *, manager: str = _FIELD_MANAGER) -> Object:
        """Server-side apply with strict field validation; returns the object as the API keeps it.

        Raises:
            ApiRefused: the API does not take it, or has no such kind (reason ``NoSuchKind``).
        """
        return self._send(
            "patch",
            self._path(obj, namespace, obj["metadata"]["name"]),
            body=obj,
            content_type="application/apply-patch+yaml",
            field_manager=manager,
            force_conflicts=True,
            query_params=[("fieldValidation", "Strict")],
        )

    def create(self, obj: Object, namespace: str | None = None, *, dry_run: bool = False) -> Object:
        """Create an object; returns it as the API keeps it, or, for a dry run, as it would keep it."""
        query = [("fieldValidation", "Strict"), *([("dryRun", "All")] if dry_run else [])]
        return self._send("post", self._path(obj, namespace), body=obj, query_params=query)

    def get(self, kind: str, name: str, namespace: str | None = None, *, api_version: str = "v1") -> Object:
        """One object.

        Raises:
            ApiRefused: there is none (status 404).
        """
        return self._send("get", self._kind_path(api_version, kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str | None = None, *, api_version: str = "v1") -> Object | None:
        """One object, or None where there is none."""
        try:
            return self.get(kind, name, namespace, api_version=api_version)
        except ApiRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def list(
        self, kind: str, namespace: str | None = None, *, api_version: str = "v1", labels: Mapping[str, str] | str = ""
    ) -> list[Object]:
        """All objects of a kind, in one namespace or in all."""
        return cast("list[Object]", self.collection(kind, namespace, api_version=api_version, labels=labels)["items"])

    def collection(
        self, kind: str, namespace: str | None = None, *, api_version: str = "v1", labels: Mapping[str, str] | str = ""
    ) -> Object:
        """The list object of a kind: its ``items``, and the ``metadata.resourceVersion`` from which to watch."""
        selector = labels if isinstance(labels, str) else ",".join(f"{key}={value}" for key, value in labels.items())
        path = self._kind_path(api_version, kind, namespace)
        return self._send("get", path, label_selector=selector or None)

    def patch(
        self,
        kind: str,
        name: str,
        patch: Object,
        namespace: str | None = None,
        *,
        api_version: str = "v1",
        subresource: str = "",
    ) -> Object:
        """Change an object by a JSON merge patch (RFC 7386); returns it as the API keeps it."""
        path = self._kind_path(api_version, kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self._send("patch", path, body=patch, content_type="application/merge-patch+json")

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        api_version: str = "v1",
        grace_seconds: int | None = None,
        dependents_first: bool = False,
    ) -> None:
        """Delete an object with what depends on it; one that is not there is no error. Does not wait.

        Args:
            kind: its kind.
            name: its name.
            namespace: where it is.
            api_version: its group and version.
            grace_seconds: how long its process may take to end; by default as its own spec says.
            dependents_first: whether it stays until all that depends on it is gone; otherwise it goes first.
        """
        policy = "Foreground" if dependents_first else "Background"
        try:
            path = self._kind_path(api_version, kind, namespace, name)
            self._send("delete", path, propagation_policy=policy, grace_period_seconds=grace_seconds)
        except ApiRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise

    def logs(
        self, pod: str, namespace: str, container: str = "", *, tail_lines: int = 200, previous: bool = False
    ) -> str:
        """The last lines of a container's log."""
        query = [("tailLines", str(tail_lines)), ("previous", str(previous).lower())]
        if container:
            query.append(("container", container))
        path = self._kind_path("v1", "Pod", namespace, pod) + "/log"
        text: bytes = self._raw("get", path, query_params=query).read()
        return text.decode(errors="replace")

    def watch(self, kind: str, namespace: str | None, resource_version: str, *, api_version: str = "v1") -> Watch:
        """The events of a kind after ``resource_version``, as they come."""
        path = self._kind_path(api_version, kind, namespace)
        query = [("allowWatchBookmarks", "true")]
        return Watch(self._raw("get", path, watch="true", resource_version=resource_version, query_params=query))

    def _path(self, obj: Object, namespace: str | None, name: str | None = None) -> str:
        space = obj["metadata"].get("namespace") or namespace
        return self._kind_path(obj["apiVersion"], obj["kind"], space, name)

    def _kind_path(self, api_version: str, kind: str, namespace: str | None, name: str | None = None) -> str:
        with self._lock:
            try:
                resource = self._dynamic.resources.get(api_version=api_version, kind=kind)
            except ResourceNotFoundError:
                raise ApiRefused(
                    404, "NoSuchKind", f"the cluster knows no kind {kind} of version {api_version}"
                ) from None
        path = str(resource.path(name=name, namespace=namespace if resource.namespaced else None))
        return path if path.startswith("/") else f"/{path}"

    def _send(self, method: str, path: str, **parameters: Any) -> Object:
        return cast("Object", json.loads(self._raw(method, path, **parameters).read()))

    def _raw(self, method: str, path: str, **parameters: Any) -> Any:
        try:
            return self._dynamic.request(method, path, serialize=False, **parameters)
        except DynamicApiError as refused:
            raise _refusal(refused) from None
        except HTTPError as problem:
            raise NetproofError(
                f"the cluster at {self.server} cannot be reached: {problem}", "is it running?"
            ) from None


class Watch:
    """A stream of watch events; ``close`` ends it from another thread."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __iter__(self) -> Iterator[tuple[str, Object]]:
        """Each event as its type (ADDED, MODIFIED, DELETED, BOOKMARK, ERROR) and its object."""
        try:
            for line in self._response:
                event = json.loads(line)
                yield event["type"], event["object"]
        except (HTTPError, OSError, ValueError):
            return
        finally:
            self._response.close()  # by who reads: closed under a reader's hands, it breaks in ways of its own

    def close(self) -> None:
        """End the stream: who reads it sees its end."""
        connection = self._response.connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                connection.sock.shutdown(socket.SHUT_RDWR)


def _unwelcome(server: str, problem: ApiException) -> NetproofError:
    """What it means that a cluster does not even say what kinds it has."""
    if not problem.status:  # the client's way to say that TLS ended before there was a reply
        said = str(problem.reason).strip().splitlines()[-1]
        remedy = "name the certificate-authority of that cluster in the kubeconfig"
        return NetproofError(f"the cluster at {server} cannot be trusted: {said}", remedy)
    remedy = {
        HTTPStatus.UNAUTHORIZED: "its certificate or token has expired, or is of another cluster: have it renewed",
        HTTPStatus.FORBIDDEN: "the kubeconfig has no account for it, or the program that it names gives none",
    }.get(problem.status, "check the account in the kubeconfig")
    return NetproofError(f"the cluster at {server} refuses: {problem.reason}", remedy)


def _refusal(refused: DynamicApiError) -> ApiRefused:
    body = refused.body.decode(errors="replace") if isinstance(refused.body, bytes) else str(refused.body)
    try:
        status = json.loads(body)
        causes = tuple(
            (one.get("field", ""), one.get("message", "")) for one in status.get("details", {}).get("causes", [])
        )
        return ApiRefused(int(refused.status), status.get("reason", ""), status.get("message", body), causes)
    except (ValueError, AttributeError):
        return ApiRefused(int(refused.status or 0), str(refused.reason), body)
