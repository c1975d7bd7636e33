"""MetalLB's ConfigMap, read until MetalLB 0.12, to the objects that it reads since 0.13."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule
from netproof.submission.manifest import Manifest, ManifestObject, mapping_at
from netproof.submission.submission import Submission
from netproof.submission.yaml_tree import BrokenYamlError, read_documents

NAMESPACE, NAME, KEY = "metallb-system", "config", "config"
"""Where MetalLB looked for its configuration."""
API_VERSION = "metallb.io/v1beta1"
_KEYS = frozenset({"name", "protocol", "addresses", "auto-assign", "avoid-buggy-ips"})
_SWITCHES = {"auto-assign": "autoAssign", "avoid-buggy-ips": "avoidBuggyIPs"}


def _edits(submission: Submission) -> Iterator[Edit]:
    if any(found.group == "metallb.io" for found in submission.objects):
        return  # its author has moved on, and left the ConfigMap behind
    for found in submission.objects:
        if (found.kind, found.namespace, found.name) == ("ConfigMap", NAMESPACE, NAME):
            pools = _pools(found)
            if pools:
                yield _converted(found, pools)


def _pools(config: ManifestObject) -> list[Mapping[str, Any]]:
    """The pools of a configuration; empty where MetalLB 0.12 refused it, or where it asks for more than layer 2."""
    text = mapping_at(config.manifest, "data").get(KEY)
    try:
        roots = [document.root for document in read_documents(text if isinstance(text, str) else "") if document.root]
    except BrokenYamlError:
        return []
    configuration = roots[0].plain() if len(roots) == 1 else None
    if not isinstance(configuration, dict) or configuration.keys() != {"address-pools"}:
        return []
    pools = configuration["address-pools"]
    return pools if isinstance(pools, list) and all(_is_layer_2(pool) for pool in pools) else []


def _is_layer_2(pool: Any) -> bool:
    return (
        isinstance(pool, dict)
        and pool.keys() <= _KEYS
        and pool.get("protocol") == "layer2"
        and isinstance(pool.get("name"), str)
        and isinstance(pool.get("addresses"), list)
    )


def _converted(config: ManifestObject, pools: list[Mapping[str, Any]]) -> Edit:
    draft = Draft(config)
    draft.note(
        ("data", KEY), f"the pools of the ConfigMap are {len(pools)} IPAddressPool, each with an L2Advertisement"
    )
    made = [config.with_manifest(one) for pool in pools for one in (_pool(pool), _advertisement(pool))]
    return Edit(config, tuple(made), tuple(draft.changes))


def _pool(pool: Mapping[str, Any]) -> Manifest:
    switches = {_SWITCHES[key]: value for key, value in pool.items() if key in _SWITCHES}
    return _object("IPAddressPool", pool["name"], {"addresses": list(pool["addresses"]), **switches})


def _advertisement(pool: Mapping[str, Any]) -> Manifest:
    return _object("L2Advertisement", pool["name"], {"ipAddressPools": [_name(pool["name"])]})


def _object(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": _name(name), "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _name(pool: str) -> str:
    """A pool's name was free text; an object's is in lower case and without underscores."""
    return pool.lower().replace("_", "-").replace(" ", "-")


METALLB_POOLS = Rule(
    id="metallb-pools",
    group=Group.ERA,
    does=f"the address pools of the ConfigMap {NAMESPACE}/{NAME} are an IPAddressPool and an L2Advertisement each",
    because="MetalLB 0.13 and later do not read the ConfigMap",
    source="https://metallb.universe.tf/#backward-compatibility",
    concerns=lambda _: True,
    edits=_edits,
)
