from __future__ import annotations

import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import requests

from netproof.errors import NetproofError
from netproof.images.server import ImageServer, ImageServerConfig


@pytest.fixture
def command(tmp_path):
    """The command line of the server, and where its configuration goes."""
    file = tmp_path / "image-server.json"
    return file, [sys.executable, "-m", "netproof.images.server", "--config", str(file)]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_ready_answers_and_ends_on_a_signal(config, command, free_port, end):
    file, arguments = command
    replace(config, registry_port=free_port).write(file)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()
            answer = requests.get(f"http://127.0.0.1:{free_port}/v2/", timeout=5)
            process.send_signal(end)
            code = process.wait(timeout=5)
        finally:
            process.kill()

    assert (said, answer.status_code, code) == ("ready\n", 200, 0)


def test_a_port_in_use_is_one_line_and_exit_code_2(config, command):
    file, arguments = command
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        replace(config, registry_port=port).write(file)

        ran = subprocess.run(arguments, capture_output=True, text=True, timeout=10)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"the registry server cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("content", [None, "{", "[]", '{"unknown": 1}', "{}"])
def test_a_wrong_configuration_is_one_line_and_exit_code_2(command, content):
    file, arguments = command
    if content is not None:
        file.write_text(content)

    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=10)

    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert str(file) in ran.stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"policy": "auto"}, "auto"),
        ({"policy": "sometimes"}, "sometimes"),
        ({"stand_ins": {}}, "busybox, web"),
        ({"system_images": {"registry.k8s.io/pause:3.10": "sha256:" + "0" * 64}}, "the image store lacks sha256:0000"),
        ({"system_images": {"registry.k8s.io/pause:3.10": "latest"}}, "'latest' is not a digest"),
        ({"certificate": "/nonexistent/links.crt"}, "/nonexistent/links.crt"),
        ({"access_log": "/nonexistent/access.jsonl"}, "/nonexistent/access.jsonl"),
        ({"address": "192.0.2.1"}, "192.0.2.1"),
        ({"registry_port": 65536}, "65536"),
    ],
)
def test_what_keeps_the_server_from_starting_is_named(config, changes, named):
    with pytest.raises(NetproofError) as caught:
        ImageServer(replace(config, **changes))

    assert named in caught.value.message


def test_a_server_that_did_not_start_holds_no_port(config, free_port):
    wrong = replace(config, registry_port=free_port, certificate="/nonexistent/links.crt")
    with pytest.raises(NetproofError):
        ImageServer(wrong)

    with ImageServer(replace(config, registry_port=free_port)) as server:
        assert server.registry.port == free_port


def test_a_configuration_is_read_as_it_was_written(config, tmp_path):
    config.write(tmp_path / "config.json")

    assert ImageServerConfig.read(tmp_path / "config.json") == config
