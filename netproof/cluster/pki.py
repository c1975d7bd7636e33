"""The certificates and kubeconfigs of an embedded cluster."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from netproof.cluster.spec import ClusterSpec

_LIFETIME = dt.timedelta(days=30)
_CLOCK_SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key with its certificate, as PEM."""

    key_pem: bytes
    certificate_pem: bytes


class CertificateAuthority:
    """A certificate authority that lives as long as its cluster; its own key is never written."""

    def __init__(self, common_name: str = "netproof") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(common_name)
        self._certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate_pem(self) -> bytes:
        """The authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, common_name: str, *, organization: str = "", names: tuple[str, ...] = ()) -> KeyPair:
        """A key and a certificate good for clients and servers.

        Args:
            common_name: the user, to Kubernetes' authentication by certificate.
            organization: the group of that user.
            names: DNS names and IP addresses that the server answers to.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(common_name, organization), self._name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(one) for one in names]), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(_key_pem(key), certificate.public_bytes(serialization.Encoding.PEM))


def write_pki(spec: ClusterSpec, directory: Path, *, loopback_port: int, kubeconfig: Path) -> None:
    """Write all certificates and kubeconfigs of a cluster.

    Args:
        spec: the cluster.
        directory: where the components' files go: ``ca.crt``, ``<user>.crt``, ``<user>.key``, ``<user>.kubeconfig``.
        loopback_port: the port on the host's loopback that leads to the API server.
        kubeconfig: where the administrator's kubeconfig for the host goes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority = CertificateAuthority()
    _write(directory / "ca.crt", authority.certificate_pem)

    service_account_key = ec.generate_private_key(ec.SECP256R1())
    _write(directory / "service-account.key", _key_pem(service_account_key))
    public = service_account_key.public_key()
    _write(
        directory / "service-account.pub",
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )

    front_proxy = CertificateAuthority("netproof front proxy")
    _write(directory / "front-proxy-ca.crt", front_proxy.certificate_pem)
    _write_pair(directory / "front-proxy-client", front_proxy.issue("front-proxy-client"))

    domain = spec.dns_domain
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{domain}")
    addresses = (spec.control_plane_address, "127.0.0.1", spec.kubernetes_service_address)
    users = {
        "apiserver": authority.issue("kube-apiserver", names=(*addresses, "localhost", *service_names)),
        "admin": authority.issue("netproof-admin", organization="system:masters"),
        "kube-controller-manager": authority.issue("system:kube-controller-manager", names=("localhost",)),
        "kube-scheduler": authority.issue("system:kube-scheduler", names=("localhost",)),
        "kube-proxy": authority.issue("system:kube-proxy"),
    }
    for node in spec.nodes:
        users[f"kubelet-{node.name}"] = authority.issue(
            f"system:node:{node.name}", organization="system:nodes", names=(node.name, node.address)
        )
    inside = f"https://{spec.control_plane_address}:6443"
    for user, pair in users.items():
        _write_pair(directory / user, pair)
        _write(directory / f"{user}.kubeconfig", _kubeconfig(spec.name, inside, authority, user, pair))
    outside = f"https://127.0.0.1:{loopback_port}"
    _write(kubeconfig, _kubeconfig(spec.name, outside, authority, "admin", users["admin"]))


def _kubeconfig(cluster: str, server: str, authority: CertificateAuthority, user: str, pair: KeyPair) -> bytes:
    name = f"netproof-{cluster}"
    ca = {"server": server, "certificate-authority-data": _base64(authority.certificate_pem)}
    credentials = {
        "client-certificate-data": _base64(pair.certificate_pem),
        "client-key-data": _base64(pair.key_pem),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": ca}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _write_pair(path: Path, pair: KeyPair) -> None:
    _write(path.with_suffix(".crt"), pair.certificate_pem)
    _write(path.with_suffix(".key"), pair.key_pem)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
