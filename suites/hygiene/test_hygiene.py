"""What can be said of a submission without a cluster: one check for each rule of :mod:`netproof.hygiene.rules`.

``netproof check`` says the same, with a remedy for each finding. A run of these checks alone starts no cluster.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, SUBMISSION, check, none_because
from netproof.fixtures.adaptation import target_of
from netproof.hygiene import examine
from netproof.hygiene.rules import RULE_OF_ID
from netproof.observe.expectations import require
from netproof.running.plugin import run_record
from netproof.submission import bundled_manifests, load, load_mutants, mutate

BROKEN = "the same rule finds the reference clean, and finds what a mutant of it breaks"
UNPATCHED = none_because("no patch of an object brings it about; the unit tests of the rule have both sides")


@pytest.fixture(scope="module")
def look(written_submission, pytestconfig):
    """Looks the submission over by one rule, and by it the reference and a mutant of it, if one is named."""
    kubernetes = target_of(pytestconfig).kubernetes
    record = run_record(pytestconfig)
    reference = load(bundled_manifests("reference"))
    mutants = {mutant.name: mutant for mutant in load_mutants()}

    def judge(rule_id, mutant=None):
        rule = RULE_OF_ID[rule_id]
        if mutant:
            clean, broken = (
                examine(one, kubernetes, [rule]) for one in (reference, mutate(reference, mutants[mutant]))
            )
            require(not clean.to_be_mended and broken.to_be_mended, "the rule to tell the mutant", "it does not")
        found = examine(written_submission, kubernetes, [rule])
        for finding in found.findings:
            if not finding.is_to_be_mended:
                record.note(str(finding))
        wrong = found.to_be_mended
        said = "\n".join(f"{one} (why: {one.why}; remedy: {one.remedy})" for one in wrong)
        require(not wrong, rule.holds, said, objects=dict.fromkeys(one.subject for one in wrong if one.subject))

    return judge


@check(
    "apply.valid",
    subject=SUBMISSION,
    level=EXTENDED,
    control=BROKEN,
    mutants=["apply-replicas-as-text", "apply-selector-of-others"],
)
def test_manifests_are_valid(look):
    """Every manifest can be read, and is what the API of the target version takes."""
    look("apply.valid", "apply-replicas-as-text")


@check("apply.unknown-field", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["apply-field-in-capitals"])
def test_manifests_have_known_fields_alone(look):
    """No manifest has a field that its kind does not have."""
    look("apply.unknown-field", "apply-field-in-capitals")


@check("apply.removed-api", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["apply-ingress-v1beta1"])
def test_manifests_are_of_this_era(look):
    """Every manifest is written for an API version that the target version serves."""
    look("apply.removed-api", "apply-ingress-v1beta1")


@check("apply.duplicate-keys", subject=SUBMISSION, level=EXTENDED, control=UNPATCHED, mutants=UNPATCHED)
def test_no_key_is_written_twice(look):
    """No key is written twice in one mapping."""
    look("apply.duplicate-keys")


@check("apply.redefined", subject=SUBMISSION, level=EXTENDED, control=UNPATCHED, mutants=UNPATCHED)
def test_no_object_is_defined_twice(look):
    """No object is defined more than once with different content."""
    look("apply.redefined")


@check(
    "apply.namespace-missing", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["apply-without-namespace"]
)
def test_namespaces_are_there(look):
    """Every namespace that a manifest names is made by the submission, or is there anyway."""
    look("apply.namespace-missing", "apply-without-namespace")


@check("layout.files", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["layout-without-cluster-ip"])
def test_the_parts_of_the_homework_are_there(look):
    """Every part of the homework is there."""
    look("layout.files", "layout-without-cluster-ip")


@check("wiring.selectors", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["wiring-selector-typo"])
def test_services_select_pods(look):
    """Every Service selects pods that are there."""
    look("wiring.selectors", "wiring-selector-typo")


@check(
    "wiring.ports",
    subject=SUBMISSION,
    level=EXTENDED,
    control=BROKEN,
    mutants=["wiring-target-port-80", "wiring-probe-port-80"],
)
def test_ports_are_spoken(look):
    """Every target port, and every port of a probe, is one that a container declares or a probe asks."""
    look("wiring.ports", "wiring-target-port-80")


@check(
    "wiring.backends",
    subject=SUBMISSION,
    level=EXTENDED,
    control=BROKEN,
    mutants=["wiring-backend-typo", "wiring-backend-port"],
)
def test_ingresses_lead_to_services(look):
    """Every backend of an Ingress is a Service in its namespace, and a port of it."""
    look("wiring.backends", "wiring-backend-typo")


@check("wiring.ingress-class", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["wiring-class-unserved"])
def test_ingresses_are_of_a_class_that_is_served(look):
    """Every Ingress is of a class that a controller serves, or of none."""
    look("wiring.ingress-class", "wiring-class-unserved")


@check(
    "wiring.paths",
    subject=SUBMISSION,
    level=EXTENDED,
    control=BROKEN,
    mutants=["wiring-path-claimed-twice", "wiring-canary-not-enabled"],
)
def test_no_path_is_claimed_twice(look):
    """No two main Ingresses claim the same host and path."""
    look("wiring.paths", "wiring-path-claimed-twice")


@check(
    "wiring.canary",
    subject=SUBMISSION,
    level=EXTENDED,
    control=BROKEN,
    mutants=["wiring-canary-of-another-host", "wiring-canary-not-enabled"],
)
def test_canaries_have_a_main_ingress(look):
    """Every canary Ingress has a main one of the same host and path, and something that chooses it."""
    look("wiring.canary", "wiring-canary-of-another-host")


@check(
    "wiring.sharing-keys", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["wiring-sharing-keys-differ"]
)
def test_shared_addresses_have_equal_keys(look):
    """Services that ask for one address have equal sharing keys and differ by port or protocol."""
    look("wiring.sharing-keys", "wiring-sharing-keys-differ")


@check("wiring.advertisement", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["wiring-pool-unannounced"])
def test_pools_are_announced(look):
    """Every pool of addresses is announced."""
    look("wiring.advertisement", "wiring-pool-unannounced")


@check("wiring.volumes", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["wiring-page-not-mounted"])
def test_what_init_containers_write_is_read(look):
    """What an init container writes into a volume is mounted by a container."""
    look("wiring.volumes", "wiring-page-not-mounted")


@check("security.host-path", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["security-host-path"])
def test_no_pod_mounts_its_node(look):
    """No pod mounts a directory of its node."""
    look("security.host-path", "security-host-path")


@check("security.privileged", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["security-privileged"])
def test_no_container_is_privileged(look):
    """No container is privileged."""
    look("security.privileged", "security-privileged")


@check(
    "security.host-namespaces", subject=SUBMISSION, level=EXTENDED, control=BROKEN, mutants=["security-host-network"]
)
def test_no_pod_shares_namespaces_with_its_node(look):
    """No pod shares the network, processes or IPC of its node."""
    look("security.host-namespaces", "security-host-network")


@check("security.cluster-admin", subject=SUBMISSION, level=EXTENDED, control=UNPATCHED, mutants=UNPATCHED)
def test_nobody_is_made_cluster_admin(look):
    """Nobody is made cluster-admin."""
    look("security.cluster-admin")


@check("security.webhooks", subject=SUBMISSION, level=EXTENDED, control=UNPATCHED, mutants=UNPATCHED)
def test_no_webhook_is_registered(look):
    """No webhook is registered."""
    look("security.webhooks")


@check("security.shadowing-crds", subject=SUBMISSION, level=EXTENDED, control=UNPATCHED, mutants=UNPATCHED)
def test_no_definition_shadows_an_add_ons(look):
    """No CustomResourceDefinition takes the place of an add-on's."""
    look("security.shadowing-crds")
