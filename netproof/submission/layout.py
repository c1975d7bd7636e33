"""Where the parts of the homework are in a submission, whatever its author named files, folders and objects.

Of 59 real submissions nearly all keep the names of the seven main files; the folders vary (``coredns/``,
``core-dns/``, files at the root), some use ``.yml``, and a few name the Deployment otherwise. A part is looked for by
the expected file first, then by the expected name of the object, then by the role it plays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import PurePosixPath

from netproof.submission.manifest import ManifestObject, items_at, mapping_at

INTRO, NETWORKS = "kubernetes-intro", "kubernetes-networks"


class Part(StrEnum):
    """A part of the homework, named after the file or folder that the homework puts it in."""

    WEB_POD = "web-pod"
    WEB_DEPLOY = "web-deploy"
    WEB_SVC_CIP = "web-svc-cip"
    METALLB_CONFIG = "metallb-config"
    WEB_SVC_LB = "web-svc-lb"
    COREDNS = "coredns"
    NGINX_LB = "nginx-lb"
    WEB_SVC_HEADLESS = "web-svc-headless"
    WEB_INGRESS = "web-ingress"
    DASHBOARD = "dashboard"
    CANARY = "canary"


class Found(StrEnum):
    """How a part was found."""

    AS_EXPECTED = "as expected"
    ELSEWHERE = "found elsewhere"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class _Expectation:
    """Where the homework wants a part, which kinds it is made of, and what its object is called."""

    path: str
    kinds: frozenset[str]
    name: str | None = None

    @property
    def is_directory(self) -> bool:
        return self.path.endswith("/")


def _at(path: str, *kinds: str, name: str | None = None) -> _Expectation:
    return _Expectation(path, frozenset(kinds), name)


EXPECTED = {
    Part.WEB_POD: _at(f"{INTRO}/web-pod.yaml", "Pod", name="web"),
    Part.WEB_DEPLOY: _at(f"{NETWORKS}/web-deploy.yaml", "Deployment", name="web"),
    Part.WEB_SVC_CIP: _at(f"{NETWORKS}/web-svc-cip.yaml", "Service", name="web-svc-cip"),
    Part.METALLB_CONFIG: _at(
        f"{NETWORKS}/metallb-config.yaml",
        "ConfigMap",
        "IPAddressPool",
        "AddressPool",
        "L2Advertisement",
        "BGPAdvertisement",
    ),
    Part.WEB_SVC_LB: _at(f"{NETWORKS}/web-svc-lb.yaml", "Service", name="web-svc-lb"),
    Part.COREDNS: _at(f"{NETWORKS}/coredns/"),
    Part.NGINX_LB: _at(f"{NETWORKS}/nginx-lb.yaml", "Service", name="ingress-nginx"),
    Part.WEB_SVC_HEADLESS: _at(f"{NETWORKS}/web-svc-headless.yaml", "Service", name="web-svc"),
    Part.WEB_INGRESS: _at(f"{NETWORKS}/web-ingress.yaml", "Ingress", name="web"),
    Part.DASHBOARD: _at(f"{NETWORKS}/dashboard/"),
    Part.CANARY: _at(f"{NETWORKS}/canary/"),
}
"""Where the homework puts each part, in the order in which it introduces them."""

_SINGLE = {part: expected for part, expected in EXPECTED.items() if not expected.is_directory}
_FOLDER_MARKS = ((Part.CANARY, "canary"), (Part.DASHBOARD, "dashboard"), (Part.COREDNS, "dns"))


@dataclass(frozen=True, slots=True)
class LocatedPart:
    """What a submission has of one part.

    Attributes:
        part: which part.
        expected: where the homework puts it; a folder ends with ``/``.
        found: whether it is there, elsewhere, or missing.
        objects: its objects, the one that plays the part first; a leftover second one follows it.
    """

    part: Part
    expected: str
    found: Found
    objects: tuple[ManifestObject, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files its objects are in, each once."""
        return tuple(dict.fromkeys(found.source.path for found in self.objects))

    @property
    def main(self) -> ManifestObject | None:
        """The object that plays the part, or None where it is missing."""
        return self.objects[0] if self.objects else None

    def __str__(self) -> str:
        match self.found:
            case Found.AS_EXPECTED:
                return f"{self.expected}: as expected"
            case Found.ELSEWHERE:
                found_at = self.files if self.expected.endswith("/") else self.files[:1]
                return f"{self.expected}: found at {', '.join(found_at)} instead"
            case Found.MISSING:
                return f"{self.expected}: missing"


@dataclass(frozen=True)
class Layout:
    """All parts, and the objects that belong to none."""

    parts: tuple[LocatedPart, ...]
    others: tuple[ManifestObject, ...]

    def __getitem__(self, part: Part) -> LocatedPart:
        return next(located for located in self.parts if located.part is part)

    def __iter__(self) -> Iterator[LocatedPart]:
        return iter(self.parts)

    def part_of(self, wanted: ManifestObject) -> Part | None:
        """The part an object belongs to, None where it belongs to none."""
        return self._parts_by_identity.get(id(wanted))

    def plays_part(self, wanted: ManifestObject) -> bool:
        """Whether an object is the one that plays its part, not merely a further one beside it."""
        part = self.part_of(wanted)
        return part is not None and self[part].main is wanted

    @cached_property
    def _parts_by_identity(self) -> dict[int, Part]:
        return {id(found): located.part for located in self.parts for found in located.objects}

    def __str__(self) -> str:
        return "\n".join(str(located) for located in self.parts)


