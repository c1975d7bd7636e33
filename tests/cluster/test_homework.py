"""docs/homework.md and homework-ipvs.md, typed by a machine: every command works, and prints what they show."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from netproof.cluster import state
from netproof.node.vm import qemu

pytestmark = pytest.mark.cluster

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
NAME = "homework"
PATIENCE_SECONDS = 60
COMMAND_SECONDS = 180

# The document means the cluster without a name, which may be somebody else's here; its first run of the checks makes
# another cluster anyway.
PREAMBLE = f"""
set -o pipefail
netproof() {{
    case $1 in
        run | toolchain) "{sys.executable}" -m netproof "$@" ;;
        addon) "{sys.executable}" -m netproof "$1" "$2" --cluster-name {NAME} "${{@:3}}" ;;
        *) "{sys.executable}" -m netproof "$1" --cluster-name {NAME} "${{@:2}}" ;;
    esac
}}
"""


@dataclass
class Block:
    """A block of commands, and what the document shows of their output."""

    line: int
    commands: str
    shown: list[str] = field(default_factory=list)


def sections(document):
    """The files and blocks of a document, in its order: ``(path, text)`` or a Block."""
    found = []
    for token in MarkdownIt("commonmark").parse((DOCUMENTS / document).read_text(encoding="utf-8")):
        match token.type, token.info:
            case "fence", "yaml":
                path, _, text = token.content.partition("\n")
                found.append((path.removeprefix("# "), text))
            case "fence", "sh":
                found.append(Block(token.map[0] + 1, token.content))
            case "fence", "text":
                found[-1].shown = token.content.splitlines()
    return found


def test_every_command_of_the_document_prints_what_it_shows(tmp_path):
    type_all(tmp_path, sections("homework.md"))


@pytest.mark.skipif(shutil.which(qemu.PROGRAM) is None, reason=f"{qemu.PROGRAM} is not installed")
def test_every_command_of_the_document_on_ipvs_prints_what_it_shows(tmp_path):
    manifests = [section for section in sections("homework.md") if not isinstance(section, Block)]

    type_all(tmp_path, [*manifests, *sections("homework-ipvs.md")])


def type_all(directory, parts):
    """Write the files and type the commands, in their order; the cluster is gone at the end."""
    terminal = Terminal(directory)
    try:
        for part in parts:
            if isinstance(part, Block):
                terminal.follow(part)
            else:
                path, text = part
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_text(text, encoding="utf-8")
    finally:
        if state.is_alive(NAME):
            terminal.run("netproof down")


class Terminal:
    """Runs blocks of commands, each in a shell that knows the variables of those before it."""

    def __init__(self, directory):
        self._directory = directory
        self._variables = directory / "variables"
        self._variables.touch()

    def run(self, commands):
        """What commands print, errors among it, and the exit code of the last."""
        script = f'{PREAMBLE}\n. "{self._variables}"\ncd "{self._directory}"\n{commands}\ncode=$?\n'
        script += f'export -p >"{self._variables}"; declare -p CLUSTER_IP >>"{self._variables}" 2>/dev/null; exit $code'
        done = subprocess.run(
            ["bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            env=os.environ | {"COLUMNS": "200"},
        )
        return done.stdout, done.returncode

    def follow(self, block):
        """Run a block until it has printed what the document shows: a person, too, asks again after a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen = []
        while True:
            printed, code = self.run(block.commands)
            seen += printed.splitlines()
            lines = set(map(shape, seen))
            missing = [line for line in block.shown if shape(line) not in lines]
            if not missing and code == 0:
                return
            if time.monotonic() > deadline:
                pytest.fail(f"line {block.line}, exit code {code}, not printed: {missing}\n{block.commands}\n{printed}")


def shape(line):
    """A line without what differs from run to run: generated names, addresses, numbers, ages, and spaces."""
    line = re.sub(
        r"\b(web-canary|web|controller|speaker|ingress-nginx-controller)((-[a-z0-9]{5,10}){1,2})\b", r"\1-*", line
    )
    line = re.sub(r" \(x\d+ over \w+\)", "", line)
    line = re.sub(r"KUBE-(SVC|SEP)-[A-Z0-9]{16}", r"KUBE-\1-*", line)
    line = re.sub(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC", line)
    line = re.sub(r"(REACHABLE|STALE|DELAY)", "STATE", line)
    line = re.sub(r"\d[\d.:TZ-]*", "#", line)
    line = re.sub(r"#(ms|s|m)\b(#s)?", "#", line)
    return " ".join(line.split())
