"""Each rule on both sides: what it must find, and what it must leave alone."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from netproof.hygiene import Severity, examine
from netproof.hygiene.rules import RULE_OF_ID
from netproof.hygiene.rules.removed_api import era_of
from netproof.submission import Submission
from netproof.submission.documents import read_text


def submission(text="", **files):
    texts = {"kubernetes-networks/all.yaml": text} if text else files
    read = [read_text(path, dedent(content)) for path, content in texts.items()]
    objects = tuple(found for one in read for found in one.objects)
    return Submission(Path(), (), objects, tuple(problem for one in read for problem in one.problems))


def found(rule, text="", version=(1, 37), **files):
    """Severity, line and message of what a rule finds."""
    findings = examine(submission(text, **files), version, [RULE_OF_ID[rule]]).findings
    return [(one.severity, one.position.line, one.message) for one in findings]


def messages(rule, text="", **files):
    return [message for _, _, message in found(rule, text, **files)]


def remedies(rule, text):
    return [one.remedy for one in examine(submission(text), (1, 37), [RULE_OF_ID[rule]]).findings]


DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 3
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
            - name: web
              image: web
              readinessProbe: {httpGet: {path: /, port: 8000}}
    ---
"""
SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: web-svc}
    spec:
      selector: {app: web}
      ports: [{port: 80, targetPort: 8000}]
    ---
"""
INGRESS = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: web}
    spec:
      rules:
        - http:
            paths:
              - {path: /web, pathType: Prefix, backend: {service: {name: web-svc, port: {number: 80}}}}
    ---
"""
CANARY = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: canary
      annotations:
        nginx.ingress.kubernetes.io/canary: "true"
        nginx.ingress.kubernetes.io/canary-by-header: canary
    spec:
      rules:
        - http:
            paths:
              - {path: /web, pathType: Prefix, backend: {service: {name: canary-svc, port: {number: 80}}}}
    ---
