"""The texts of feedback: what each language says of a check or a rule, and what there is to read about it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from netproof.grading.language import Language
from netproof.submission import Part

_HERE = Path(__file__).parent


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Model):
    """What a language says of a check or a rule.

    Attributes:
        title: what holds when the check passes; what is wrong where the rule finds something.
        why: why it matters.
        hint: where to look, without the solution.
    """

    title: str
    why: str
    hint: str


class Texts(_Model):
    """All that a language says.

    Attributes:
        phrases: the sentences of feedback and tables, with names in braces for what is filled in.
        about: what it says of each check and each rule, by id.
    """

    phrases: dict[str, str]
    about: dict[str, About]

    def say(self, phrase: str, **values: str) -> str:
        """A phrase, filled in."""
        return self.phrases[phrase].format(**values)

    def title(self, name: str) -> str:
        """The title of a check or a rule; its id where a rubric names a check that there is no text about."""
        found = self.about.get(name)
        return found.title if found else f"`{name}`"


class Reading(_Model):
    """What there is to know about a check or a rule in every language.

    Attributes:
        read: the address of a document.
        explains: for a rule, checks of other parts of the homework that fail where it finds something.
        parts: for a check, the parts of its section that it is about; none where it is about all of them.
    """

    read: str
    explains: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@cache
def texts(language: Language) -> Texts:
    """All that a language says."""
    return Texts.model_validate(_toml(language.value))


@cache
def reading() -> dict[str, Reading]:
    """What there is to know about each check and each rule in every language, by id."""
    return {name: Reading.model_validate(value) for name, value in _toml("reading").items()}


def _toml(name: str) -> dict[str, object]:
    return tomllib.loads((_HERE / f"{name}.toml").read_text(encoding="utf-8"))
