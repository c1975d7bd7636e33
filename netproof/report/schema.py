"""The JSON Schema of results.json.

``python -m netproof.report.schema`` prints it; with ``--fields``, the tables of docs/results.md.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from netproof.report.results import Results


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every results.json of this version obeys."""
    schema = Results.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "netproof results", **schema}


def field_tables() -> str:
    """The fields of each object of results.json as Markdown tables, as docs/results.md shows them."""
    schema = json_schema()
    parts = [("The document", schema)]
    parts += [(f"`{name}`", part) for name, part in schema["$defs"].items() if part["type"] == "object"]
    return "\n".join(_table(heading, part) for heading, part in parts)


def _table(heading: str, part: dict[str, Any]) -> str:
    rows = [
        f"| `{name}` | {_type(field)} | {field.get('description', '')} |" for name, field in part["properties"].items()
    ]
    return "\n".join([f"### {heading}", "", "| field | type | what it holds |", "| --- | --- | --- |", *rows, ""])


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(option) for option in field["anyOf"])
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if "const" in field:
        return f"`{field['const']}`"
    return str(field.get("format") or field["type"])


if __name__ == "__main__":
    print(field_tables() if sys.argv[1:] == ["--fields"] else json.dumps(json_schema(), indent=2))
