import datetime as dt
import stat

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from netproof.cluster.pki import CertificateAuthority, write_pki
from netproof.cluster.spec import ClusterSpec


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    write_pki(ClusterSpec("demo", "1.37.2"), directory, loopback_port=4711, kubeconfig=directory / "kubeconfig")
    return directory


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def names_of(found):
    extension = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    return {str(one.value) for one in extension}


def test_the_api_server_is_known_by_every_way_that_leads_to_it(written):
    names = names_of(certificate(written / "apiserver.crt"))

    assert {"172.17.0.2", "127.0.0.1", "10.96.0.1", "kubernetes.default.svc"} <= names


def test_a_kubelet_is_the_user_that_the_node_authorizer_expects(written):
    subject = certificate(written / "kubelet-n2.crt").subject

    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "system:node:n2"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:nodes"


def test_every_certificate_is_signed_by_the_authority(written):
    authority = certificate(written / "ca.crt")

    for path in written.glob("kube*.crt"):
        certificate(path).verify_directly_issued_by(authority)


def test_keys_are_readable_by_their_owner_alone(written):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [*written.glob("*.key"), written / "kubeconfig"]}

    assert modes == {0o600}


def test_the_kubeconfig_leads_through_the_loopback_and_the_components_over_the_lan(written):
    outside = yaml.safe_load((written / "kubeconfig").read_text())
    inside = yaml.safe_load((written / "kube-scheduler.kubeconfig").read_text())

    assert outside["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:4711"
    assert outside["current-context"] == "netproof-demo"
    assert inside["clusters"][0]["cluster"]["server"] == "https://172.17.0.2:6443"


def test_addresses_and_names_are_told_apart():
    pair = CertificateAuthority().issue("x", names=("10.0.0.1", "example.test"))

    extension = x509.load_pem_x509_certificate(pair.certificate_pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [type(one) for one in extension.value] == [x509.IPAddress, x509.DNSName]


def test_certificates_are_good_from_a_while_ago_for_clocks_that_are_set(written):
    now = dt.datetime.now(dt.UTC)

    for path in written.glob("*.crt"):
        found = certificate(path)
        assert found.not_valid_before_utc < now - dt.timedelta(minutes=50), path
        assert found.not_valid_after_utc > now + dt.timedelta(days=29), path
