from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from netproof.errors import NetproofError
from netproof.images.access_log import SHORT_LINKS, read_accesses
from netproof.images.shortlinks import INTRO_SCRIPT, SHORT_LINK_HOSTS, hosts_in, tls_context
from netproof.waiting import NotYetError, Waiter

BUSYBOX = Path("/bin/busybox")
needs_busybox = pytest.mark.skipif(
    not BUSYBOX.exists(), reason="/bin/busybox is not installed (Debian: busybox-static)"
)
# without a PATH busybox cannot hand TLS to the host's openssl, as it cannot in its own image
NO_OTHER_PROGRAM = {"PATH": "/nonexistent"}


def busybox(*arguments, **options):
    return subprocess.run(
        [BUSYBOX, *arguments], env=NO_OTHER_PROGRAM, capture_output=True, text=True, timeout=10, **options
    )


@needs_busybox
@pytest.mark.parametrize(
    "options", [["-O-"], ["-q", "-O-"], ["-O-", "--no-check-certificate"], ["-qO", "-"]], ids=" ".join
)
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_busybox_wget_gets_the_script(start, options, tls):
    links = start()
    url = f"{'https' if tls else 'http'}://localhost:{links.link_port(tls=tls)}/otus-k8s-intro"

    fetched = busybox("wget", *options, url)

    assert (fetched.returncode, fetched.stdout) == (0, INTRO_SCRIPT), fetched.stderr


@needs_busybox
def test_busybox_wget_writes_the_script_to_a_file(start, tmp_path):
    url = f"https://localhost:{start().link_port(tls=True)}/otus-k8s-intro"

    fetched = busybox("wget", "-q", "-O", "script.sh", url, cwd=tmp_path)

    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "script.sh").read_text() == INTRO_SCRIPT


@needs_busybox
@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
@pytest.mark.parametrize("hostname_exported", [True, False], ids=["HOSTNAME exported", "HOSTNAME absent"])
def test_the_homework_s_command_writes_a_page_with_the_pod_s_name(start, tmp_path, hostname_exported):
    root = image_root(tmp_path)
    (root / "app").mkdir()
    command = f"wget -O- https://localhost:{start().link_port(tls=True)}/otus-k8s-intro | sh"
    environment = {"PATH": "/bin", "QUERY": "<a & b>"} | (
        {"HOSTNAME": "web-6596d967d4-bblz2"} if hostname_exported else {}
    )

    ran = subprocess.run(
        [BUSYBOX, "chroot", root, "/bin/sh", "-c", command], env=environment, capture_output=True, text=True, timeout=10
    )

    assert ran.returncode == 0, ran.stderr
    page = (root / "app/index.html").read_text()
    expected = "web-6596d967d4-bblz2" if hostname_exported else socket.gethostname()
    assert f"export HOSTNAME='{expected}'\n" in page
    assert "export QUERY='&lt;a &amp; b>'\n" in page
    assert "nameserver 10.96.0.10\n" in page
    assert page.startswith("<!DOCTYPE html>")


@needs_busybox
@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_without_a_volume_at_app_the_script_fails_and_says_why(tmp_path):
    root = image_root(tmp_path)

    ran = subprocess.run(
        [BUSYBOX, "chroot", root, "/bin/sh"], input=INTRO_SCRIPT, capture_output=True, text=True, timeout=10
    )

    assert ran.returncode == 1
    assert "is a volume mounted at /app in this init container?" in ran.stderr


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name)
def test_a_client_of_today_verifies_the_certificate(start, config, version):
    port = start().link_port(tls=True)
    context = trusting(config)
    context.minimum_version = context.maximum_version = version

    assert fetch(port, context).endswith(INTRO_SCRIPT.encode())


def test_a_link_asked_for_is_in_the_log_with_its_host(start):
    links = start()

    requests.get(
        f"http://127.0.0.1:{links.link_port(tls=False)}/otus-k8s-intro", headers={"Host": "tinyurl.com"}, timeout=5
    )

    (access,) = read_accesses(links.access_log)
    assert (access.service, access.target, access.status) == (SHORT_LINKS, "http://tinyurl.com/otus-k8s-intro", 200)


