"""What each part of the homework is worth: data that a teacher may replace."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netproof.errors import NetproofError
from netproof.grading.language import Language
from netproof.submission import Part

STANDARD = Path(__file__).with_name("rubric.toml")
"""The rubric that comes with netproof."""

_EXAMPLE = f"take a copy of {STANDARD} and change that"


class Section(BaseModel):
    """One part of the homework.

    Attributes:
        id: its name in tables.
        title: what it is called, by language.
        parts: the files of the homework that it is about.
        star: whether it is one of the starred parts, whose points are counted by themselves.
        points: what each check of it gives.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: dict[Language, str]
    parts: tuple[Part, ...] = ()
    star: bool = False
    points: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]


class Rubric(BaseModel):
    """A rubric: the sections of the homework, in its order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: Annotated[tuple[Section, ...], Field(min_length=1)]

    @property
    def checks(self) -> tuple[str, ...]:
        """The ids of all checks that give points, or none, by being named."""
        return tuple(name for section in self.section for name in section.points)

    def possible(self, *, star: bool) -> float:
        """What all sections can give, the starred ones or the others."""
        return sum(sum(section.points.values()) for section in self.section if section.star is star)


def read_rubric(path: Path, known: Collection[str]) -> Rubric:
    """The rubric in a file.

    Args:
        path: a TOML file like :data:`STANDARD`.
        known: the ids of all checks there are.

    Raises:
        NetproofError: the file cannot be read, is no rubric, names a check twice or one that there is not.
    """
    try:
        text = path.read_text(encoding="utf-8")
        read = Rubric.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as problem:
        raise NetproofError(f"cannot read the rubric {path}: {problem}", _EXAMPLE) from None
    except tomllib.TOMLDecodeError as problem:
        raise NetproofError(f"the rubric {path} is not TOML: {problem}", _EXAMPLE) from None
    except ValidationError as problem:
        raise _invalid(path, text, problem) from None
    for message, word, remedy in _mistakes(read, known):
        raise NetproofError(f"{path}:{_line(text, word)}: {message}", remedy)
    return read


def _mistakes(rubric: Rubric, known: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a rubric that has the right form: message, the word to look for, remedy."""
    for name, times in Counter(section.id for section in rubric.section).items():
        if times > 1:
            yield f"the section {name!r} is there {times} times", name, "give each section an id of its own"
    for name, times in Counter(rubric.checks).items():
        if times > 1:
            yield f"the check {name!r} gives points in {times} sections", name, "leave it in one of them"
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"write {near[0]}, or see" if near else "see"
            yield f"there is no check {name!r}", name, f"{meant} `netproof checks` for all ids"
    for section in rubric.section:
        if missing := [language for language in Language if not section.title.get(language)]:
            yield f"the section {section.id!r} has no title in {', '.join(missing)}", section.id, "add it"


def _invalid(path: Path, text: str, problem: ValidationError) -> NetproofError:
    first = problem.errors()[0]
    names = [str(step) for step in first["loc"] if not isinstance(step, int)]
    sections = [step for step in first["loc"] if isinstance(step, int)]
    start = _line_of_section(text, sections[0]) if sections else 1
    said = f"{'.'.join(names)}: {first['msg']}"
    return NetproofError(f"{path}:{_line(text, (names or [''])[-1], start)}: {said}", _EXAMPLE)


def _line_of_section(text: str, index: int) -> int:
    heads = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[section]]"]
    return heads[index] if index < len(heads) else 1


def _line(text: str, word: str, start: int = 1) -> int:
    """The last line that has a word, as of two of a kind the second is the one too many; else ``start``."""
    lines = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if number >= start and word and word in line.partition("#")[0]
    ]
    if not lines:
        return start
    return lines[-1] if start == 1 else lines[0]
