"""Plain data to YAML that kubectl reads back as the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from netproof.submission.scalars import read_plain_scalar


def to_yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    """The documents as one YAML text in block style, keys in their order.

    Text that kubectl would take for something else when unquoted (``yes``, ``0644``) is quoted.
    """
    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 120
    stream = StringIO()
    writer.dump_all([_quoted(document) for document in documents], stream)
    return stream.getvalue()


def _quoted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_quoted(key): _quoted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(item) for item in value]
    if isinstance(value, str):
        ambiguous = not isinstance(read_plain_scalar(value), str) or value == "<<" or "\n" in value
        return DoubleQuotedScalarString(value) if ambiguous else str(value)
    return value
