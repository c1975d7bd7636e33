"""What was said of a submission's manifests without a cluster: what ``netproof check --json`` prints."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from netproof.errors import NetproofError
from netproof.grading.rubric import Section
from netproof.hygiene import Severity
from netproof.hygiene.rules import RULE_OF_ID
from netproof.submission import Danger, Found, Part


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LocatedFile(_Model):
    """A part of the homework: where it is expected, and the files that have it."""

    part: Part
    expected: str
    found: Found
    files: tuple[str, ...] = ()


class Remark(_Model):
    """A finding of a rule of hygiene, at a place in the author's text."""

    rule: str
    severity: Severity
    file: str
    line: int
    object: str = ""
    message: str
    why: str = ""

    @property
    def said(self) -> str:
        """What was found, and why it matters where that is not what its rule says of all that it finds."""
        rule = RULE_OF_ID.get(self.rule)
        of_its_own = self.why and (rule is None or self.why != rule.why)
        about = f"{self.object}: " if self.object else ""
        return f"{about}{self.message}{f'; {self.why}' if of_its_own else ''}"

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"


class Harm(_Model):
    """An object that is not applied, for it could do harm."""

    danger: Danger
    file: str
    line: int
    object: str
    message: str


class Manifests(_Model):
    """What was said of the manifests.

    Attributes:
        written_for: the versions of Kubernetes they are written for.
        layout: the parts of the homework.
        withheld: the objects that are not applied, for they could do harm.
        findings: what the rules of hygiene found, the gravest first.
    """

    written_for: str = ""
    layout: tuple[LocatedFile, ...] = ()
    withheld: tuple[Harm, ...] = ()
    findings: tuple[Remark, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Manifests:
        """What a file holds that ``netproof check --json`` was printed to.

        Raises:
            NetproofError: it cannot be read, or holds something else.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as problem:
            raise NetproofError(
                f"{path} is not what `netproof check --json` prints: {problem}", "grade the work anew, with --again"
            ) from None

    def missing(self, section: Section) -> tuple[LocatedFile, ...]:
        """The parts of a section that nothing in the submission plays."""
        return tuple(one for one in self.layout if one.part in section.parts and one.found is Found.MISSING)

    def withheld_from(self, section: Section) -> tuple[Harm, ...]:
        """The objects of a section that were not applied."""
        return tuple(one for one in self.withheld if self.parts_of(one.file) & set(section.parts))

    def parts_of(self, file: str) -> frozenset[Part]:
        """The parts of the homework that a file has; of one that has none, those that it is expected to have."""
        having = frozenset(one.part for one in self.layout if file in one.files)
        return having or frozenset(one.part for one in self.layout if _is_expected(file, one.expected))


def _is_expected(file: str, expected: str) -> bool:
    if expected.endswith("/"):
        return file.startswith(expected)
    return PurePosixPath(file).with_suffix("") == PurePosixPath(expected).with_suffix("")