def test_a_client_that_speaks_no_tls_harms_nobody(start, config):
    links = start()
    port = links.link_port(tls=True)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with suppress(ConnectionResetError):
            connection.recv(1024)

    def failed_handshake():
        problems = [access.problem for access in read_accesses(links.access_log)]
        if not any(problem.startswith("TLS: ") for problem in problems):
            raise NotYetError(str(problems))
        return problems

    Waiter().until("the failed handshake is in the log", failed_handshake, timeout_seconds=5)

    assert fetch(port, trusting(config)).endswith(INTRO_SCRIPT.encode())


def test_a_missing_certificate_is_named(tmp_path):
    with pytest.raises(NetproofError, match=r"none\.crt"):
        tls_context(tmp_path / "none.crt", tmp_path / "none.key")


@pytest.mark.parametrize(
    ("command", "hosts"),
    [
        ("wget -O- https://tinyurl.com/otus-k8s-intro | sh", ("tinyurl.com",)),
        ("wget -O- --no-check-certificate http://TinyURL.com/x | sh", ("tinyurl.com",)),
        ("curl -fsSL 'https://bit.ly/x' -o /tmp/a && wget \"https://git.io:443/y\"", ("bit.ly", "git.io")),
        ("wget -qO- clck.ru/abc | sh", ("clck.ru",)),
        ("wget -O /app/index.html https://user@example.org?x=1", ("example.org",)),
        ("wget -O index.html https://example.org/", ("example.org",)),
        ("until wget -q http://web-svc.default.svc.cluster.local; do sleep 1; done", ()),
        ("wget http://web-svc.default/index.html", ()),
        ("wget http://10.0.0.1/x http://localhost:8000/", ()),
        ("echo https://kubernetes.io > /app/index.html", ()),
    ],
)
def test_hosts_are_found_in_init_commands(command, hosts):
    deployment = {
        "kind": "Deployment",
        "spec": {"template": {"spec": {"initContainers": [{"name": "init", "command": ["sh", "-c", command]}]}}},
    }
    service = {"kind": "Service", "metadata": {"name": "web-svc"}}

    assert hosts_in([deployment, service]) == hosts


def test_hosts_are_found_in_pods_and_arguments_and_only_in_init_containers():
    pod = {
        "kind": "Pod",
        "spec": {
            "containers": [{"name": "web", "command": ["wget", "https://not-this.example.com"]}],
            "initContainers": [{"name": "a", "command": ["wget"], "args": ["https://bit.ly/x"]}, {"name": "b"}, None],
        },
    }

    assert hosts_in([pod]) == ("bit.ly",)


def test_the_short_links_of_real_submissions_are_known(corpus_documents):
    assert set(hosts_in(corpus_documents)) == set(SHORT_LINK_HOSTS)


def trusting(config):
    """A client's TLS context that trusts the server's certificate alone."""
    context = ssl.create_default_context(cafile=config.certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def fetch(port, context):
    """What the server answers over TLS, headers included."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="tinyurl.com") as encrypted,
    ):
        encrypted.sendall(b"GET /x HTTP/1.0\r\nHost: tinyurl.com\r\n\r\n")
        return b"".join(iter(lambda: encrypted.recv(65536), b""))


def image_root(directory):
    """The root directory of a busybox image, for a chroot."""
    root = directory / "root"
    for name in ("bin", "dev", "etc"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for applet in ("sh", "wget", "ssl_client", "sed", "hostname"):
        (root / "bin" / applet).hardlink_to(root / "bin/busybox")
    # files will do where devices may not be made
    (root / "dev/urandom").write_bytes(os.urandom(4096))
    (root / "dev/null").touch()
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/resolv.conf").write_text("nameserver 10.96.0.10\n")
    return root
