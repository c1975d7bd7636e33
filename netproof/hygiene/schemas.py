"""The schemas of Kubernetes' own kinds by version, from the package kubernetes-validate.

Its own function stops at the first fault and reads all definitions anew for each object; here they are read once, and
every fault is told. The libraries are imported when a schema is asked for, since every command of netproof imports this
module, and few of them need one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from netproof.submission.manifest import Manifest, ManifestObject

_DIRECTORY = "kubernetes-json-schema/v{version}-local-strict"
_DOMAIN = re.compile(r"^([^./]*)(?:\.[^/]*)?/")


@dataclass(frozen=True)
class Schemas:
    """The schemas of one version.

    Attributes:
        version: the version they are of, such as ``1.37.0``.
    """

    version: str
    _validators: dict[tuple[str, str], Any] = field(default_factory=dict)

    def knows(self, found: ManifestObject) -> bool:
        """Whether this version serves the object's kind in its API version."""
        return self._validator(found) is not None

    def faults(self, found: ManifestObject) -> Iterator[Any]:
        """Each ``jsonschema.ValidationError`` of an object, in the order of the schema; none for an unknown kind."""
        validator = self._validator(found)
        if validator is not None:
            yield from validator.iter_errors(found.manifest)

    @cached_property
    def _registry(self) -> Any:
        import referencing

        definitions = self._contents("_definitions.json")
        empty: Any = referencing.Registry()
        return empty.with_resource(definitions["$id"], referencing.Resource.from_contents(definitions))

    def _validator(self, found: ManifestObject) -> Any:
        key = found.kind, found.api_version
        if key not in self._validators:
            name = f"{found.kind.lower()}-" + _DOMAIN.sub(r"\1-", found.api_version) + ".json"
            self._validators[key] = self._made(name, found) if re.fullmatch(r"[a-z0-9.-]+", name) else None
        return self._validators[key]

    def _made(self, name: str, found: ManifestObject) -> Any:
        import jsonschema

        try:
            schema = self._contents(name)
        except FileNotFoundError:
            return None
        kinds = schema.get("x-kubernetes-group-version-kind", [])  # none for what is but a part of an object
        if not any((kind["group"], kind["kind"]) == (found.group, found.kind) for kind in kinds):
            return None
        return jsonschema.Draft202012Validator(schema, registry=self._registry)

    def _contents(self, name: str) -> Any:
        from kubernetes_validate.utils import schema_contents

        return schema_contents(f"{_DIRECTORY.format(version=self.version)}/{name}", self.version)


@cache
def known_versions() -> dict[tuple[int, int], str]:
    """The versions that there are schemas of, by major and minor version, oldest first."""
    from kubernetes_validate.utils import all_versions

    return {numbers_of(version): version for version in all_versions()}


@cache
def schemas_of(kubernetes: tuple[int, int]) -> Schemas:
    """The schemas of a version, or of the newest before it that the package has."""
    known = known_versions()
    fitting = [numbers for numbers in known if numbers <= kubernetes] or [min(known)]
    return Schemas(known[max(fitting)])


def numbers_of(version: str) -> tuple[int, int]:
    """Major and minor version of ``1.36`` or ``1.36.3``."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def properties(fault: Any) -> Mapping[str, Manifest]:
    """The fields that the mapping of a fault may have."""
    found = fault.schema.get("properties", {})
    return found if isinstance(found, Mapping) else {}
