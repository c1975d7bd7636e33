"""An existing cluster, in whose place stands an embedded one.

The account has only the documented rights, and the guest leaves nothing behind.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from netproof.cluster.guest import RUN_LABEL
from netproof.observe.rules_of_node import iptables_rules
from netproof.report.results import Results
from netproof.verdict import Verdict
from netproof.waiting import NotYetError, Waiter

pytestmark = pytest.mark.cluster

CHECKOUT = Path(__file__).resolve().parents[2]
ACCOUNT = "netproof-guest"
CONTEXT = "elsewhere"
RUN_SECONDS = 240


@pytest.fixture(scope="module")
def role():
    """The ClusterRole that docs/existing.md lists."""
    document = (CHECKOUT / "docs" / "existing.md").read_text(encoding="utf-8")
    (text,) = [
        token.content for token in MarkdownIt().parse(document) if token.type == "fence" and token.info == "yaml"
    ]
    return yaml.safe_load(text)


@pytest.fixture
def account(cluster, role, tmp_path):
    """Makes a kubeconfig of an account that has only the documented rights, without some where that is asked."""
    made = []

    def make(without=()):
        rules = [rule for rule in role["rules"] if not set(rule["resources"]) & set(without)]
        named = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": ACCOUNT}}
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "kube-system"}
        metadata = {"name": ACCOUNT, "namespace": "kube-system"}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ACCOUNT}
        for obj in (
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {**named, "kind": "ClusterRole", "rules": rules},
            {**named, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]},
        ):
            cluster.api.apply(obj)
            made.append(obj)
        kubeconfig = yaml.safe_load(cluster.local.kubeconfig.read_text(encoding="utf-8"))
        kubectl = cluster.spec.tools["kubectl"]
        token = subprocess.run(
            [kubectl, "--kubeconfig", cluster.local.kubeconfig, "create", "token", ACCOUNT, "-n", "kube-system"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        (there,) = kubeconfig["clusters"]
        kubeconfig |= {
            "users": [{"name": ACCOUNT, "user": {"token": token}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": there["name"], "user": ACCOUNT}}],
        }
        del kubeconfig["current-context"]
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
        return path

    yield make
    for obj in made:
        version, metadata = obj["apiVersion"], obj["metadata"]
        cluster.api.delete(obj["kind"], metadata["name"], metadata.get("namespace"), api_version=version)


def command(kubeconfig, reports, *arguments):
    """A run of checks on the existing cluster."""
    return [
        *(sys.executable, "-m", "pytest", str(CHECKOUT / "suites" / "networking"), "-p", "no:cacheprovider"),
        *(f"--rootdir={CHECKOUT}", "-c", str(CHECKOUT / "pyproject.toml"), "--report-dir", str(reports)),
        *("--cluster", "existing", "--kubeconfig", str(kubeconfig), "--context", CONTEXT, *arguments),
    ]


def run(kubeconfig, tmp_path, *arguments, code=0):
    """The results of a run that ends with ``code``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command(kubeconfig, tmp_path / "reports", *arguments),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    print(done.stdout, done.stderr, sep="\n")
    assert done.returncode == code
    return Results.read(tmp_path / "reports" / "latest" / "results.json")


def verdicts(results):
    return {one.id: one.verdict for one in results.checks}


def objects(cluster):
    """What there is that a run could have made, but for what the cluster makes by itself."""
    kinds = (("v1", "Namespace"), ("v1", "Pod"), ("v1", "Service"), ("apps/v1", "Deployment"), ("v1", "ConfigMap"))
    return {
        (kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        for version, kind in kinds
        for item in cluster.api.list(kind, api_version=version)
    }


def test_a_guest_with_the_documented_rights_proves_what_can_be_seen_and_leaves_nothing(cluster, account, tmp_path):
    before = objects(cluster)

    results = run(account(), tmp_path, "--check", "deploy,probe.declared,rollout.surge-first,clusterip.reachable")

    found = verdicts(results)
    assert {name for name, verdict in found.items() if verdict is Verdict.PASSED} == {
        "deploy.replicas",
        "deploy.unavailable-reason",
        "probe.declared",
        "rollout.surge-first",
    }
    assert found["clusterip.reachable"] is Verdict.UNSUPPORTED
    assert results.run.provider == "existing"
    assert any("coredns-svc-lb" in note and "not applied" in note for note in results.run.notes)
    assert objects(cluster) == before


def test_privileged_pods_let_it_stand_on_nodes_and_read_their_rules(cluster, account, tmp_path):
    before = kubeproxys_rules(cluster)

    results = run(
        account(),
        tmp_path,
        *("--privileged-pods", "--check"),
        "services.hairpin,services.no-endpoints-refused,headless.no-vip,clusterip.chains,clusterip.rules-heal",
    )

    found = verdicts(results)
    assert found["services.hairpin"] is Verdict.PASSED
    assert found["services.no-endpoints-refused"] is Verdict.PASSED
    assert found["headless.no-vip"] is Verdict.PASSED
    # It flushes a node's tables, which is nothing that a guest does.
    assert found["clusterip.rules-heal"] is Verdict.UNSUPPORTED
    assert before <= kubeproxys_rules(cluster)


def kubeproxys_rules(cluster):
    """The ways into kube-proxy's chains, on all nodes."""
    return {
        (node.name, rule.text)
        for node in cluster.nodes()
        for rule in iptables_rules(node).table("nat").rules()
        if rule.chain in {"PREROUTING", "OUTPUT", "POSTROUTING"} and "KUBE-" in rule.text
    }


def test_a_run_that_was_killed_is_swept(cluster, account, tmp_path):
    kubeconfig = account()
    before = objects(cluster)
    process = subprocess.Popen(
        command(kubeconfig, tmp_path / "reports", "--check", "deploy.replicas"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def moved_in():
        if not cluster.api.list("Namespace", labels=RUN_LABEL):
            raise NotYetError("no namespace of a run")

    Waiter().until("the run has moved in", moved_in, timeout_seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    swept = subprocess.run(
        [sys.executable, "-m", "netproof", "sweep", "--kubeconfig", kubeconfig, "--context", CONTEXT],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )

    assert "removed the namespace netproof-" in swept.stdout, swept.stderr
    assert not cluster.api.list("Namespace", labels=RUN_LABEL)
    assert objects(cluster) == before


def test_a_missing_right_is_named_with_what_it_costs(account, tmp_path):
    kubeconfig = account(without=["pods/exec"])

    results = run(kubeconfig, tmp_path, "--check", "deploy.replicas,rollout.zero-zero-rejected")

    found = verdicts(results)
    assert found["deploy.replicas"] is Verdict.UNSUPPORTED
    assert "create pods/exec (costs: every check that sends a request" in json.dumps(results.run.notes)


def test_without_the_vital_rights_nothing_is_started(account, tmp_path):
    kubeconfig = account(without=["namespaces"])
    done = subprocess.run(
        command(kubeconfig, tmp_path / "reports", "--check", "deploy.replicas"), capture_output=True, text=True
    )

    assert done.returncode == 4
    assert "create namespaces (costs: every check)" in done.stdout + done.stderr


def test_an_account_that_has_expired_is_told(account, tmp_path):
    kubeconfig = account()
    text = yaml.safe_load(kubeconfig.read_text())
    text["users"][0]["user"]["token"] = "expired"
    kubeconfig.write_text(yaml.safe_dump(text))

    done = subprocess.run(
        command(kubeconfig, tmp_path / "reports", "--check", "deploy.replicas"), capture_output=True, text=True
    )

    assert done.returncode == 4
    assert "refuses: Unauthorized" in done.stdout + done.stderr