"""


@pytest.mark.parametrize("rule", [rule for rule in RULE_OF_ID if not rule.startswith("layout")])
def test_what_is_right_is_left_alone(rule):
    assert found(rule, DEPLOYMENT + SERVICE + INGRESS) == []


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("replicas: 3", "replicas: three", "spec.replicas is 'three', not a whole number"),
        ("app: web}}\n      template", "app: wbe}}\n      template", "its selector wants app=wbe"),
        ("apps/v1", "apps/v2", "Kubernetes 1.37 has no Deployment in apps/v2"),
        ("apps/v1", "apps.example.com/v1", "Kubernetes 1.37 has no Deployment in apps.example.com/v1"),
        ("selector: {matchLabels: {app: web}}", "paused: false", "spec lacks selector"),
        ("labels: {app: web}", "labels: {app: web}, annotations: {on: yes}", "is True, not a text"),
        ("image: web", "image: web\n              volumeMounts: [{name: app, mountPath: /app}]", "which there is not"),
        (
            "replicas: 3",
            "strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 0%}}",
            "maxUnavailable and maxSurge are both 0",
        ),
    ],
)
def test_what_the_api_refuses_is_found(of, by, said):
    (message,) = messages("apply.valid", DEPLOYMENT.replace(of, by))

    assert said in message


def test_what_the_api_refuses_in_services_and_ingresses_is_found():
    ports = "ports: [{port: 80, targetPort: 8000}, {port: 80}]"
    kind = INGRESS.replace("pathType: Prefix", "pathType: prefix").replace("path: /web", "path: web")

    assert set(messages("apply.valid", SERVICE.replace("ports: [{port: 80, targetPort: 8000}]", ports))) == {
        "TCP port 80 is there 2 times",
        "of several ports each needs a name, and this one has none",
    }
    assert set(messages("apply.valid", kind)) == {
        "pathType is prefix, not one of Exact, Prefix, ImplementationSpecific",
        "the path 'web' does not begin with /",
    }


def test_broken_yaml_is_an_error_and_the_rest_is_looked_over():
    read = {"kubernetes-networks/a.yaml": "a: [b\n", "kubernetes-networks/b.yaml": DEPLOYMENT}

    assert [severity for severity, _, _ in found("apply.valid", **read)] == [Severity.ERROR]


def test_what_is_no_manifest_is_a_warning():
    read = {"kubernetes-networks/playbook.yaml": "- hosts: all\n", "kubernetes-networks/b.yaml": DEPLOYMENT}

    assert [severity for severity, _, _ in found("apply.valid", **read)] == [Severity.WARNING]


def test_a_kind_that_the_submission_defines_itself_is_known():
    own = """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: things.example.com}
    spec: {group: example.com, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}
    ---
    apiVersion: example.com/v1
    kind: Thing
    metadata: {name: one}
    """

    assert messages("apply.valid", own) == []


def test_an_unknown_field_is_found_in_its_line_with_the_one_that_is_meant():
    text = SERVICE.replace("      selector", "      LoadBalancerIP: 172.17.255.2\n      selector")
    findings = examine(submission(text), (1, 37), [RULE_OF_ID["apply.unknown-field"]]).findings

    assert [(one.position.line, one.remedy) for one in findings] == [(6, "write loadBalancerIP")]


def test_an_old_manifest_is_looked_over_in_the_form_of_today():
    old = INGRESS.replace("networking.k8s.io/v1", "networking.k8s.io/v1beta1").replace(
        "{service: {name: web-svc, port: {number: 80}}}", "{serviceName: web-src, servicePort: 80}"
    )

    assert messages("apply.removed-api", old) == ["Ingress of networking.k8s.io/v1beta1 is gone since Kubernetes 1.22"]
    assert messages("apply.valid", old) == []
    assert messages("wiring.backends", old) == ["there is no Service web-src in default"]


@pytest.mark.parametrize(
    ("versions", "era"),
    [
        (["v1"], "any version"),
        (["networking.k8s.io/v1"], "1.19 and later"),
        (["extensions/v1beta1"], "1.21 and before"),
        (["networking.k8s.io/v1beta1"], "1.14 to 1.21"),
        (["networking.k8s.io/v1", "networking.k8s.io/v1beta1"], "1.19 to 1.21"),
    ],
)
def test_the_era_is_that_of_all_api_versions_together(versions, era):
    text = "---\n".join(f"apiVersion: {one}\nkind: Ingress\nmetadata: {{name: web}}\n" for one in versions)

    assert str(era_of(submission(text).objects)) == era


def test_a_key_that_is_written_twice_is_found():
    (one,) = found("apply.duplicate-keys", SERVICE.replace("      ports", "      selector: {app: other}\n      ports"))

    assert one[:2] == (Severity.ERROR, 7)


def test_an_object_that_is_defined_twice_is_found_where_the_two_differ():
    files = {"kubernetes-networks/web-svc-headless.yaml": SERVICE}

    assert messages("apply.redefined", **files, **{"kubernetes-networks/x/a.yaml": SERVICE}) == []
    other = SERVICE.replace("8000", "80")
    assert messages("apply.redefined", **files, **{"kubernetes-networks/x/a.yaml": other}) == [
        "kubernetes-networks/web-svc-headless.yaml:2 defines the same object otherwise, and counts"
    ]


def test_a_namespace_that_nobody_makes_is_found():
    placed = SERVICE.replace("name: web-svc}", "name: web-svc, namespace: canary}")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: canary}\n"

    assert messages("apply.namespace-missing", placed) == ["nothing makes the namespace canary"]
    made = {"kubernetes-networks/a.yaml": placed, "kubernetes-networks/b.yaml": namespace}
    assert messages("apply.namespace-missing", **made) == []


def test_what_the_homework_applies_with_a_namespace_is_noted():
    dns = SERVICE.replace("{app: web}", "{k8s-app: kube-dns}").replace("8000", "53")

    ((severity, _, message),) = found("apply.namespace-missing", **{"kubernetes-networks/coredns/a.yaml": dns})

    assert severity is Severity.NOTE
    assert "with -n kube-system" in message


def test_missing_parts_are_errors_and_starred_ones_notes():
    findings = examine(submission(DEPLOYMENT), (1, 37), [RULE_OF_ID["layout.files"]]).findings

    by_file = {one.position.file: one.severity for one in findings}
    assert by_file["kubernetes-networks/web-svc-cip.yaml"] is Severity.ERROR
    assert by_file["kubernetes-networks/canary/"] is Severity.NOTE
    assert by_file["kubernetes-networks/web-deploy.yaml"] is Severity.NOTE  # it is elsewhere


@pytest.mark.parametrize(
    ("path", "noted"),
    [
        ("kubernetes-networks/web-deploy.yaml", False),
        ("kubernetes-networks/web-deploy.yml", False),
        ("kubernetes-networks/deploy/web.yaml", True),
    ],
)
def test_a_part_that_is_elsewhere_is_noted_but_for_its_suffix(path, noted):
    said = [one for one in messages("layout.files", **{path: DEPLOYMENT}) if one.startswith("found at")]

    assert bool(said) is noted


def test_a_selector_that_matches_nothing_is_found_with_where_such_pods_are():
    dns = SERVICE.replace("{app: web}", "{k8s-app: kube-dns}").replace("web-svc}", "dns, namespace: default}")

    assert messages("wiring.selectors", SERVICE) == ["no pod in default carries app=web"]
    assert messages("wiring.selectors", dns) == [
        "no pod in default carries k8s-app=kube-dns, only some in another namespace"
    ]
    placed = dns.replace("namespace: default", "namespace: kube-system")
    assert messages("wiring.selectors", placed) == []


@pytest.mark.parametrize("labels", ["instance", "component", "part-of"])
def test_the_labels_of_every_ingress_nginx_are_known(labels):
    value = {"component": "controller"}.get(labels, "ingress-nginx")
    selector = f"{{app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/{labels}: {value}}}"
    text = SERVICE.replace("{app: web}", selector).replace("web-svc}", "lb, namespace: ingress-nginx}")

    assert messages("wiring.selectors", text) == []


@pytest.mark.parametrize(
    ("container", "port", "right"),
    [
        ("readinessProbe: {httpGet: {path: /, port: 8000}}", 8000, True),
        ("readinessProbe: {httpGet: {path: /, port: 8000}}", 80, False),
        ("ports: [{containerPort: 8080, name: http}]", 8080, True),
        ("ports: [{containerPort: 8080, name: http}]", "http", True),
        ("ports: [{containerPort: 8080, name: http}]", "https", False),
        ("ports: [{containerPort: 8080, name: http}]", 80, False),
        ("tty: false", 80, True),
        ("tty: false", "http", False),
    ],
)
def test_a_target_port_is_one_that_the_pods_speak(container, port, right):
    deployment = DEPLOYMENT.replace("readinessProbe: {httpGet: {path: /, port: 8000}}", container)

    assert bool(messages("wiring.ports", deployment + SERVICE.replace("8000", str(port)))) is not right


def test_a_probe_asks_a_port_of_its_container():
    declared = DEPLOYMENT.replace("image: web", "image: web\n              ports: [{containerPort: 80}]")

    assert messages("wiring.ports", declared) == ["readinessProbe asks port 8000, which the container does not declare"]


def test_the_probe_that_the_homework_leaves_wrong_is_but_noted():
    pod = """
    apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web
          ports: [{containerPort: 8000}]
          readinessProbe: {httpGet: {path: /index.html, port: 80}}
    """

    ((severity, _, _),) = found("wiring.ports", **{"kubernetes-intro/web-pod.yaml": pod})

    assert severity is Severity.NOTE


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("name: web-svc, port", "name: web-src, port", "there is no Service web-src in default"),
        ("number: 80}", "number: 8080}", "the Service web-svc has no port 8080"),
        ("number: 80}", "name: http}", "the Service web-svc has no port http"),
        ("number: 80}", "number: 8000}", None),
        (
            "name: web}",
            "name: web, namespace: canary}",
            "there is no Service web-svc in canary, only in another namespace",
        ),
    ],
)
def test_a_backend_is_a_service_and_a_port_of_it(of, by, said):
    assert messages("wiring.backends", SERVICE + INGRESS.replace(of, by)) == ([said] if said else [])


def test_a_port_that_the_dashboards_other_manifest_has_is_a_warning():
    text = INGRESS.replace("name: web}", "name: web, namespace: kubernetes-dashboard}")
    text = text.replace("web-svc", "kubernetes-dashboard")

    ((severity, _, message),) = found("wiring.backends", text)

    assert severity is Severity.WARNING
    assert message.endswith("of the dashboard's recommended manifest has no port 80")


def test_what_others_may_have_put_into_their_namespaces_is_a_warning():
    text = INGRESS.replace("name: web}", "name: web, namespace: kube-system}")

    assert [severity for severity, _, _ in found("wiring.backends", text)] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("metadata", "spec", "wrong"),
    [
        ("name: web}", "spec:\n      ingressClassName: nginx", False),
        ("name: web}", "spec:\n      ingressClassName: ingress-nginx", True),
        ("name: web, annotations: {kubernetes.io/ingress.class: nginx}}", "spec:", False),
        ("name: web, annotations: {kubernetes.io/ingress.class: other}}", "spec:", True),
    ],
)
def test_a_class_is_one_that_is_served(metadata, spec, wrong):
    text = INGRESS.replace("name: web}", metadata).replace("spec:", spec, 1)

    assert bool(messages("wiring.ingress-class", text)) is wrong


def test_two_main_ingresses_with_one_path_are_found():
    assert messages("wiring.paths", INGRESS + INGRESS.replace("name: web}", "name: other}")) == [
        "Ingress/web (kubernetes-networks/all.yaml:2) claims any host/web, too"
    ]
    assert messages("wiring.paths", INGRESS + CANARY) == []


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("path: /web", "path: /web", None),
        ("name: canary\n", "name: canary\n      namespace: canary\n", None),
        ("        - http:", "        - host: app.local\n          http:", "no main Ingress has the host and path"),
        ("path: /web", "path: /wep", "no main Ingress has the host and path"),
        ("canary-by-header: canary", "canary-by-header: always", "the header is called 'always'"),
        ("canary-by-header: canary", 'canary-weight: "50"', "the canary is not chosen by a header"),
        ("canary-by-header: canary", "rewrite-target: /", "the canary has neither header, cookie nor weight"),
        ('canary: "true"', 'canary: "false"', "it has canary-by-header, and is not marked as a canary"),
        ('canary: "true"', "canary: never", "canary is 'never', neither true nor false"),
    ],
)
def test_a_canary_has_a_main_ingress_and_something_that_chooses_it(of, by, said):
    found_messages = messages("wiring.canary", INGRESS + CANARY.replace(of, by))

    assert any(said in one for one in found_messages) if said else found_messages == []


def test_a_main_of_a_class_that_nobody_serves_is_named():
    unserved = INGRESS.replace("spec:", "spec:\n      ingressClassName: ingress-nginx", 1)

    (message,) = messages("wiring.canary", unserved + CANARY)

    assert message == "its main Ingress/web (kubernetes-networks/all.yaml:2) is of a class that nobody serves"


def test_a_folder_of_canaries_without_any_is_found():
    files = {"kubernetes-networks/web-ingress.yaml": INGRESS, "kubernetes-networks/canary/web-ingress.yaml": INGRESS}

    assert found("wiring.canary", **files) == [(Severity.ERROR, 4, "no Ingress of this part is marked as a canary")]
    files["kubernetes-networks/canary/web-ingress.yaml"] = CANARY.replace('canary: "true"', 'canary: "false"')
    assert messages("wiring.canary", **files) == ["it has canary-by-header, and is not marked as a canary"]


@pytest.mark.parametrize(
    ("rule", "text", "right"),
    [
        ("wiring.ports", DEPLOYMENT + SERVICE.replace("8000", "80"), "8000"),
        ("wiring.backends", SERVICE + INGRESS.replace("number: 80", "number: 8080"), "write 80"),
        ("wiring.backends", SERVICE + INGRESS.replace("name: web}", "name: web, namespace: canary}"), "default"),
        (
            "wiring.selectors",
            SERVICE.replace("{app: web}", "{k8s-app: kube-dns}").replace("svc}", "svc, namespace: default}"),
            "kube-system",
        ),
        ("wiring.ingress-class", INGRESS.replace("spec:", "spec:\n      ingressClassName: other", 1), "write nginx"),
        ("wiring.canary", CANARY.replace('canary: "true"', 'canary: "false"'), 'canary: "true"'),
        ("wiring.canary", INGRESS + CANARY.replace("- http", "- host: app.local\n          http"), "any host/web"),
    ],
)
def test_what_is_right_is_in_the_remedy_alone(rule, text, right):
    """Feedback quotes messages to those who are to find it themselves."""
    said, advised = messages(rule, text), remedies(rule, text)

    assert any(right in remedy for remedy in advised)
    assert said
    assert not any(right in message for message in said)


def load_balancer(name, key, protocol):
    annotations = f", annotations: {{metallb.universe.tf/allow-shared-ip: {key}}}" if key else ""
    return f"""
    apiVersion: v1
    kind: Service
    metadata: {{name: {name}{annotations}}}
    spec: {{type: LoadBalancer, loadBalancerIP: 172.17.255.2, ports: [{{port: 53, protocol: {protocol}}}]}}
    ---
