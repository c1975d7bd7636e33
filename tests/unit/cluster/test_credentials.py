import base64
import tempfile
from pathlib import Path

import pytest
import yaml
from kubernetes import client

from netproof.cluster import credentials
from netproof.errors import NetproofError

ENTRIES = {
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {}}],
    "contexts": [{"name": "one", "context": {"cluster": "here", "user": "me"}}],
    "current-context": "one",
}


def kubeconfig(directory, *, cluster, user):
    content = ENTRIES | {
        "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"} | cluster}],
        "users": [{"name": "me", "user": user}],
    }
    path = directory / "config"
    path.write_text(yaml.safe_dump(content))
    return path


def embedded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(autouse=True)
def temporary_files(tmp_path, monkeypatch):
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def test_embedded_certificates_and_keys_are_never_on_disk(tmp_path, temporary_files):
    path = kubeconfig(
        tmp_path,
        cluster={"certificate-authority-data": embedded("authority")},
        user={"client-certificate-data": embedded("certificate"), "client-key-data": embedded("key")},
    )
    configuration = client.Configuration()

    kept = credentials.load(path, "", configuration)

    named = [configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file]
    assert [Path(name).read_text() for name in named] == ["authority", "certificate", "key"]
    assert len(kept) == len(named)
    assert not list(temporary_files.iterdir())


def test_files_are_named_from_where_the_kubeconfig_lies(tmp_path):
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / name).write_text(name)
    path = kubeconfig(
        tmp_path,
        cluster={"certificate-authority": "ca.crt"},
        user={"client-certificate": "me.crt", "client-key": "me.key"},
    )
    configuration = client.Configuration()

    credentials.load(path, "one", configuration)

    assert configuration.ssl_ca_cert == str(tmp_path / "ca.crt")
    assert configuration.key_file == str(tmp_path / "me.key")


@pytest.mark.parametrize(
    "content",
    ["", "just words", "- a\n- list", "{", yaml.safe_dump(ENTRIES | {"users": "none"})],
    ids=["empty", "words", "a list", "not YAML", "users that are no list"],
)
def test_a_broken_file_is_one_message(tmp_path, content):
    path = tmp_path / "config"
    path.write_text(content)

    with pytest.raises(NetproofError, match="cannot be used"):
        credentials.load(path, "", client.Configuration())
