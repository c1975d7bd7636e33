"""The manifests of a directory, read as kubectl would read them, with the place of everything and nothing fatal."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from netproof.errors import NetproofError
from netproof.submission.manifest import ManifestObject, Source
from netproof.submission.problem import Position, Problem, ProblemKind
from netproof.submission.submission import ManifestFile, Submission
from netproof.submission.yaml_tree import BrokenYamlError, Document, Node, read_documents

LARGEST_FILE_BYTES = 1 << 20
"""The largest manifest that is read. The API itself takes requests up to about 1.5 MiB."""
MOST_FILES = 500
"""How many manifests one submission may have; real ones have up to about thirty."""
_MOST_BYTES = 2 << 20
"""How much YAML is read in all; real submissions have up to about 100 KiB, vendored manifests included."""
MOST_DIRECTORY_ENTRIES = 20_000
"""How many files and directories are looked at."""

HOMEWORK_DIRECTORIES = ("kubernetes-intro", "kubernetes-networks")
_SUFFIXES = frozenset({".yaml", ".yml"})
_REMEDY = "name a directory with YAML files in kubernetes-intro/ and kubernetes-networks/"
# A YAML line, which may also end with NEL, LS or PS: line numbers must be the parser's.
_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029])|[^\r\n\x85\u2028\u2029]+$")
# The order matters: the mark of UTF-32 LE begins with the mark of UTF-16 LE.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, None),
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def load(directory: Path | str) -> Submission:
    """The submission in a directory: its objects with positions, and the problems met on the way.

    Where the directory has a ``kubernetes-networks``, only that and ``kubernetes-intro`` are read: the rest of a
    student's repository are other homeworks, which must not be applied. Hidden directories are left out.

    Raises:
        NetproofError: the directory is missing, is a file, or holds no manifest at all.
    """
    root = Path(directory)
    if not root.exists():
        raise NetproofError(f"the submission {str(directory)!r} does not exist", _REMEDY)
    if not root.is_dir():
        raise NetproofError(f"the submission {str(directory)!r} is a file, not a directory", _REMEDY)
    files: list[ManifestFile] = []
    objects: list[ManifestObject] = []
    problems: list[Problem] = []
    bytes_left = _MOST_BYTES
    try:
        for path in _manifest_paths(root.resolve(), problems):
            relative = path.relative_to(root.resolve()).as_posix()
            bytes_left -= path.stat().st_size
            if bytes_left < 0 and files:
                problems.append(
                    _refused(root.resolve(), path, f"the submission has more than {_MOST_BYTES} bytes of YAML")
                )
                break
            text = _read(path, relative, problems)
            if text is not None:
                files.append(ManifestFile(relative, text))
                found = read_text(relative, text)
                objects += found.objects
                problems += found.problems
    except PermissionError as problem:
        raise NetproofError(
            f"the submission cannot be read: {problem}", "give the user who runs netproof read access"
        ) from None
    if not files and not problems:
        raise NetproofError(f"the submission {str(directory)!r} holds no .yaml or .yml file", _REMEDY)
    if not objects:
        listed = "; ".join(str(problem) for problem in problems[:3])
        raise NetproofError(
            f"the submission {str(directory)!r} holds no Kubernetes manifest: {listed or 'its files are empty'}",
            _REMEDY,
        )
    return Submission(root.resolve(), tuple(files), tuple(objects), tuple(problems))


@dataclass(frozen=True, slots=True)
class ReadText:
    """What one file gave."""

    objects: tuple[ManifestObject, ...]
    problems: tuple[Problem, ...]


def read_text(path: str, text: str) -> ReadText:
    """The objects and the problems of one file's text.

    Documents before a syntax error are kept, as kubectl applies them before it stops at the error.

    Args:
        path: the file's name for positions, relative to the submission.
        text: its decoded content.
    """
    objects: list[ManifestObject] = []
    problems: list[Problem] = []
    lines = _LINE.findall(text)
    documents: list[Document] = []
    try:
        documents.extend(read_documents(text))  # keeps what came before an error
    except BrokenYamlError as problem:
        kind = ProblemKind.REFUSED if problem.refused else ProblemKind.SYNTAX
        problems.append(Problem(kind, Position(path, problem.line, problem.column), problem.message, problem.remedy))
    for index, document in enumerate(documents):
        end = documents[index + 1].line - 1 if index + 1 < len(documents) else len(lines)
        document_text = "".join(lines[document.line - 1 : end])
        problems += [
            Problem(
                ProblemKind.DUPLICATE_KEY,
                Position(path, duplicate.line, duplicate.column),
                f"the key {duplicate.key!r} is written twice in one mapping (first in line {duplicate.first_line}); "
                "the last one counts",
                "keep one of the two",
                loses=False,
            )
            for duplicate in document.duplicates
        ]
        if document.root is not None:
            for root in _flattened(document.root):
                made = _object(path, root, index, document_text)
                if isinstance(made, Problem):
                    problems.append(made)
                else:
                    objects.append(made)
    return ReadText(tuple(objects), tuple(problems))


def _flattened(root: Node) -> Iterator[Node]:
    """The root itself, or the items of a ``kind: List`` (kubectl also takes ``DeploymentList`` and the like)."""
    kind, items = root.child("kind"), root.child("items")
    if kind and items and str(kind.node.scalar).endswith("List") and items.node.items is not None:
        for entry in items.node.items:
            yield from _flattened(entry.node)
    else:
        yield root


def _object(path: str, root: Node, document: int, text: str) -> ManifestObject | Problem:
    position = Position(path, root.line, root.column)
    manifest: Any = root.plain()
    if not isinstance(manifest, dict) or not manifest.keys() & {"apiVersion", "kind"}:
        what = "a mapping without apiVersion and kind" if isinstance(manifest, dict) else "a list or plain text"
        return Problem(
            ProblemKind.NOT_KUBERNETES,
            position,
            f"this is not a Kubernetes manifest but {what}; it is left out",
            "",
            loses=False,
        )
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str):
            return _incomplete(
                position, f"{key} is missing, or is not text", f"add '{key}:' at the top level of the manifest"
            )
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name:
        entry = root.child("metadata")
        at = Position(path, entry.line, entry.column) if entry else position
        said = "is missing" if name in (None, "") else f"is {name!r}, which is not text"
        return _incomplete(
            at, f"metadata.name of the {manifest['kind']} {said}", "name the object, in quotes if it is a number"
        )
    if namespace is not None and not isinstance(namespace, str):
        return _incomplete(position, f"metadata.namespace of {manifest['kind']}/{name} is not text", "put it in quotes")
    # An empty namespace is none, to the API as well as to its reader.
    source = Source(path, root.line, document)
    return ManifestObject(
        manifest["apiVersion"], manifest["kind"], name, namespace or None, manifest, source, text, root
    )


def _incomplete(position: Position, message: str, remedy: str) -> Problem:
    return Problem(ProblemKind.INCOMPLETE, position, message, remedy)


def _manifest_paths(root: Path, problems: list[Problem]) -> list[Path]:
    """The YAML files to read, in the order of their paths."""
    starts = [root]
    if (root / HOMEWORK_DIRECTORIES[1]).is_dir():
        starts = [root / name for name in HOMEWORK_DIRECTORIES if (root / name).is_dir()]
    paths: list[Path] = []
    entries = 0
    for start in starts:
        if not _is_inside(start, root, problems):
            continue
        for directory, subdirectories, names in os.walk(start, followlinks=False):
            here = Path(directory)
            entries += len(subdirectories) + len(names)
            if entries > MOST_DIRECTORY_ENTRIES:
                problems.append(
                    _refused(root, here, f"the submission has more than {MOST_DIRECTORY_ENTRIES} files and directories")
                )
                return sorted(paths)
            subdirectories[:] = sorted(
                name for name in subdirectories if not name.startswith(".") and _is_inside(here / name, root, problems)
            )
            for name in sorted(names):
                path = here / name
                if PurePosixPath(name).suffix.lower() not in _SUFFIXES or not _is_inside(path, root, problems):
                    continue
                if len(paths) == MOST_FILES:
                    problems.append(_refused(root, path, f"the submission has more than {MOST_FILES} YAML files"))
                    return sorted(paths)
                paths.append(path)
    return sorted(paths)


def _is_inside(path: Path, root: Path, problems: list[Problem]) -> bool:
    """Whether a path stays in the submission; a symbolic link that leaves it is a problem, and is not followed."""
    if not path.is_symlink():
        return True
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        problems.append(
            _refused(root, path, "this symbolic link leads nowhere", "remove it, or put the file in its place")
        )
        return False
    if not target.is_relative_to(root):
        problems.append(
            _refused(
                root,
                path,
                "this symbolic link leads out of the submission and is not followed",
                "put the file itself in its place",
            )
        )
        return False
    return True


def _read(path: Path, relative: str, problems: list[Problem]) -> str | None:
    """The decoded text of a file, or None after noting why it cannot be read."""
    position = Position(relative, 1)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        problems.append(Problem(ProblemKind.REFUSED, position, "this is not a regular file", "remove it"))
        return None
    with path.open("rb") as stream:
        data = stream.read(LARGEST_FILE_BYTES + 1)
    if len(data) > LARGEST_FILE_BYTES:
        message = f"the file has {status.st_size} bytes; manifests of more than {LARGEST_FILE_BYTES} bytes are not read"
        problems.append(
            Problem(ProblemKind.REFUSED, position, message, "split it, or remove what is not part of the homework")
        )
        return None
    mark, encoding = next(((m, e) for m, e in _BYTE_ORDER_MARKS if data.startswith(m)), (b"", "utf-8"))
    if encoding is None:
        problems.append(
            Problem(
                ProblemKind.UNREADABLE,
                position,
                "the file is in UTF-32, which kubectl does not read",
                "save it as UTF-8",
            )
        )
        return None
    content = data[len(mark) :]
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        before = content[: problem.start].decode(encoding, errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"the file is not {encoding.upper()}: {problem.reason}"
        problems.append(Problem(ProblemKind.UNREADABLE, Position(relative, line, column), message, "save it as UTF-8"))
        return None


def _refused(root: Path, path: Path, message: str, remedy: str = "remove what is not part of the homework") -> Problem:
    return Problem(ProblemKind.REFUSED, Position(path.relative_to(root).as_posix(), 1), message, remedy)
