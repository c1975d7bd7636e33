"""The sources that a pinned Go module is built from: itself, or a copy in which files of its requirements are replaced.

A requirement with a replaced file is copied out of Go's module cache, where nothing may be changed, and the copy's
``go.mod`` points there. What is copied has been checked against ``go.sum``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from netproof.errors import NetproofError
from netproof.toolchain.catalog import Module

_DOWNLOAD_SECONDS = 900.0


@contextmanager
def sources_of(
    module: Module, module_directory: Path, scratch: Path, go: Path, environment: Mapping[str, str]
) -> Iterator[Path]:
    """The directory to build in; as long as the block runs, where it is a copy.

    Args:
        module: what is built.
        module_directory: where its go.mod lies.
        scratch: the directory a copy is made in.
        go: the program.
        environment: what Go is run with.

    Raises:
        NetproofError: a requirement cannot be had, or lacks a file that is to be replaced.
    """
    if not module.patched:
        yield module_directory
        return
    with tempfile.TemporaryDirectory(prefix=".sources-", dir=scratch) as name:
        directory = Path(name) / module_directory.name
        shutil.copytree(module_directory, directory)
        for number, (path, files) in enumerate(module.patched.items()):
            copy = directory / "patched" / str(number)
            _copy_requirement(path, copy, directory, go, environment)
            for inside, ours in files.items():
                if not (copy / inside).is_file():
                    raise NetproofError(f"{path} has no {inside} that {ours} could take the place of")
                shutil.copyfile(directory / ours, copy / inside)
            run_go(go, ["mod", "edit", "-replace", f"{path}=./{copy.relative_to(directory)}"], directory, environment)
        yield directory


def requirement(path: str, directory: Path, go: Path, environment: Mapping[str, str]) -> Path:
    """Where the sources of a required module are, checked against ``go.sum``; to be read only.

    Args:
        path: the path of the module.
        directory: where the go.mod lies that requires it.
        go: the program.
        environment: what Go is run with.

    Raises:
        NetproofError: it cannot be had.
    """
    return Path(json.loads(run_go(go, ["mod", "download", "-json", path], directory, environment))["Dir"])


def _copy_requirement(path: str, copy: Path, directory: Path, go: Path, environment: Mapping[str, str]) -> None:
    source = requirement(path, directory, go, environment)
    # without the modes: files in Go's cache are read-only
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    for one in (copy, *(found for found in copy.rglob("*") if found.is_dir())):
        one.chmod(0o755)


def run_go(go: Path, arguments: list[str], directory: Path, environment: Mapping[str, str]) -> str:
    """What a command of Go that may have to download prints.

    Raises:
        NetproofError: it failed; the message has what it said.
    """
    done = subprocess.run(
        [go, *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        env=environment,
        check=False,
        timeout=_DOWNLOAD_SECONDS,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise NetproofError(
            f"go {' '.join(arguments)} failed: {said}", "give the machine a way to the Go module proxy, or set GOPROXY"
        )
    return done.stdout
