"""The documents say what the code does: links, commands, options, variables, the list of checks, the worked example."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from netproof.cli import app
from netproof.listing import all_checks, to_markdown

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = {
    str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8")
    for path in sorted(
        [
            *CHECKOUT.glob("*.md"),
            *(CHECKOUT / "docs").glob("*.md"),
            CHECKOUT / "manifests/reference/README.md",
            CHECKOUT / "reports/README.md",
        ]
    )
}

LINK = re.compile(r"\[[^\]]+\]\((?!https?:)(?P<path>[^)#]*)#?(?P<anchor>[^)]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(
    r"^```.*?\n(?P<fenced>.*?)^```|^    (?P<indented>\S.*)$|`(?P<inline>[^`\n]+)`", re.MULTILINE | re.DOTALL
)
MAKE = re.compile(r"\bmake ([a-z]+)")
NETPROOF = re.compile(r"(?:^|[\s/])netproof (?P<words>[a-z][^|;&)#\"]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"\bNETPROOF_[A-Z_]+")
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

OF_OTHER_PROGRAMS = {"--privileged", "--all-namespaces"}
"""Options of programs that are no part of netproof: of container engines and kubectl."""

every_document = pytest.mark.parametrize("document", DOCUMENTS)


@every_document
def test_links_lead_somewhere(document):
    for link in LINK.finditer(DOCUMENTS[document]):
        target = ((CHECKOUT / document).parent / link["path"]).resolve() if link["path"] else CHECKOUT / document

        assert target.exists(), f"{document} links to {link['path']}"
        if link["anchor"]:
            assert link["anchor"] in anchors(target.read_text(encoding="utf-8")), f"{document} links to {link[0]}"


@every_document
def test_make_has_the_targets(document):
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    assert {target for line in code(document) for target in MAKE.findall(line)} <= targets


@every_document
def test_the_command_netproof_has_the_subcommands_and_options(document):
    for line in code(document):
        if found := NETPROOF.search(line):
            words = found["words"].split()
            command = subcommand(words)

            assert command is not None, f"{document}: there is no command 'netproof {' '.join(words)}'"
            if command.name != "run":  # its options are pytest's
                unknown = set(OPTION.findall(found["words"])) - options_of(command)
                assert not unknown, f"{document}: 'netproof {command.name}' does not have {', '.join(unknown)}"


def test_all_subcommands_of_netproof_are_described():
    text = DOCUMENTS["docs/running.md"]

    assert [path for path in paths(typer.main.get_command(app)) if f"`netproof {path}" not in text] == []


def test_the_options_exist(options_of_pytest):
    known = options_of_pytest | options_of(typer.main.get_command(app)) | options_of_components() | OF_OTHER_PROGRAMS
    unknown = {
        (document, option)
        for document in DOCUMENTS
        for line in code(document)
        for option in OPTION.findall(line)
        if option not in known
    }

    assert unknown == set()


def test_all_options_that_netproof_adds_to_pytest_are_described():
    added = {
        option
        for module in ("netproof/fixtures/options.py", "netproof/running/plugin.py")
        for option in re.findall(r'"(--[a-z-]+)"', (CHECKOUT / module).read_text(encoding="utf-8"))
    } | {"--lan-cidr", "--pod-cidr", "--service-cidr"}  # those are made in a loop

    assert {option for option in added if f"`{option}" not in DOCUMENTS["docs/running.md"]} == set()


def test_environment_variables_are_those_of_the_code():
    in_documents = {name for text in DOCUMENTS.values() for name in VARIABLE.findall(text)}
    in_package, in_tests = variables("netproof"), variables("tests")

    assert in_documents - in_package - in_tests == set(), "the documents name variables that nothing reads"
    assert in_package - in_documents == set(), "the package reads variables that no document names"


def test_the_list_of_checks_is_up_to_date():
    listed = to_markdown(all_checks(CHECKOUT / "suites"))

    assert DOCUMENTS.get("docs/checks.md") == listed, (
        "docs/checks.md is not what the suites declare; write it anew: netproof checks --markdown > docs/checks.md"
    )


def test_the_worked_example_is_a_finished_check(tmp_path):
    (example,) = EXAMPLE.findall(DOCUMENTS["docs/writing-a-check.md"])
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")

    (found,) = all_checks(tmp_path)

    assert f"--check {found.id}" in DOCUMENTS["docs/writing-a-check.md"]


@pytest.fixture(scope="module")
def options_of_pytest():
    command = [sys.executable, "-m", "pytest", "--help"]
    text = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60).stdout
    return set(OPTION.findall(text))


def code(document: str) -> Iterator[str]:
    """The lines of a document that are set as code; what stands in fences of Python is left out."""
    for found in CODE.finditer(EXAMPLE.sub("", DOCUMENTS[document])):
        yield from (found["fenced"] or found["indented"] or found["inline"] or "").splitlines()


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def subcommand(words: list[str]) -> Any | None:
    """The innermost command of netproof that words name; None where there is none of the first word."""
    command: Any | None = typer.main.get_command(app)
    for word in words:
        if not is_group(command):
            break
        command = command.commands.get(word)
    return command


def paths(command: Any, prefix: str = "") -> Iterator[str]:
    """The words of each command that does something, such as ``toolchain list``."""
    for name, inner in command.commands.items():
        if is_group(inner):
            yield from paths(inner, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def options_of(command: Any) -> set[str]:
    """The long options of a command and of its subcommands."""
    found = {"--help"} | {option for parameter in command.params for option in parameter.opts}
    if is_group(command):
        found |= {option for inner in command.commands.values() for option in options_of(inner)}
    return found


def is_group(command: object) -> bool:
    """Whether a command has subcommands."""
    return hasattr(command, "commands")


def options_of_components() -> set[str]:
    """The options that netproof gives to the components of a cluster."""
    sources = (CHECKOUT / "netproof" / "cluster").glob("*.py")
    return {option for source in sources for option in OPTION.findall(source.read_text(encoding="utf-8"))}


def variables(directory: str) -> set[str]:
    """The environment variables of netproof that the sources in a directory name."""
    sources = (CHECKOUT / directory).rglob("*.py")
    return {name for source in sources for name in VARIABLE.findall(source.read_text(encoding="utf-8"))}
