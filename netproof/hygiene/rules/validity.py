"""``apply.valid`` and ``apply.unknown-field``: what the API of the target version would refuse in an object."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from netproof.hygiene.elsewhere import KNOWN_GROUPS
from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.rules.refusals import refusals
from netproof.hygiene.rules.removed_api import removal_of
from netproof.hygiene.schemas import properties, schemas_of
from netproof.hygiene.view import View
from netproof.submission import ManifestObject, ProblemKind
from netproof.submission.manifest import mapping_at


def _invalid(view: View) -> Iterator[Found]:
    yield from _unreadable(view)
    for found in view.relevant:
        yield from _unknown_kind(view, found)
        yield from _faults(view, found)
        yield from refusals(found)


def _unreadable(view: View) -> Iterator[Found]:
    for problem in view.problems:
        if problem.kind is ProblemKind.DUPLICATE_KEY:
            continue
        severity = Severity.ERROR if problem.loses else Severity.WARNING
        yield Found(problem.position, problem.message, problem.remedy, severity=severity)


def _unknown_kind(view: View, found: ManifestObject) -> Iterator[Found]:
    if schemas_of(view.kubernetes).knows(found) or found.group in KNOWN_GROUPS or removal_of(found, view.kubernetes):
        return
    if any(_defines(definition, found) for definition in view.submission.objects):
        return
    version = ".".join(map(str, view.kubernetes))
    message = f"Kubernetes {version} has no {found.kind} in {found.api_version}"
    yield in_object(
        found, "apiVersion", message, "correct apiVersion or kind; kubectl api-resources lists what there is"
    )


def _defines(definition: ManifestObject, found: ManifestObject) -> bool:
    names = mapping_at(definition.spec, "names")
    return definition.kind == "CustomResourceDefinition" and (definition.spec.get("group"), names.get("kind")) == (
        found.group,
        found.kind,
    )


def _faults(view: View, found: ManifestObject) -> Iterator[Found]:
    for fault in view.schema_faults(found):
        if fault.validator != "additionalProperties":
            message, remedy = _in_words(fault)
            yield in_object(found, list(fault.absolute_path), message, remedy)


def _unknown_fields(view: View) -> Iterator[Found]:
    for found in view.relevant:
        for fault in view.schema_faults(found):
            if fault.validator == "additionalProperties":
                known = properties(fault)
                for name in sorted(set(fault.instance) - set(known)):
                    steps = [*fault.absolute_path, name]
                    message = f"{_dotted(steps)} is no field that {found.kind} of {found.api_version} has"
                    yield in_object(found, steps, message, _suggestion(name, list(known)))


def _suggestion(name: str, known: list[str]) -> str:
    same = [one for one in known if one.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"write {near[0]}" if near else f"remove it; here are {', '.join(sorted(known))}"


def _in_words(fault: Any) -> tuple[str, str]:
    place, value = _dotted(fault.absolute_path) or "the object", fault.instance
    match fault.validator:
        case "required":
            missing = [name for name in fault.validator_value if name not in value]
            return f"{place} lacks {' and '.join(missing)}", f"add {' and '.join(missing)}"
        case "type":
            wanted = [fault.validator_value] if isinstance(fault.validator_value, str) else fault.validator_value
            kinds = " or ".join(_KINDS.get(kind, kind) for kind in wanted if kind != "null")
            remedy = "put it in quotes" if "string" in wanted and isinstance(value, bool | int | float) else ""
            return f"{place} is {value!r}, not {kinds}", remedy or f"make it {kinds}"
        case "oneOf" | "anyOf":
            return f"{place} is {value!r}, which is of no kind that is allowed there", "see kubectl explain"
        case _:
            return f"{place}: {fault.message}", "see kubectl explain"


_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _dotted(steps: Sequence[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) or "." in step or "/" in step else f".{step}"
    return text.removeprefix(".")


VALID = HygieneRule(
    id="apply.valid",
    holds="Every manifest can be read, and is what the API of the target version takes.",
    why="the API refuses it, and nothing of it is applied",
    severity=Severity.ERROR,
    look=_invalid,
)
UNKNOWN_FIELD = HygieneRule(
    id="apply.unknown-field",
    holds="No manifest has a field that its kind does not have.",
    why="kubectl refuses it; an older one, or --validate=false, drops the field without a word",
    severity=Severity.ERROR,
    look=_unknown_fields,
)
