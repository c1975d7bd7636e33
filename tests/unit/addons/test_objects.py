"""What the add-ons put into a cluster: whole, consistent, and what the homework's objects look for."""

from __future__ import annotations

import base64

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from netproof.addons.metallb import METALLB
from netproof.addons.traefik import GATEWAY_API, PUBLISHED_SERVICE, TRAEFIK
from netproof.submission import bundled_manifests, load
from netproof.toolchain import Tools
from netproof.toolchain.cache import Installation, InstalledFile

DEFINITIONS = [
    {"kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": {"versions": versions}}
    for name, versions in (
        ("ipaddresspools.metallb.io", [{"name": "v1beta1"}]),
        ("bgppeers.metallb.io", [{"name": "v1beta1"}, {"name": "v1beta2"}]),
    )
]


@pytest.fixture
def tools(tmp_path):
    definitions = tmp_path / "metallb-crds.yaml"
    definitions.write_text(yaml.safe_dump_all(DEFINITIONS))
    file = InstalledFile(path=definitions, size=definitions.stat().st_size)
    installation = Installation(
        component="metallb",
        version="0",
        source="module",
        origin="",
        programs={},
        files={"metallb-crds.yaml": file},
    )
    return Tools({"metallb": installation})


@pytest.fixture
def metallb(tools):
    return {(one["kind"], one["metadata"]["name"]): one for one in METALLB.objects(tools, {})}


@pytest.fixture
def traefik():
    return {(one["kind"], one["metadata"]["name"]): one for one in TRAEFIK.objects(Tools({}), {})}


def test_the_webhooks_trust_the_certificate_that_their_server_has(metallb):
    secret = metallb["Secret", "webhook-server-cert"]["data"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["tls.crt"]))
    configuration = metallb["ValidatingWebhookConfiguration", "metallb-webhook-configuration"]
    bundles = {webhook["clientConfig"]["caBundle"] for webhook in configuration["webhooks"]}
    (authority,) = [x509.load_pem_x509_certificate(base64.b64decode(bundle)) for bundle in bundles]

    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["webhook-service.metallb-system.svc"]


def test_only_kinds_with_several_versions_are_converted(metallb):
    several = metallb["CustomResourceDefinition", "bgppeers.metallb.io"]["spec"]
    one = metallb["CustomResourceDefinition", "ipaddresspools.metallb.io"]["spec"]

    assert several["conversion"]["strategy"] == "Webhook"
    assert "conversion" not in one


def test_each_installation_has_secrets_of_its_own(tools):
    def keys():
        objects = METALLB.objects(tools, {})
        return {
            one["metadata"]["name"]: str(one.get("data", one.get("stringData")))
            for one in objects
            if one["kind"] == "Secret"
        }

    first, second = keys(), keys()

    assert set(first) == {"memberlist", "webhook-server-cert"}
    assert all(first[name] != second[name] for name in first)


def test_the_load_balancer_of_the_homework_finds_the_ingress_controller(traefik):
    reference = load(bundled_manifests("reference"))
    (service,) = [one for one in reference.objects if one.kind == "Service" and one.namespace == "ingress-nginx"]
    pod = traefik["Deployment", "ingress-nginx-controller"]["spec"]["template"]
    ports = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}

    assert service.spec["selector"].items() <= pod["metadata"]["labels"].items()
    assert {port["targetPort"] for port in service.spec["ports"]} <= ports


def test_the_published_service_is_the_submissions(traefik):
    def arguments(objects):
        (container,) = objects["Deployment", "ingress-nginx-controller"]["spec"]["template"]["spec"]["containers"]
        return container["args"]

    values = {PUBLISHED_SERVICE: "ingress-nginx/nginx-lb"}
    other = {(one["kind"], one["metadata"]["name"]): one for one in TRAEFIK.objects(Tools({}), values)}

    assert any(argument.endswith(".publishservice=ingress-nginx/ingress-nginx") for argument in arguments(traefik))
    assert any(argument.endswith(".publishservice=ingress-nginx/nginx-lb") for argument in arguments(other))


def test_the_gateway_api_comes_where_it_is_asked_for(tmp_path, traefik):
    definitions = [
        {"kind": "CustomResourceDefinition", "metadata": {"name": f"{kind}.gateway.networking.k8s.io"}}
        for kind in ("httproutes", "listenersets")
    ]
    path = tmp_path / "gateway-api-crds.yaml"
    path.write_text(yaml.safe_dump_all(definitions))
    file = InstalledFile(path=path, size=path.stat().st_size)
    installation = Installation(
        component="gateway-api", version="0", source="module", origin="", programs={}, files={path.name: file}
    )

    found = TRAEFIK.objects(Tools({"gateway-api": installation}), {GATEWAY_API: "true"})
    names = [one["metadata"]["name"] for one in found if one["kind"] == "CustomResourceDefinition"]

    assert names == ["httproutes.gateway.networking.k8s.io"]
    assert found[0]["kind"] == "CustomResourceDefinition"
    assert "--providers.kubernetesgateway=true" in str(found)
    assert "kubernetesgateway" not in str(traefik)


@pytest.mark.parametrize("objects", ["metallb", "traefik"])
def test_all_accounts_that_pods_and_bindings_name_exist(objects, request):
    found = request.getfixturevalue(objects)
    accounts = {name for kind, name in found if kind == "ServiceAccount"}
    of_pods = {
        one["spec"]["template"]["spec"]["serviceAccountName"]
        for (kind, _), one in found.items()
        if kind in {"Deployment", "DaemonSet"}
    }
    of_bindings = {subject["name"] for one in found.values() for subject in one.get("subjects", [])}
    roles = {(kind, name) for kind, name in found if kind.endswith("Role")}
    bound = {(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in found.values() if "roleRef" in one}

    assert of_pods == of_bindings == accounts
    assert bound == roles
