"""The manifests of what netproof itself puts into a cluster, cluster DNS and add-ons: templates, filled in."""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import yaml

from netproof.resources import data_directory


def names_in_manifest(name: str) -> frozenset[tuple[str, str, str]]:
    """Kind, namespace and name of each object of ``manifests/addons/<name>.yaml``; no namespace where it names none."""
    named: defaultdict[str, str] = defaultdict(lambda: "x")
    found = (one for one in own_objects(name, named))
    return frozenset((one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in found)


def own_objects(name: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects of ``manifests/addons/<name>.yaml``, in the file's order.

    Args:
        name: what they make up, such as ``coredns`` or ``metallb``.
        values: what replaces the file's ``${...}``.

    Raises:
        KeyError: the file names a value that is not given.
    """
    text = (data_directory("manifests") / "addons" / f"{name}.yaml").read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(string.Template(text).substitute(values)) if document]
