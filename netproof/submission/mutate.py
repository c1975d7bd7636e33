"""Mutants: submissions broken in one way, to prove that the checks see it.

A mutant is a directory with a ``mutant.yaml``::

    name: clusterip-selector-typo
    changes: The selector of web-svc-cip names a label that no pod has.
    caught-by: [clusterip.reachable]
    patches:
      - file: kubernetes-networks/web-svc-cip.yaml
        kind: Service
        name: web-svc-cip
        patch: {spec: {selector: {app: wbe}}}

``patch`` is a JSON merge patch (a mapping) or a JSON patch (a list of operations); ``remove: true`` removes the object.
``caught-by`` names the checks that must fail by themselves; those that are blocked because they need one of them are
not named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from netproof.errors import NetproofError
from netproof.submission.bundled import bundled_manifests
from netproof.submission.documents import load
from netproof.submission.manifest import ManifestObject
from netproof.submission.patch import json_patch, merge_patch
from netproof.submission.submission import Submission
from netproof.submission.write_yaml import to_yaml
from netproof.submission.yaml_tree import BrokenYamlError, read_documents

_FILE_NAME = "mutant.yaml"


class ObjectPatch(BaseModel):
    """What a mutant does to one object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    kind: str
    name: str
    patch: dict[str, Any] | list[dict[str, Any]] | None = None
    remove: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if (self.patch is None) != self.remove:
            raise ValueError("give either 'patch' or 'remove: true'")
        return self


class Mutant(BaseModel):
    """One way to break a submission, and the checks that must see it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    changes: str = Field(min_length=1)
    caught_by: tuple[str, ...] = Field(alias="caught-by", min_length=1)
    patches: tuple[ObjectPatch, ...] = Field(min_length=1)


def load_mutants(directory: Path | None = None) -> tuple[Mutant, ...]:
    """Every mutant in a directory, in the order of names; by default those that come with netproof.

    Raises:
        NetproofError: a mutant.yaml is missing, broken, or called otherwise than its directory.
    """
    root = directory if directory is not None else bundled_manifests("mutants")
    return tuple(_load_mutant(path) for path in sorted(root.iterdir()) if path.is_dir())


def mutate(submission: Submission, mutant: Mutant) -> Submission:
    """The submission with the mutant's patches applied, in memory; positions stay those of the original text.

    Raises:
        NetproofError: the submission lacks an object that a patch names, or a patch does not fit it.
    """
    objects = list(submission.objects)
    for each in mutant.patches:
        index = _index_of(objects, each, mutant)
        original = objects[index]
        if each.remove:
            del objects[index]
        elif isinstance(each.patch, list):
            objects[index] = original.with_manifest(json_patch(original.manifest, each.patch))
        else:
            objects[index] = original.with_manifest(merge_patch(original.manifest, each.patch or {}))
    return submission.with_objects(tuple(objects))


def write_mutated(submission: Submission, mutant: Mutant, directory: Path) -> Submission:
    """The mutated submission as files in ``directory`` (created where missing), loaded from there.

    Files that the mutant does not touch keep their text; the others are written anew, without comments.

    Raises:
        NetproofError: as for :func:`mutate`.
    """
    mutated = mutate(submission, mutant)
    touched = {each.file for each in mutant.patches}
    for file in submission.files:
        target = directory / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.path not in touched:
            target.write_text(file.text, encoding="utf-8", newline="")
            continue
        left = [found.manifest for found in mutated.objects if found.source.path == file.path]
        target.write_text(
            f"# Mutant {mutant.name}: {mutant.changes}\n{to_yaml(left) if left else ''}", encoding="utf-8"
        )
    return load(directory)


def _index_of(objects: list[ManifestObject], wanted: ObjectPatch, mutant: Mutant) -> int:
    for index, found in enumerate(objects):
        if (found.source.path, found.kind, found.name) == (wanted.file, wanted.kind, wanted.name):
            return index
    raise NetproofError(
        f"the mutant {mutant.name} changes {wanted.kind}/{wanted.name} in {wanted.file}, which is not there",
        "apply it to the reference submission, or correct its mutant.yaml",
    )


def _load_mutant(directory: Path) -> Mutant:
    path = directory / _FILE_NAME
    remedy = f"see the docstring of netproof.submission.mutate for what belongs into a {_FILE_NAME}"
    try:
        roots = [document.root for document in read_documents(path.read_text(encoding="utf-8")) if document.root]
        mutant = Mutant.model_validate(roots[0].plain() if len(roots) == 1 else None)
    except FileNotFoundError:
        raise NetproofError(f"the mutant {directory.name} has no {_FILE_NAME}", remedy) from None
    except BrokenYamlError as problem:
        raise NetproofError(f"{path}:{problem.line}:{problem.column}: {problem.message}", problem.remedy) from None
    except ValidationError as problem:
        said = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'document'}: {error['msg']}" for error in problem.errors()
        )
        raise NetproofError(f"{path}: {said}", remedy) from None
    if mutant.name != directory.name:
        raise NetproofError(f"{path} is named {mutant.name!r} but lies in {directory.name}", "give both the same name")
    return mutant
