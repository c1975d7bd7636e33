"""What can be said of a submission without a cluster: one check for each rule of :mod:`netproof.hygiene.rules`.

``netproof check`` says the same, with a remedy for each finding. A run of these checks alone starts no cluster.
"""

from __future__ import annotations

import pytest

from netproof.check import EXTENDED, SUBMISSION, check, declared_check, none_because
from netproof.fixtures.adaptation import target_of
from netproof.hygiene import examine
from netproof.hygiene.rules import RULE_OF_ID
from netproof.observe.expectations import require
from netproof.running.plugin import run_record
from netproof.submission import bundled_manifests, load, load_mutants, mutate

BROKEN = "the same rule finds the reference clean, and finds what a mutant of it breaks"
UNPATCHED = none_because("no patch of an object brings it about; the unit tests of the rule have both sides")


@pytest.fixture(scope="module")
def kubernetes(pytestconfig):
    """The version that the submission is looked over for."""
    return target_of(pytestconfig).kubernetes


@pytest.fixture(scope="module")
def found_in_reference(kubernetes):
    """What a rule finds to mend in the reference, as it is or broken by a mutant."""
    reference = load(bundled_manifests("reference"))
    mutants = {mutant.name: mutant for mutant in load_mutants()}

    def to_be_mended(rule, mutant=None):
        submission = mutate(reference, mutants[mutant]) if mutant else reference
        return examine(submission, kubernetes, [rule]).to_be_mended

    return to_be_mended


@pytest.fixture
def holds(request, written_submission, kubernetes, found_in_reference):
    """Requires the rule of the check's id, once it has told the reference from the mutants that the check names."""
    declared = declared_check(request.function)
    rule = RULE_OF_ID[declared.id]
    record = run_record(request.config)

    def judge():
        if declared.mutants is not UNPATCHED:
            require(not found_in_reference(rule), "nothing to mend in the reference", found_in_reference(rule))
            for mutant in declared.mutants:
                require(found_in_reference(rule, mutant), f"the rule to find the mutant {mutant}", "it does not")
        found = examine(written_submission, kubernetes, [rule])
        for finding in found.findings:
            if not finding.is_to_be_mended:
                record.note(str(finding))
        wrong = found.to_be_mended
        said = "\n".join(f"{one} (why: {one.why}; remedy: {one.remedy})" for one in wrong)
        require(not wrong, rule.holds, said, objects=dict.fromkeys(one.subject for one in wrong if one.subject))

    return judge


def by_rule(check_id, mutants=UNPATCHED):
    """A check that the rule of this id finds nothing to mend in the submission."""
    control = UNPATCHED if mutants is UNPATCHED else BROKEN
    return check(check_id, subject=SUBMISSION, level=EXTENDED, control=control, mutants=mutants)


@by_rule("apply.valid", mutants=["apply-replicas-as-text", "apply-selector-of-others"])
def test_manifests_are_valid(holds):
    """Every manifest can be read, and is what the API of the target version takes."""
    holds()


@by_rule("apply.unknown-field", mutants=["apply-field-in-capitals"])
def test_manifests_have_known_fields_alone(holds):
    """No manifest has a field that its kind does not have."""
    holds()


@by_rule("apply.removed-api", mutants=["apply-ingress-v1beta1"])
def test_manifests_are_of_this_era(holds):
    """Every manifest is written for an API version that the target version serves."""
    holds()


@by_rule("apply.duplicate-keys")
def test_no_key_is_written_twice(holds):
    """No key is written twice in one mapping."""
    holds()


@by_rule("apply.redefined")
def test_no_object_is_defined_twice(holds):
    """No object is defined more than once with different content."""
    holds()


@by_rule("apply.namespace-missing", mutants=["apply-without-namespace"])
def test_namespaces_are_there(holds):
    """Every namespace that a manifest names is made by the submission, or is there anyway."""
    holds()


@by_rule("layout.files", mutants=["layout-without-cluster-ip"])
def test_the_parts_of_the_homework_are_there(holds):
    """Every part of the homework is there."""
    holds()


@by_rule("wiring.selectors", mutants=["wiring-selector-typo"])
def test_services_select_pods(holds):
    """Every Service selects pods that are there."""
    holds()


@by_rule("wiring.ports", mutants=["wiring-target-port-80", "wiring-probe-port-80"])
def test_ports_are_spoken(holds):
    """Every target port, and every port of a probe, is one that a container declares or a probe asks."""
    holds()


@by_rule("wiring.backends", mutants=["wiring-backend-typo", "wiring-backend-port"])
def test_ingresses_lead_to_services(holds):
    """Every backend of an Ingress is a Service in its namespace, and a port of it."""
    holds()


@by_rule("wiring.ingress-class", mutants=["wiring-class-unserved"])
def test_ingresses_are_of_a_class_that_is_served(holds):
    """Every Ingress is of a class that a controller serves, or of none."""
    holds()


@by_rule("wiring.paths", mutants=["wiring-path-claimed-twice", "wiring-canary-not-enabled"])
def test_no_path_is_claimed_twice(holds):
    """No two main Ingresses claim the same host and path."""
    holds()


@by_rule("wiring.canary", mutants=["wiring-canary-of-another-host", "wiring-canary-not-enabled"])
def test_canaries_have_a_main_ingress(holds):
    """Every canary Ingress has a main one of the same host and path, and something that chooses it."""
    holds()


@by_rule("wiring.sharing-keys", mutants=["wiring-sharing-keys-differ"])
def test_shared_addresses_have_equal_keys(holds):
    """Services that ask for one address have equal sharing keys and differ by port or protocol."""
    holds()


@by_rule("wiring.advertisement", mutants=["wiring-pool-unannounced"])
def test_pools_are_announced(holds):
    """Every pool of addresses is announced."""
    holds()


@by_rule("wiring.volumes", mutants=["wiring-page-not-mounted"])
def test_what_init_containers_write_is_read(holds):
    """What an init container writes into a volume is mounted by a container."""
    holds()


@by_rule("security.host-path", mutants=["security-host-path"])
def test_no_pod_mounts_its_node(holds):
    """No pod mounts a directory of its node."""
    holds()


@by_rule("security.privileged", mutants=["security-privileged"])
def test_no_container_is_privileged(holds):
    """No container is privileged."""
    holds()


@by_rule("security.host-namespaces", mutants=["security-host-network"])
def test_no_pod_shares_namespaces_with_its_node(holds):
    """No pod shares the network, processes or IPC of its node."""
    holds()


@by_rule("security.cluster-admin")
def test_nobody_is_made_cluster_admin(holds):
    """Nobody is made cluster-admin."""
    holds()


@by_rule("security.webhooks")
def test_no_webhook_is_registered(holds):
    """No webhook is registered."""
    holds()


@by_rule("security.shadowing-crds")
def test_no_definition_shadows_an_add_ons(holds):
    """No CustomResourceDefinition takes the place of an add-on's."""
    holds()
