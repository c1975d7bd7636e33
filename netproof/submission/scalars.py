"""What a plain YAML scalar means to kubectl.

kubectl turns YAML into JSON with ``sigs.k8s.io/yaml``, which follows YAML 1.1 with Go's own rules for numbers. What
differs from YAML 1.2 matters here: ``yes`` and ``on`` are booleans, ``0644`` is octal, ``1_000`` is a number, and
``12:30:45`` stays a string (there are no sexagesimal numbers). Dates stay strings too.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+)|0[oO]?(?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = {"hex": 16, "binary": 2, "octal": 8, "decimal": 10}
_LONGEST_NUMBER = 400
_INTEGERS = range(-(2**63), 2**64)
_FIRST_EXPONENT = 1e21  # from here on Go writes a float with an exponent, which Python reads as a float


def read_plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar, as it arrives in the JSON that kubectl sends.

    A float without a fraction comes back as an int, since JSON written by Go says ``1`` for ``1.0``.
    """
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if len(text) > _LONGEST_NUMBER or text[0] not in "+-.0123456789":
        return text
    # Go takes underscores out of everything that begins like an integer, and of nothing that begins with a point.
    return _read_number(text if text[0] == "." else text.replace("_", ""), text)


def read_tagged_scalar(text: str, tag: str | None, *, plain: bool) -> Scalar:
    """The value of a scalar with its explicit tag, if any; a tag without meaning here leaves the text as it is."""
    if tag is None:
        return read_plain_scalar(text) if plain else text
    value = read_plain_scalar(text)
    match tag.removeprefix("tag:yaml.org,2002:").removeprefix("!!"):
        case "bool" if isinstance(value, bool):
            return value
        case "int" | "float" if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        case "null" if value is None:
            return None
        case _:
            return text


def key_text(value: Scalar) -> str | None:
    """The JSON key that a YAML key becomes (``8000:`` is ``"8000"``, ``on:`` is ``"true"``); None for a null key."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _read_number(digits: str, text: str) -> Scalar:
    if found := _INTEGER.fullmatch(digits):
        base = next(name for name in _BASES if found[name] is not None)
        value = int(found["sign"] + found[base], _BASES[base])
        if value in _INTEGERS:
            return value
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        if not math.isfinite(number):
            return text
        return int(number) if number.is_integer() and abs(number) < _FIRST_EXPONENT else number
    return text