"""


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (load_balancer("udp", "dns", "UDP"), None),
        (load_balancer("udp", "other", "UDP"), "its sharing key is 'other', theirs 'dns'"),
        (load_balancer("udp", "", "UDP"), "not both have a sharing key"),
        (load_balancer("udp", "dns", "TCP"), "both want TCP port 53"),
        (load_balancer("udp", "", "UDP").replace("255.2", "255.3"), None),
        (load_balancer("udp", "dns", "UDP").replace("metallb.universe.tf", "metallb.io"), None),
    ],
)
def test_services_that_share_an_address_have_equal_keys(other, said):
    assert [said in one for one in messages("wiring.sharing-keys", load_balancer("tcp", "dns", "TCP") + other)] == (
        [True] if said else []
    )


POOL = """
    apiVersion: metallb.io/v1beta1
    kind: IPAddressPool
    metadata: {name: first, namespace: metallb-system}
    spec: {addresses: [172.17.255.1-172.17.255.255]}
    ---
"""
ADVERTISEMENT = """
    apiVersion: metallb.io/v1beta1
    kind: L2Advertisement
    metadata: {name: any, namespace: metallb-system}
"""


@pytest.mark.parametrize(
    ("advertisement", "announced"),
    [
        ("", False),
        (ADVERTISEMENT, True),
        (ADVERTISEMENT + "    spec: {ipAddressPools: [first]}\n", True),
        (ADVERTISEMENT + "    spec: {ipAddressPools: [second]}\n", False),
    ],
)
def test_a_pool_is_announced_by_name_or_by_an_advertisement_of_all(advertisement, announced):
    assert bool(messages("wiring.advertisement", POOL + advertisement)) is not announced


INIT = """
          initContainers: [{name: init, image: busybox, volumeMounts: [{name: app, mountPath: /app}]}]
          volumes: [{name: app, emptyDir: {}}]