def locate(objects: Sequence[ManifestObject]) -> Layout:
    """The layout of a submission from its objects. Never fails: what cannot be placed is in ``others``."""
    by_part: dict[Part, list[ManifestObject]] = {part: [] for part in EXPECTED}
    others: list[ManifestObject] = []
    for candidate in objects:
        part = _part(candidate)
        (by_part[part] if part else others).append(candidate)
    return Layout(tuple(_located(part, by_part[part]) for part in EXPECTED), tuple(others))


def _located(part: Part, objects: Iterable[ManifestObject]) -> LocatedPart:
    expected = EXPECTED[part]
    ordered = sorted(objects, key=lambda found: _fitness(expected, found))
    if not ordered:
        return LocatedPart(part, expected.path, Found.MISSING, ())
    path = ordered[0].source.path
    fits = path.startswith(expected.path) if expected.is_directory else path == expected.path
    return LocatedPart(part, expected.path, Found.AS_EXPECTED if fits else Found.ELSEWHERE, tuple(ordered))


def _fitness(expected: _Expectation, found: ManifestObject) -> tuple[int, ...]:
    """Sorts the object that plays the part best to the front; equals keep the order of their files."""
    path = found.source.path
    if expected.is_directory:
        return (not path.startswith(expected.path),)
    same_file = PurePosixPath(path).stem == PurePosixPath(expected.path).stem
    return (path != expected.path, not same_file, found.name != expected.name, path.count("/"))


def _part(found: ManifestObject) -> Part | None:
    path = PurePosixPath(found.source.path)
    if path.parts[0] == INTRO or found.kind == "Pod":
        return Part.WEB_POD if found.kind == "Pod" and "web" in path.stem.lower() + found.name.lower() else None
    for folder in (re.sub(r"[^a-z0-9]", "", part.lower()) for part in path.parts[:-1] if part != NETWORKS):
        for part, mark in _FOLDER_MARKS:
            if mark in folder:
                return part
    for part, expected in _SINGLE.items():
        if path.stem == PurePosixPath(expected.path).stem and found.kind in expected.kinds:
            return part
    return _part_by_role(found, path.stem.lower())


def _part_by_role(found: ManifestObject, stem: str) -> Part | None:
    """The part of an object in a file of another name, going by what the object does."""
    if found.group == "metallb.io" or (
        found.kind == "ConfigMap" and found.namespace == "metallb-system" and found.name == "config"
    ):
        return Part.METALLB_CONFIG
    if "canary" in stem or "canary" in found.name or "canary" in (found.namespace or "") or is_canary_ingress(found):
        return Part.CANARY
    match found.kind:
        case "Deployment":
            return Part.WEB_DEPLOY if found.namespace in (None, "default") else None
        case "Service":
            return _service_part(found)
        case "Ingress":
            about_dashboard = "dashboard" in stem + found.name or any(
                "dashboard" in name for name in ingress_backends(found)
            )
            return Part.DASHBOARD if about_dashboard else Part.WEB_INGRESS
        case _:
            return None


def _service_part(service: ManifestObject) -> Part | None:
    selector = mapping_at(service.spec, "selector")
    by_name = {expected.name: part for part, expected in _SINGLE.items() if "Service" in expected.kinds}
    if selector.get("k8s-app") == "kube-dns":
        return Part.COREDNS
    if selector.get("app.kubernetes.io/name") == "ingress-nginx" or service.namespace == "ingress-nginx":
        return Part.NGINX_LB if service.spec.get("type") == "LoadBalancer" else None
    if "dashboard" in service.name or service.namespace == "kubernetes-dashboard":
        return Part.DASHBOARD
    if service.namespace not in (None, "default") or service.spec.get("type") == "ExternalName":
        return None
    if service.name in by_name:
        return by_name[service.name]
    if service.spec.get("type") == "LoadBalancer":
        return Part.WEB_SVC_LB
    return Part.WEB_SVC_HEADLESS if service.spec.get("clusterIP") == "None" else Part.WEB_SVC_CIP


def is_canary_ingress(found: ManifestObject) -> bool:
    """Whether an object is an Ingress that ingress-nginx takes as a canary."""
    return (
        found.kind == "Ingress"
        and str(found.annotations.get("nginx.ingress.kubernetes.io/canary", "")).lower() == "true"
    )


def ingress_backends(ingress: ManifestObject) -> tuple[str, ...]:
    """The names of the Services an Ingress routes to, in both the v1 and the v1beta1 form."""
    backends = [mapping_at(ingress.spec, "defaultBackend"), mapping_at(ingress.spec, "backend")]
    backends += [
        mapping_at(path, "backend")
        for rule in items_at(ingress.spec, "rules")
        for path in items_at(rule, "http", "paths")
    ]
    names = (mapping_at(backend, "service").get("name") or backend.get("serviceName") for backend in backends)
    return tuple(name for name in names if isinstance(name, str))
