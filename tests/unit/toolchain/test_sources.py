"""Builds in which a file of a requirement is replaced, and files that a module's tools write."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from netproof.errors import NetproofError
from netproof.toolchain.acquire import Acquisition
from netproof.toolchain.catalog import read_catalog
from netproof.toolchain.progress import SilentProgress

from .conftest import GREETER, needs_go

PATCHED = """
[components.greeter.module.patched."example.test/words"]
"words.go" = "our_words.txt"
"""
GENERATED = """
[components.greeter.module.generated]
"greeting.txt" = ["greeter", "loudly"]
"""
TAKEN = """
[components.greeter.module.taken]
"words.txt" = ["example.test/words", "*.go"]
"""
VERSION = "v1.0.0"
MAIN = """package main

import "example.test/words"

func main() { print(words.Text); println() }
"""

LOUD = """package main

import ("fmt"; "os")

func main() { fmt.Println("hello", os.Args[1]) }
"""


@pytest.fixture
def patched(go_modules, tmp_path, monkeypatch):
    """A module that requires another, which a module proxy made of files serves."""
    go_mod = "module example.test/words\n\ngo 1.21\n"
    served = tmp_path / "proxy" / "example.test" / "words" / "@v"
    served.mkdir(parents=True)
    (served / f"{VERSION}.info").write_text(f'{{"Version": "{VERSION}"}}')
    (served / f"{VERSION}.mod").write_text(go_mod)
    with zipfile.ZipFile(served / f"{VERSION}.zip", "w") as archive:
        archive.writestr(f"example.test/words@{VERSION}/go.mod", go_mod)
        archive.writestr(f"example.test/words@{VERSION}/words.go", 'package words\n\nconst Text = "theirs"\n')
    monkeypatch.setenv("GOPROXY", (tmp_path / "proxy").as_uri())
    monkeypatch.setenv("GOSUMDB", "off")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOFLAGS", "-modcacherw")

    directory = go_modules / "greeter"
    (directory / "main.go").write_text(MAIN)
    (directory / "our_words.txt").write_text('package words\n\nconst Text = "ours"\n')
    subprocess.run(["go", "mod", "edit", f"-require=example.test/words@{VERSION}"], cwd=directory, check=True)
    subprocess.run(["go", "mod", "tidy"], cwd=directory, check=True, timeout=60)
    return directory


def greeting(tools):
    return subprocess.run([tools.path("greet")], capture_output=True, text=True, timeout=10).stderr


def get(cache, text):
    return Acquisition(cache, read_catalog(text), SilentProgress()).ensure(["greeter"])


@needs_go
def test_our_file_takes_the_place_of_theirs_and_nothing_else_changes(cache, patched):
    before = sorted(patched.iterdir())

    theirs, ours = get(cache, GREETER), get(cache, GREETER + PATCHED)

    assert (greeting(theirs), greeting(ours)) == ("theirs\n", "ours\n")
    assert sorted(patched.iterdir()) == before
    assert sorted(path.name for path in ours.path("greet").parent.iterdir()) == ["greet", "receipt.json"]


@needs_go
def test_a_changed_file_of_ours_is_built_anew(cache, patched):
    get(cache, GREETER + PATCHED)

    (patched / "our_words.txt").write_text('package words\n\nconst Text = "new"\n')

    assert greeting(get(cache, GREETER + PATCHED)) == "new\n"


@needs_go
def test_a_file_that_the_requirement_lacks_cannot_be_replaced(cache, patched):
    with pytest.raises(NetproofError, match=r"example\.test/words has no gone\.go that our_words\.txt"):
        get(cache, GREETER + PATCHED.replace('"words.go"', '"gone.go"'))


@needs_go
def test_a_tool_of_the_module_writes_a_file(cache, go_modules):
    directory = go_modules / "greeter"
    (directory / "main.go").write_text(LOUD)
    subprocess.run(["go", "mod", "edit", "-tool=example.test/greeter"], cwd=directory, check=True)

    tools = get(cache, GREETER + GENERATED)
    written = tools.file("greeting.txt")
    written.write_text("")

    assert get(cache, GREETER + GENERATED).file("greeting.txt").read_text() == "hello loudly\n"
    with pytest.raises(NetproofError, match=r"the file 'other\.txt' was not asked for"):
        tools.file("other.txt")


@needs_go
def test_a_tool_that_fails_fails_the_build(cache, go_modules):
    with pytest.raises(NetproofError, match=r"building greeter 1\.0\.0 failed"):
        get(cache, GREETER + GENERATED)


@needs_go
def test_a_file_is_made_of_files_of_a_requirement(cache, patched):
    tools = get(cache, GREETER + TAKEN)

    assert tools.file("words.txt").read_text() == '---\npackage words\n\nconst Text = "theirs"\n'


@needs_go
def test_files_that_a_requirement_lacks_cannot_be_taken(cache, patched):
    with pytest.raises(NetproofError, match=r"has no \*\.yaml, of which words\.txt was to be made"):
        get(cache, GREETER + TAKEN.replace("*.go", "*.yaml"))