"""


def test_what_an_init_container_writes_is_mounted_by_another():
    lost = DEPLOYMENT.replace("    ---", "") + INIT.lstrip("\n")
    read = lost.replace("image: web\n", "image: web\n              volumeMounts: [{name: app, mountPath: /app}]\n")

    assert messages("wiring.volumes", lost) == [
        "init container init writes into the volume app, which no container mounts"
    ]
    assert messages("wiring.volumes", read) == []


BINDING = """
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: admin}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
    subjects: [{kind: ServiceAccount, name: dashboard, namespace: kubernetes-dashboard}]
"""
CRD = """
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: things.GROUP}
    spec: {group: GROUP, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}
"""
WEBHOOK = """
    apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata: {name: hook}
"""


def with_pod(spec):
    return DEPLOYMENT.replace("          containers:", f"          {spec}\n          containers:")


@pytest.mark.parametrize(
    ("rule", "dangerous", "harmless"),
    [
        (
            "host-path",
            with_pod("volumes: [{name: a, hostPath: {path: /}}]"),
            with_pod("volumes: [{name: a, emptyDir: {}}]"),
        ),
        ("host-namespaces", with_pod("hostPID: true"), with_pod("hostPID: false")),
        (
            "privileged",
            DEPLOYMENT.replace("image: web", "image: web\n              securityContext: {privileged: true}"),
            DEPLOYMENT.replace("image: web", "image: web\n              securityContext: {privileged: false}"),
        ),
        (
            "privileged",
            DEPLOYMENT.replace(
                "image: web", "image: web\n              securityContext: {capabilities: {add: [SYS_ADMIN]}}"
            ),
            DEPLOYMENT.replace(
                "image: web", "image: web\n              securityContext: {capabilities: {add: [CHOWN]}}"
            ),
        ),
        ("cluster-admin", BINDING.replace("ROLE", "cluster-admin"), BINDING.replace("ROLE", "view")),
        ("webhooks", WEBHOOK, DEPLOYMENT),
        ("shadowing-crds", CRD.replace("GROUP", "metallb.io"), CRD.replace("GROUP", "example.com")),
    ],
)
def test_what_is_dangerous_is_found(rule, dangerous, harmless):
    assert messages(f"security.{rule}", dangerous)
    assert messages(f"security.{rule}", harmless) == []
