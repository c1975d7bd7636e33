"""The documents say what is: links lead somewhere, and what they name exists."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.core import TyperGroup

from netproof import plugin
from netproof.check import declared_check
from netproof.cli import app
from netproof.cluster import preflight
from netproof.ingress.table import checks_by_feature
from netproof.ingress.table import to_markdown as controllers_to_markdown
from netproof.running.listing import all_checks, to_markdown

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(CHECKOUT.glob("*.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
    CHECKOUT / "manifests" / "reference" / "README.md",
    CHECKOUT / "reports" / "README.md",
]
GENERATED = CHECKOUT / "docs" / "checks.md"
WRITTEN = [document for document in DOCUMENTS if document != GENERATED]
REGENERATE = ".venv/bin/netproof checks --markdown > docs/checks.md"

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"\bNETPROOF_[A-Z][A-Z_]*[A-Z]\b")
DOTTED_NAME = re.compile(r"(?<![\w.-])netproof(?!\.io/)(\.\w+)+")
HELP_LINE = re.compile(r"^ +(-.*?)(?:  |$)", re.MULTILINE)

every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[path.relative_to(CHECKOUT).as_posix() for path in DOCUMENTS]
)
every_written_document = pytest.mark.parametrize(
    "document", WRITTEN, ids=[path.relative_to(CHECKOUT).as_posix() for path in WRITTEN]
)


@pytest.fixture(scope="module")
def pytest_options() -> frozenset[str]:
    """Every option that pytest knows with this plugin."""
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True, cwd=CHECKOUT, timeout=60
    )
    return frozenset(option for line in HELP_LINE.findall(shown.stdout) for option in OPTION.findall(line))


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (document.parent / unquote(parts.path)).resolve() if parts.path else document
        if not target.exists() or (parts.fragment and parts.fragment not in anchors(target)):
            broken.append(link)

    assert not broken


@every_written_document
def test_commands_and_their_options_exist(document: Path, pytest_options: frozenset[str]) -> None:
    targets, tox = make_targets(), (CHECKOUT / "tox.ini").read_text(encoding="utf-8")
    netproof = typer.main.get_command(app)
    wrong = []
    for text in code(document):
        for words in commands(text):
            match words:
                case ["make", *rest]:
                    named = [word for word in rest if re.fullmatch(r"[a-z]+", word)]
                    wrong += [text for target in named if target not in targets]
                    wrong += [option for option in OPTION.findall(" ".join(rest)) if option not in pytest_options]
                case ["tox", "run", "-e", environment]:
                    wrong += [text] if f"[testenv:{environment}]" not in tox else []
                case ["netproof", *rest]:
                    known, options, unknown = walk(netproof, rest)
                    known = pytest_options if rest[:1] == ["run"] else known
                    wrong += [*unknown, *(f"{text}: {option}" for option in options if option not in known)]
                case ["pytest", *rest]:
                    given = OPTION.findall(" ".join(rest))
                    wrong += [f"{text}: {option}" for option in given if option not in pytest_options]

    assert not wrong


@every_written_document
def test_options_mentioned_exist(document: Path, pytest_options: frozenset[str]) -> None:
    """An option that stands alone is one of pytest, of the command, or one that the package gives to a program."""
    known = pytest_options | all_options(typer.main.get_command(app))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "netproof").rglob("*.py"))
    for other in ("benchmarks/boot.py", "tests/endurance/conftest.py"):
        sources += (CHECKOUT / other).read_text(encoding="utf-8")
    mentioned = {option for text in code(document) if not is_foreign(text) for option in OPTION.findall(text)}

    assert not {option for option in mentioned - known if option not in sources}


def test_every_option_of_pytest_and_of_the_command_is_documented(pytest_options: frozenset[str]) -> None:
    documented = {option for text in code(CHECKOUT / "docs" / "running.md") for option in OPTION.findall(text)}
    ours = {option for option in pytest_options if f'"{option}"' in options_source()}

    assert {"--check", "--submission", "--keep-cluster"} <= ours
    assert not ours - documented
    assert not all_options(typer.main.get_command(app)) - documented - {"--help"}


def test_every_command_is_documented() -> None:
    documented = "\n".join(code(CHECKOUT / "docs" / "running.md"))

    assert not {name for name in command_names(typer.main.get_command(app)) if f"netproof {name}" not in documented}


def test_environment_variables_are_documented_and_those_documented_are_used() -> None:
    documented = {name for document in WRITTEN for name in VARIABLE.findall(document.read_text(encoding="utf-8"))}

    assert names_in("netproof") <= documented
    assert documented <= names_in("netproof") | names_in("tests")


@every_written_document
def test_names_of_the_package_exist(document: Path) -> None:
    names = {match.group() for text in code(document) for match in DOTTED_NAME.finditer(text)}

    assert not {name for name in names if not resolves(name)}


def test_every_message_of_the_preflight_has_its_remedy() -> None:
    running = (CHECKOUT / "docs" / "running.md").read_text(encoding="utf-8")
    source = inspect.getsource(preflight)

    messages = [*lack_messages(source), *re.findall(r'^try "(.+?)"', source, re.MULTILINE)]

    assert len(messages) > 10
    assert not [message for message in messages if message not in running]


def test_the_worked_example_is_a_check(tmp_path: Path) -> None:
    (example,) = fences(CHECKOUT / "docs" / "writing-a-check.md", "python")
    path = tmp_path / "test_selectors.py"
    path.write_text(example, encoding="utf-8")

    made = runpy.run_path(str(path))

    (function,) = [value for value in made.values() if declared_check(value)]
    assert set(inspect.signature(function).parameters) <= fixture_names()


def test_the_fixtures_that_are_described_exist() -> None:
    text = (CHECKOUT / "docs" / "writing-a-check.md").read_text(encoding="utf-8")
    table = text.partition("## Fixtures")[2].partition("\n## ")[0]
    described = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }

    assert "workspace" in described
    assert not described - fixture_names()


def test_the_example_of_a_mutant_is_one_that_exists() -> None:
    (example,) = fences(CHECKOUT / "docs" / "writing-a-check.md", "yaml")
    name = example.splitlines()[0].removeprefix("name: ")

    assert example == (CHECKOUT / "manifests" / "mutants" / name / "mutant.yaml").read_text(encoding="utf-8")


def test_the_readme_has_a_place_for_a_real_run() -> None:
    assert re.search(r"^<!-- a real run -->\n```", (CHECKOUT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_list_of_checks_is_up_to_date() -> None:
    current = to_markdown(all_checks(CHECKOUT / "suites"))

    assert GENERATED.read_text(encoding="utf-8") == current, f"the suites have changed; run: {REGENERATE}"


def test_the_table_of_controllers_is_up_to_date() -> None:
    current = controllers_to_markdown(checks_by_feature(all_checks(CHECKOUT / "suites")))

    said = "the table has changed; run: .venv/bin/netproof features --markdown > docs/ingress.md"
    assert (CHECKOUT / "docs" / "ingress.md").read_text(encoding="utf-8") == current, said


def tokens(document: Path) -> Iterator[Token]:
    """All tokens of a document, those inside of paragraphs and tables too."""
    for token in MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def links(document: Path) -> list[str]:
    """Where the links of a document lead."""
    return [str(token.attrs["href"]) for token in tokens(document) if token.type == "link_open"]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub names them."""
    parsed = list(tokens(document))
    headings = [after.content for token, after in itertools.pairwise(parsed) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(document: Path) -> list[str]:
    """The lines of a document that are code: code spans, and the lines of code blocks that are for a shell.

    What follows a lone ``--`` is another program's, and is left out.
    """
    found = []
    for token in tokens(document):
        if token.type == "code_inline":
            found.append(token.content)
        elif token.type == "fence" and token.info in {"sh", "text"}:
            found += token.content.splitlines()
    return [line.partition(" -- ")[0] for line in found]


def is_foreign(line: str) -> bool:
    """Whether a line calls a program that is not netproof's, whose options are that program's."""
    return line.lstrip("$ ").partition(" ")[0] in {"curl", "kubectl"}


def fences(document: Path, language: str) -> list[str]:
    """The code blocks of one language."""
    return [token.content for token in tokens(document) if token.type == "fence" and token.info == language]


def commands(line: str) -> Iterator[list[str]]:
    """The commands of a line in which a program of ours is the first word."""
    for part in re.split(r"\$\(|[;|]|&&|\)", line.partition(" #")[0]):
        try:
            words = shlex.split(part.strip())
        except ValueError:
            words = part.split()
        while words[:1] in (["do"], ["eval"]):
            words = words[1:]
        if words:
            yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def walk(command: Any, words: list[str]) -> tuple[frozenset[str], list[str], list[str]]:
    """The options of the command that the words lead to, the options given, and the names of commands that are none."""
    words = [word for word in words if not word.isupper()]
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        name, *words = words
        if name not in command.commands:
            return frozenset(), [], [f"{command.name} {name}"]
        command = command.commands[name]
    return own_options(command), OPTION.findall(" ".join(words)), []


def own_options(command: Any) -> frozenset[str]:
    """The options of a command itself."""
    return frozenset({"--help", *(option for parameter in command.params for option in parameter.opts)})


def all_options(command: Any) -> frozenset[str]:
    """The options of a command and of all below it."""
    below = command.commands.values() if isinstance(command, TyperGroup) else ()
    named = {option for option in own_options(command) if option.startswith("--")}
    return frozenset(named.union(*map(all_options, below)))


def command_names(command: Any, prefix: str = "") -> Iterator[str]:
    """The names of all commands below a command, such as ``toolchain list``."""
    for name, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield f"{prefix}{name}"
        yield from command_names(below, f"{prefix}{name} ")


def make_targets() -> set[str]:
    """The targets of the Makefile that are no files."""
    (declared,) = re.findall(r"^\.PHONY: (.+)$", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return set(declared.split())


def options_source() -> str:
    """The source of what adds options to pytest, with the options of ranges written out."""
    modules = ("netproof.fixtures.options", "netproof.running.plugin")
    source = "\n".join(inspect.getsource(importlib.import_module(module)) for module in modules)
    return source + "".join(f'"--{name}-cidr"' for name in ("lan", "pod", "service"))


def names_in(directory: str) -> set[str]:
    """The environment variables that the Python files of a directory name in a string of their own."""
    return {
        node.value
        for path in (CHECKOUT / directory).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    }


def resolves(name: str) -> bool:
    """Whether there is a module, or something in one, of this dotted name."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def lack_messages(source: str) -> Iterator[str]:
    """The longest constant part of each message of the preflight."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Lack" and node.args:
            parts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
            yield max((part for part in parts if isinstance(part, str)), key=len).strip()


def fixture_names() -> set[str]:
    """The names that the modules of the plugin define, fixtures among them."""
    return {name for module in plugin.pytest_plugins for name in vars(importlib.import_module(module))}
