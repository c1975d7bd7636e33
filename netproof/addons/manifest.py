"""The manifests of what netproof installs into a cluster: templates of its own, filled in and applied."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

import yaml

from netproof.resources import data_directory


def addon_objects(name: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects of ``manifests/addons/<name>.yaml``, in the file's order.

    Args:
        name: the add-on.
        values: what replaces the file's ``${...}``.

    Raises:
        KeyError: the file names a value that is not given.
    """
    text = (data_directory("manifests") / "addons" / f"{name}.yaml").read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(string.Template(text).substitute(values)) if document]
