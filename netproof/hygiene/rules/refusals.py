"""What the API refuses though the schema allows it: rules that tie fields to one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from netproof.hygiene.rule import Found, in_object
from netproof.submission import ManifestObject
from netproof.submission.manifest import items_at, mapping_at, names_in
from netproof.submission.service_ports import ports_of

_HIGHEST_PORT = 65535
_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
_PATH_TYPES = ("Exact", "Prefix", "ImplementationSpecific")
_NOTHING = (0, "0", "0%")


def refusals(found: ManifestObject) -> Iterator[Found]:
    """What the API would refuse in an object."""
    if found.kind in _WORKLOADS:
        yield from _selector(found)
        yield from _strategy(found)
    if found.pod_spec is not None:
        yield from _mounts(found)
    if found.kind == "Service":
        yield from _ports(found)
    if found.kind == "Ingress":
        yield from _path_types(found)


def _selector(found: ManifestObject) -> Iterator[Found]:
    wanted = mapping_at(found.spec, "selector", "matchLabels")
    labels = mapping_at(found.pod_template, "metadata", "labels")
    wrong = {key: value for key, value in wanted.items() if labels.get(key) != value}
    if wrong:
        message = f"its selector wants {_labels(wrong)}, which its own pods do not carry"
        yield in_object(found, "spec.selector.matchLabels", message, "give template.metadata.labels the same labels")


def _strategy(found: ManifestObject) -> Iterator[Found]:
    bounds = mapping_at(found.spec, "strategy", "rollingUpdate")
    if bounds.get("maxUnavailable") in _NOTHING and bounds.get("maxSurge") in _NOTHING:
        message = "maxUnavailable and maxSurge are both 0, so that no rollout could ever begin"
        yield in_object(found, "spec.strategy.rollingUpdate", message, "raise one of them")


def _mounts(found: ManifestObject) -> Iterator[Found]:
    claims = (mapping_at(claim, "metadata") for claim in items_at(found.spec, "volumeClaimTemplates"))
    volumes = {*names_in(items_at(found.pod_spec, "volumes")), *names_in(claims)}
    for group in ("initContainers", "containers"):
        for index, container in enumerate(items_at(found.pod_spec, group)):
            for name in names_in(items_at(container, "volumeMounts")):
                if name not in volumes:
                    message = f"container {container.get('name')} mounts the volume {name}, which there is not"
                    yield in_object(found, (*found.pod_spec_path, group, index), message, "declare it under volumes")


def _ports(found: ManifestObject) -> Iterator[Found]:
    ports = items_at(found.spec, "ports")
    for index, port in enumerate(ports):
        number = port.get("port")
        if isinstance(number, int) and not 0 < number <= _HIGHEST_PORT:
            yield in_object(found, ("spec", "ports", index, "port"), f"{number} is no port", "use 1 to 65535")
        if len(ports) > 1 and not port.get("name"):
            message = "of several ports each needs a name, and this one has none"
            yield in_object(found, ("spec", "ports", index), message, "name it")
    pairs = Counter((port.protocol, port.port) for port in ports_of(found.spec))
    for (protocol, number), times in pairs.items():
        if times > 1:
            message = f"{protocol} port {number} is there {times} times"
            yield in_object(found, "spec.ports", message, "keep one of them")


def _path_types(found: ManifestObject) -> Iterator[Found]:
    for rule_index, rule in enumerate(items_at(found.spec, "rules")):
        for path_index, path in enumerate(items_at(rule, "http", "paths")):
            at = ("spec", "rules", rule_index, "http", "paths", path_index)
            kind = path.get("pathType")
            if isinstance(kind, str) and kind not in _PATH_TYPES:
                message = f"pathType is {kind}, not one of {', '.join(_PATH_TYPES)}"
                yield in_object(found, (*at, "pathType"), message, "write one of them, Prefix for instance")
            text = path.get("path")
            if isinstance(text, str) and not text.startswith("/"):
                yield in_object(found, (*at, "path"), f"the path {text!r} does not begin with /", "let it begin with /")


def _labels(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())
