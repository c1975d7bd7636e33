"""The two patch forms of the API: RFC 7386 (JSON merge patch) and RFC 6902 (JSON patch)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from netproof.errors import NetproofError


def merge_patch(target: Any, patch: Any) -> Any:
    """``target`` with an RFC 7386 merge patch applied, as a new value that shares nothing with either.

    Mappings are merged key by key, null removes a key, and everything else (lists too) replaces what was there.
    """
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(dict(target)) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(target: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    """``target`` with the ``add``, ``remove``, ``replace`` and ``test`` operations of RFC 6902, as a new value.

    Raises:
        NetproofError: an operation is not one of these, its path does not exist, or a test does not hold.
    """
    root = {"": copy.deepcopy(target)}
    for operation in operations:
        name, path = operation.get("op"), operation.get("path")
        if not isinstance(path, str) or (path and not path.startswith("/")):
            raise NetproofError(f"the JSON patch path {path!r} does not begin with '/'", "write it like /spec/replicas")
        steps = ["", *(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])]
        parent: Any = root
        for step in steps[:-1]:
            parent = _child(parent, step, path)
        _apply(parent, steps[-1], str(name), operation, path)
    return root[""]


def _apply(parent: Any, step: str, name: str, operation: Mapping[str, Any], path: str) -> None:
    value = copy.deepcopy(operation.get("value"))
    if name == "add":
        if isinstance(parent, list):
            parent.insert(len(parent) if step == "-" else _index(parent, step, path, beyond=1), value)
        elif isinstance(parent, dict):
            parent[step] = value
        else:
            raise _no_such_path(path)
        return
    present = _child(parent, step, path)
    key = _index(parent, step, path) if isinstance(parent, list) else step
    match name:
        case "remove":
            del parent[key]
        case "replace":
            parent[key] = value
        case "test":
            if present != value:
                raise NetproofError(f"{path} is {present!r}, not {value!r}", "make the patch fit the manifest")
        case _:
            raise NetproofError(f"the JSON patch operation {name!r} is not offered", "use add, remove, replace or test")


def _child(parent: Any, step: str, path: str) -> Any:
    if isinstance(parent, list):
        return parent[_index(parent, step, path)]
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    raise _no_such_path(path)


def _index(parent: list[Any], step: str, path: str, beyond: int = 0) -> int:
    if not step.isdecimal() or int(step) >= len(parent) + beyond:
        raise _no_such_path(path)
    return int(step)


def _no_such_path(path: str) -> NetproofError:
    return NetproofError(f"the object has nothing at {path}", "make the patch fit the manifest")
