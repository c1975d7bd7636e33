"""A student's repository, looked at from outside: nothing of it is run, and no link that leaves it is followed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from netproof.errors import NetproofError
from netproof.grading.grade import Work
from netproof.submission.documents import (
    HOMEWORK_DIRECTORIES,
    LARGEST_FILE_BYTES,
    MOST_DIRECTORY_ENTRIES,
    MOST_FILES,
)

_SUFFIXES = (".yaml", ".yml")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFERENCE = re.compile(r"ref: (refs/(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*)")
_MOST_OF_GIT = 1 << 20


def directories_to_grade(named: Iterable[Path], of_class: Path | None) -> list[Path]:
    """The directories of the works: those that are named, and those in the directory of a class.

    Raises:
        NetproofError: there is none, one is no directory, two have the same name, or one holds many works.
    """
    found = list(named)
    for directory in [*found, *([of_class] if of_class else [])]:
        if not directory.is_dir():
            raise NetproofError(f"{directory} is no directory", "name the directory of a student's repository")
    for directory in found:
        if not _has_homework(directory) and any(_has_homework(below) for below in _below(directory)):
            raise NetproofError(
                f"{directory} holds repositories, and is none itself", f"write --all={directory} to grade all of them"
            )
    if of_class:
        found += _below(of_class)
    if not found:
        raise NetproofError("there is nothing to grade", "name the directories of works, or --all DIR")
    by_name: dict[str, Path] = {}
    for directory in found:
        name = directory.resolve().name
        if (other := by_name.setdefault(name, directory)) is not directory:
            raise NetproofError(f"{other} and {directory} have the same name", "give one of them another name")
    return sorted(found, key=lambda directory: directory.resolve().name.casefold())


def work_in(directory: Path) -> Work:
    """The work in a directory.

    Raises:
        NetproofError: it cannot be read.
    """
    root = directory.resolve()
    try:
        return Work(name=root.name, directory=str(root), commit=commit_of(root), digest=digest_of(root))
    except PermissionError as problem:
        raise NetproofError(
            f"a work cannot be read: {problem}", "give the user who runs netproof read access"
        ) from None


def digest_of(root: Path) -> str:
    """A digest of the manifests in a directory, by their paths and content: that of other content is another."""
    digest = hashlib.sha256()
    for path in _manifests(root):
        digest.update(path.relative_to(root).as_posix().encode("utf-8", "surrogateescape") + b"\0")
        digest.update(hashlib.sha256(_content(path, root)).digest())
    return digest.hexdigest()


def commit_of(root: Path) -> str:
    """The commit that is checked out; empty where that cannot be told.

    git is not asked: the configuration of a repository may name programs for it to run.
    """
    head = _line_in(root, ".git/HEAD")
    if _COMMIT.fullmatch(head):
        return head
    if not (reference := _REFERENCE.fullmatch(head)):
        return ""
    loose = _line_in(root, f".git/{reference[1]}")
    if _COMMIT.fullmatch(loose):
        return loose
    for line in _text_in(root, ".git/packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference[1] and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _has_homework(directory: Path) -> bool:
    return any((directory / name).is_dir() for name in HOMEWORK_DIRECTORIES)


def _below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))


def _manifests(root: Path) -> Iterator[Path]:
    """The paths of the manifests that would be read, in order."""
    starts = [root]
    if (root / HOMEWORK_DIRECTORIES[1]).is_dir():
        starts = [root / name for name in HOMEWORK_DIRECTORIES if (root / name).is_dir()]
    entries = 0
    found: list[Path] = []
    for start in starts:
        for directory, below, names in os.walk(start, followlinks=False, onerror=_raise):
            entries += len(below) + len(names)
            if entries > MOST_DIRECTORY_ENTRIES:
                break
            below[:] = [name for name in below if not name.startswith(".")]
            found += [Path(directory, name) for name in names if name.lower().endswith(_SUFFIXES)]
    yield from sorted(found)[:MOST_FILES]


def _raise(problem: OSError) -> None:
    raise problem


def _content(path: Path, root: Path) -> bytes:
    """What is in a file; of a link out of the work, or of what is no file, no more than that."""
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to(root) or not stat.S_ISREG(target.stat().st_mode):
            return b"not a file of this work"
    except PermissionError:
        raise
    except (OSError, RuntimeError):  # pathlib's word for a loop of links was another before 3.13
        return b"leads nowhere"
    with target.open("rb") as stream:
        return stream.read(LARGEST_FILE_BYTES + 1)


def _line_in(root: Path, name: str) -> str:
    return _text_in(root, name).strip()


def _text_in(root: Path, name: str) -> str:
    path = root / name
    try:
        if not path.resolve(strict=True).is_relative_to(root) or not path.is_file():
            return ""
        with path.open("rb") as stream:
            return stream.read(_MOST_OF_GIT).decode("ascii", "replace")
    except (OSError, RuntimeError):
        return ""
