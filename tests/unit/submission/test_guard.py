"""The guard: what is withheld from a cluster whose submission is not trusted, and what is not."""

from __future__ import annotations

import pytest

from netproof.submission import Danger, bundled_manifests, guard, load
from netproof.submission.documents import read_text
from netproof.submission.guard import MOST_OBJECTS, MOST_PODS

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: NAMESPACE}
spec:
  containers: [{name: a, image: busybox}]
"""


def withheld(text, path="kubernetes-networks/bad.yaml"):
    """What is withheld of a text, beside the reference."""
    reference = load(bundled_manifests("reference"))
    bad = read_text(path, text)
    assert not bad.problems
    guarded = guard(reference.with_objects((*reference.objects, *bad.objects)))
    assert len(guarded.submission.objects) + len(guarded.withheld) == len(reference.objects) + len(bad.objects)
    assert {one.object.source.path for one in guarded.withheld} <= {path}, "the reference itself is harmless"
    return guarded.withheld


def pod(spec="", namespace="default"):
    text = POD.replace("NAMESPACE", namespace)
    return text if not spec else text.replace("  containers: [{name: a, image: busybox}]\n", spec)


def test_the_reference_is_applied_as_it_is():
    assert withheld(pod()) == ()


@pytest.mark.parametrize(
    ("spec", "danger", "line"),
    [
        ("  hostNetwork: true\n  containers: [{name: a}]\n", Danger.HOST, 5),
        ("  hostPID: true\n  containers: [{name: a}]\n", Danger.HOST, 5),
        ("  hostIPC: true\n  containers: [{name: a}]\n", Danger.HOST, 5),
        ("  containers: [{name: a}]\n  volumes:\n    - {name: x, hostPath: {path: /}}\n", Danger.HOST, 7),
        ("  containers: [{name: a}]\n  volumes:\n    - {name: x, nfs: {server: s, path: /}}\n", Danger.HOST, 7),
        ("  containers:\n    - name: a\n      securityContext: {privileged: true}\n", Danger.PRIVILEGES, 7),
        ("  initContainers:\n    - name: a\n      securityContext: {privileged: true}\n", Danger.PRIVILEGES, 7),
        ("  ephemeralContainers:\n    - name: a\n      securityContext: {privileged: true}\n", Danger.PRIVILEGES, 7),
        ("  containers: [{securityContext: {capabilities: {add: [SYS_ADMIN]}}}]\n", Danger.PRIVILEGES, 5),
        ("  containers: [{securityContext: {capabilities: {add: [cap_net_admin]}}}]\n", Danger.PRIVILEGES, 5),
        ("  containers: [{securityContext: {capabilities: {add: ALL}}}]\n", Danger.PRIVILEGES, 5),
        ("  containers: [{securityContext: {procMount: Unmasked}}]\n", Danger.PRIVILEGES, 5),
        ("  securityContext: {seccompProfile: {type: Unconfined}}\n", Danger.PRIVILEGES, 5),
        ("  securityContext: {appArmorProfile: {type: Unconfined}}\n", Danger.PRIVILEGES, 5),
        ("  securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}\n", Danger.PRIVILEGES, 5),
        ("  serviceAccountName: somebody\n  containers: [{name: a}]\n", Danger.ACCOUNT, 5),
    ],
)
def test_a_pod_that_could_reach_its_node_is_withheld_with_the_place(spec, danger, line):
    (found,) = withheld(pod(spec))

    assert (found.danger, found.position.line) == (danger, line)
    assert str(found).startswith(f"Pod/bad (kubernetes-networks/bad.yaml:{line}): withheld: ")


@pytest.mark.parametrize(
    "spec",
    [
        "  containers: [{name: a, securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}}]\n",
        "  containers: [{name: a, securityContext: {privileged: false, runAsUser: 0}}]\n",
        "  containers: [{name: a}]\n  volumes: [{name: x, emptyDir: {}}, {name: y, configMap: {name: z}}]\n",
        "  hostNetwork: false\n  containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]\n",
        "  serviceAccountName: default\n  containers: [{name: a}]\n",
    ],
)
def test_what_a_container_usually_has_is_applied(spec):
    assert withheld(pod(spec)) == ()


@pytest.mark.parametrize(
    "kind", ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "ReplicationController"]
)
def test_workloads_are_looked_at_as_pods_are(kind):
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: bad}}\nspec:\n  template:\n    spec: {{hostPID: true}}\n"

    assert [one.danger for one in withheld(text)] == [Danger.HOST]


def test_so_is_what_runs_by_the_clock():
    text = (
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: bad}\n"
        "spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          hostPID: true\n"
    )

    (found,) = withheld(text)
    assert (found.danger, found.position.line) == (Danger.HOST, 9)


def test_no_pod_gets_the_account_of_a_controller_of_kubernetes():
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: daemon-set-controller, namespace: kube-system}\n"
    under = pod("  serviceAccountName: daemon-set-controller\n  containers: [{name: a}]\n", "kube-system")

    (found,) = withheld(f"{account}---\n{under}")
    assert found.danger is Danger.ACCOUNT


def test_an_account_of_its_own_is_no_danger():
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: mine}\n"

    assert withheld(f"{account}---\n{pod('  serviceAccountName: mine')}") == ()


def test_a_secret_that_would_hold_the_token_of_another_is_withheld():
    text = (
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata:\n  name: t\n"
        "  namespace: kube-system\n  annotations: {kubernetes.io/service-account.name: daemon-set-controller}\n"
    )

    assert [one.danger for one in withheld(text)] == [Danger.ACCOUNT]


def role(rules, name="mine", kind="ClusterRole"):
    return f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nrules: {rules}\n"


def binding(name, kind="ClusterRoleBinding", namespace=""):
    where = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: bound{where}}}\n"
        f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: '{name}'}}\n"
        "subjects: [{kind: ServiceAccount, name: default, namespace: default}]\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        binding("cluster-admin"),
        binding("edit"),
        binding("system:controller:daemon-set-controller"),
        binding("view", "RoleBinding", "kube-system"),
        role('[{apiGroups: [""], resources: [pods], verbs: [create]}]'),
        role('[{apiGroups: [""], resources: [secrets], verbs: [get]}]'),
        role('[{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}]'),
        role('[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]', kind="Role"),
        role('[{apiGroups: [""], resources: [pods], verbs: ["*"]}]'),
        role('[{apiGroups: [""], resources: [services], verbs: [get]}]', "system:basic-user"),
        role('[{apiGroups: [""], resources: [services], verbs: [get]}]', "cluster-admin"),
        role("[]").replace("rules:", "aggregationRule: {clusterRoleSelectors: [{}]}\nrules:"),
    ],
)
def test_rights_by_which_one_comes_by_all_are_withheld(text):
    assert [one.danger for one in withheld(text)] == [Danger.RIGHTS]


def test_a_binding_goes_with_the_role_that_is_withheld():
    text = role('[{apiGroups: [""], resources: [pods], verbs: [create]}]') + "---\n" + binding("mine")

    assert {one.object.kind for one in withheld(text)} == {"ClusterRole", "ClusterRoleBinding"}


def test_rights_to_look_are_applied():
    text = (
        role('[{apiGroups: [""], resources: [pods, services], verbs: [get, list, watch]}]') + "---\n" + binding("mine")
    )

    assert withheld(text + "---\n" + binding("view").replace("bound", "looking")) == ()


@pytest.mark.parametrize(
    "kind",
    [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
        "PriorityClass",
        "PersistentVolume",
    ],
)
def test_what_concerns_the_whole_cluster_is_withheld(kind):
    assert [one.danger for one in withheld(f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: bad}}\n")] == [
        Danger.BEYOND
    ]


@pytest.mark.parametrize(("group", "count"), [("metallb.io", 1), ("gateway.networking.k8s.io", 1), ("example.com", 0)])
def test_definitions_of_add_ons_are_withheld(group, count):
    head = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    text = f"{head}spec: {{group: {group}}}\n"

    assert len(withheld(text)) == count


@pytest.mark.parametrize("replicas", [1000, MOST_PODS, "1000000000000"])
def test_a_crowd_of_pods_is_withheld(replicas):
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: crowd, namespace: other}\n"
        f"spec:\n  replicas: {replicas}\n  template: {{spec: {{containers: []}}}}\n"
    )

    assert [one.danger for one in withheld(text)] == [Danger.TOO_MANY]


def test_so_is_a_crowd_of_objects():
    text = "---\n".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: s{number}}}\n" for number in range(MOST_OBJECTS)
    )

    found = withheld(text)
    assert {one.danger for one in found} == {Danger.TOO_MANY}
    assert 0 < len(found) < 30


def test_the_definition_that_was_shadowed_is_looked_at_once_it_counts():
    bad = pod("  hostPID: true\n  containers: [{name: a}]\n")
    worse = pod("  hostNetwork: true\n  containers: [{name: a}]\n")

    assert len(withheld(f"{bad}---\n{worse}")) == 2


@pytest.mark.parametrize("junk", ["[]", "x", "1", "{a: 1}", "[x, {}, [1]]", "null"])
@pytest.mark.parametrize("field", ["containers", "volumes", "securityContext", "serviceAccountName", "hostNetwork"])
def test_junk_anywhere_is_no_trouble(field, junk):
    withheld(pod(f"  {field}: {junk}\n"))


def test_a_link_out_of_the_submission_is_not_read(tmp_path):
    networks = tmp_path / "kubernetes-networks"
    networks.mkdir()
    (networks / "web.yaml").write_text(pod())
    (tmp_path.parent / "outside.yaml").write_text(pod().replace("bad", "outside"))
    (networks / "link.yaml").symlink_to(tmp_path.parent / "outside.yaml")
    (networks / "folder").symlink_to("/etc")

    submission = load(tmp_path)

    assert [one.name for one in submission.objects] == ["bad"]
    assert "leads out of the submission" in " ".join(map(str, submission.problems))
